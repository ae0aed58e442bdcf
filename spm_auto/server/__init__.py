"""The instrument server: an instrument in a process of its own, and who may use it."""

from .keyring import Access, Keyring
from .keys import (
    Identity,
    Member,
    Role,
    new_identity,
    read_identity,
    read_public,
    server_identity,
    write_identity,
)
from .lease import Due, Lease, Terms
from .remote import Place, RemoteInstrument
from .server import About, InstrumentServer, Listening
from .settings import RemoteSettings, ServerSettings

__all__ = [
    "About",
    "Access",
    "Due",
    "Identity",
    "InstrumentServer",
    "Keyring",
    "Lease",
    "Listening",
    "Member",
    "Place",
    "RemoteInstrument",
    "RemoteSettings",
    "Role",
    "ServerSettings",
    "Terms",
    "new_identity",
    "read_identity",
    "read_public",
    "server_identity",
    "write_identity",
]
