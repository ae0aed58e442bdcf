"""The instrument server: an instrument in a process of its own, and who may use it."""

from .directory import Known, WithGuest
from .keyring import Access, Keyring
from .keys import (
    Identity,
    Member,
    Role,
    check_rights,
    new_identity,
    read_identity,
    read_public,
    restrict,
    server_identity,
    write_identity,
)
from .lease import Due, Lease, Terms
from .listener import Listener, Overheard
from .past import Past, next_place, read_past
from .remote import Place, RemoteInstrument
from .server import About, InstrumentServer, Listening
from .settings import RemoteSettings, ServerSettings
from .sockets import CLOSING, Caller, Door, dial, receive
from .wire import (
    capabilities_table,
    read_capabilities,
    read_status,
    read_vitals,
    status_table,
    vitals_table,
)

__all__ = [
    "CLOSING",
    "About",
    "Access",
    "Caller",
    "Door",
    "Due",
    "Identity",
    "InstrumentServer",
    "Keyring",
    "Known",
    "Lease",
    "Listener",
    "Listening",
    "Member",
    "Overheard",
    "Past",
    "Place",
    "RemoteInstrument",
    "RemoteSettings",
    "Role",
    "ServerSettings",
    "Terms",
    "WithGuest",
    "capabilities_table",
    "check_rights",
    "dial",
    "new_identity",
    "next_place",
    "read_capabilities",
    "read_identity",
    "read_past",
    "read_public",
    "read_status",
    "read_vitals",
    "receive",
    "restrict",
    "server_identity",
    "status_table",
    "vitals_table",
    "write_identity",
]
