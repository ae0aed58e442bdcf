"""Lease: who has control of an instrument, for how long without a sign of life, and what then."""

import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..errors import NotOwner


class Due(StrEnum):
    """What is due because the owner gives no sign of life."""

    NOTHING = "nothing"
    HOLD = "hold"
    WITHDRAW = "withdraw"


@dataclass(frozen=True, slots=True)
class Terms:
    """How long an owner may be silent.

    Attributes:
        hold_after: Without a sign of life the lease is lost and the instrument is held [s].
        withdraw_after: After so much more time without a new owner the tip is withdrawn [s].
    """

    hold_after: float = 5.0
    withdraw_after: float = 30.0


class Lease:
    """The control of one instrument: at most one owner, and it expires; safe from any thread.

    A token says that a command is the owner's. Each new owner has another one, so that whoever
    comes back after its lease was lost is refused. Where ``who`` is said, too, the token is worth
    something in the owner's hands only.

    Args:
        terms: How long an owner may be silent.
        now: Tells a time that never jumps [s].
    """

    def __init__(self, terms: Terms, now: Callable[[], float]) -> None:
        self._terms, self._now = terms, now
        self._lock = threading.Lock()
        self._owner = ""
        self._token = ""
        self._seen = now()
        self._lost_at: float | None = None
        self._lost_by = ""
        self._count = 0

    @property
    def owner(self) -> str:
        """Who has it; empty when nobody has."""
        with self._lock:
            return self._owner

    @property
    def was_ever_owned(self) -> bool:
        """Whether anybody has taken it since it was made."""
        with self._lock:
            return self._count > 0

    def take(self, who: str) -> str:
        """Become the owner, and return the token.

        Raises:
            NotOwner: Somebody else has it; also somebody of the same name.
        """
        with self._lock:
            if self._owner:
                raise NotOwner(
                    f"the instrument is owned by {self._owner!r}, "
                    f"last seen {self._now() - self._seen:.1f} s ago"
                )
            self._owner, self._token = who, secrets.token_hex(16)
            self._seen, self._lost_at = self._now(), None
            self._count += 1
            return self._token

    def renew(self, token: str, who: str = "") -> None:
        """Give a sign of life.

        Raises:
            NotOwner: The token is not the owner's; it may have been once.
        """
        with self._lock:
            self._check(token, who)
            self._seen = self._now()

    def check(self, token: str, who: str = "") -> None:
        """Refuse a command that is not the owner's.

        Raises:
            NotOwner: With whose instrument it is.
        """
        with self._lock:
            self._check(token, who)

    def release(self, token: str, who: str = "") -> None:
        """Give it back, in order: nothing is due afterwards.

        Raises:
            NotOwner: The token is not the owner's.
        """
        with self._lock:
            self._check(token, who)
            self._owner = self._token = ""
            self._lost_at = None

    def orphan(self, who: str) -> None:
        """Begin with an owner who was lost: a server was killed, and another one goes on."""
        with self._lock:
            self._lost_at, self._lost_by = self._now(), who

    def revoke(self, who: str) -> bool:
        """Take it from an owner whose key was revoked, as if it had fallen silent long ago."""
        with self._lock:
            if self._owner != who:
                return False
            self._seen = self._now() - self._terms.hold_after
            return True

    def look(self) -> tuple[Due, str]:
        """Say what is due now, once for each: and who fell silent."""
        with self._lock:
            now = self._now()
            if self._owner and now - self._seen >= self._terms.hold_after:
                self._lost_at, self._lost_by = now, self._owner
                self._owner = self._token = ""
                return Due.HOLD, self._lost_by
            if self._lost_at is not None and now - self._lost_at >= self._terms.withdraw_after:
                self._lost_at = None
                return Due.WITHDRAW, self._lost_by
            return Due.NOTHING, self._owner

    def _check(self, token: str, who: str) -> None:
        # compare_digest takes ASCII only, and a token is what a client says it is
        is_right = secrets.compare_digest(token.encode(), self._token.encode())
        if self._owner and is_right and who in (self._owner, ""):
            return
        owner = f"the instrument is owned by {self._owner!r}" if self._owner else "nobody owns it"
        raise NotOwner(f"this lease is not valid any more: {owner}; take it again")
