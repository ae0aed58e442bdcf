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

__all__ = [
    "Access",
    "Due",
    "Identity",
    "Keyring",
    "Lease",
    "Member",
    "Role",
    "Terms",
    "new_identity",
    "read_identity",
    "read_public",
    "server_identity",
    "write_identity",
]
