"""Directory: who is known, without looking at the disk while somebody waits for an answer."""

from typing import Protocol

from .keys import Member


class Known(Protocol):
    """An allow-list; a `Keyring` is one."""

    def member(self, public: str) -> Member | None:
        """Return who has this public key; None for nobody."""

    def members(self) -> tuple[Member, ...]:
        """Return all members."""


class WithGuest:
    """An allow-list and one guest more, who is on no disk: the run that a server was started for.

    Args:
        known: The allow-list.
        guest: The guest.
    """

    def __init__(self, known: Known, guest: Member) -> None:
        self._known, self._guest = known, guest

    def member(self, public: str) -> Member | None:
        """Return who has this public key; None for nobody."""
        return self._guest if public == self._guest.public else self._known.member(public)

    def members(self) -> tuple[Member, ...]:
        """Return all members and the guest."""
        return (*self._known.members(), self._guest)


class Directory:
    """What a keyring said when it was last looked at; safe from any thread.

    Args:
        keyring: The allow-list.
    """

    def __init__(self, keyring: Known) -> None:
        self._keyring = keyring
        self._known: dict[str, Member] = {}
        self.refresh()

    def refresh(self) -> bool:
        """Look at the keyring again; says whether somebody is known no more."""
        before = self._known
        self._known = {member.public: member for member in self._keyring.members()}
        return not before.keys() <= self._known.keys()

    def member(self, public: str) -> Member | None:
        """Return who has this public key; None for nobody."""
        known = self._known.get(public)
        # somebody may have been added since
        return known if known is not None else self._keyring.member(public)

    def name(self, public: str) -> str:
        """Return the name of a key that was let in, which may have been revoked since."""
        known = self._known.get(public)
        return known.name if known is not None else public

    def has(self, name: str) -> bool:
        """Say whether somebody of this name is known."""
        return any(member.name == name for member in self._known.values())
