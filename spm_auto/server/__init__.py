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
    "check_rights",
    "dial",
    "new_identity",
    "next_place",
    "read_identity",
    "read_past",
    "read_public",
    "receive",
    "restrict",
    "server_identity",
    "write_identity",
]
