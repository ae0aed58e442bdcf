"""Permit: how much whoever gives the instructions may do, and whether anything is really sent."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from ..errors import Forbidden, NotArmed
from .instructions import Instruction
from .levels import Level, level_of

MOST = 1000  # instructions that one confirmation may stand for
LONGEST = 24 * 3600.0  # [s] that it may stand


class Mode(StrEnum):
    """Whether instructions are sent, or only looked at."""

    ARMED = "armed"
    DRY_RUN = "dry run"


@dataclass(slots=True)
class _Confirmation:
    """So many instructions that a human has said yes to, until a time that never jumps [s]."""

    who: str
    left: int
    until: float


class Permit:
    """What whoever gives the instructions may do; safe from any thread.

    Without anything said it allows everything: what stands in a script of one's own is one's own
    affair. What may hurt the tip, level 3, can be made to need a human who has said yes beforehand.

    Args:
        level: The highest level of an instruction that is let through.
        is_autonomous: Whether nobody sits beside it, so that the controller's own guard must be
            armed.
        mode: Whether instructions are sent, or only looked at.
        needs_confirmation: Whether level 3 needs a standing confirmation.
        now: Tells a time that never jumps [s].
    """

    def __init__(
        self,
        level: Level = Level.EVERYTHING,
        *,
        is_autonomous: bool = False,
        mode: Mode = Mode.ARMED,
        needs_confirmation: bool = False,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._lock = threading.Lock()
        self._level, self._is_autonomous, self._mode = Level(level), is_autonomous, Mode(mode)
        self._needs_confirmation = needs_confirmation
        self._now = now
        self._confirmed: list[_Confirmation] = []

    @property
    def level(self) -> Level:
        """The highest level of an instruction that is let through."""
        with self._lock:
            return self._level

    @property
    def is_autonomous(self) -> bool:
        """Whether nobody sits beside it."""
        with self._lock:
            return self._is_autonomous

    @property
    def mode(self) -> Mode:
        """Whether instructions are sent, or only looked at."""
        with self._lock:
            return self._mode

    @property
    def confirmed(self) -> int:
        """For how many instructions of level 3 a human has said yes."""
        with self._lock:
            return sum(each.left for each in self._valid())

    def change(
        self,
        level: Level | None = None,
        is_autonomous: bool | None = None,
        mode: Mode | None = None,
    ) -> None:
        """Let more or less through from now on; what is None stays as it is."""
        with self._lock:
            self._level = self._level if level is None else Level(level)
            self._mode = self._mode if mode is None else Mode(mode)
            if is_autonomous is not None:
                self._is_autonomous = is_autonomous

    def confirm(self, who: str, count: int, until: float) -> None:
        """Say yes beforehand to so many instructions of level 3.

        Args:
            who: The human, for the record.
            count: How many, from 1 to `MOST`.
            until: When it ends, on the clock that never jumps [s]; at most `LONGEST` from now.

        Raises:
            ValueError: Nobody is named, or it is for nothing or for too much.
        """
        now = self._now()
        if not who.strip():
            raise ValueError("somebody confirms: say who")
        if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST:
            raise ValueError(f"a confirmation is for 1 to {MOST} instructions, got {count}")
        if not (math.isfinite(until) and 0 < until - now <= LONGEST):
            raise ValueError(
                f"a confirmation stands for 0 to {LONGEST:g} s from now, got {until - now:g} s"
            )
        with self._lock:
            self._confirmed.append(_Confirmation(who, count, until))

    def retract(self) -> None:
        """Take back every confirmation."""
        with self._lock:
            self._confirmed.clear()

    def check(self, instruction: Instruction) -> None:
        """Refuse what may not be done, or is not to be sent; nothing is used up.

        Raises:
            Forbidden: It needs a higher level, or a human who has said yes.
            NotArmed: This is a dry run.
        """
        self.check_allowed(instruction)
        self.check_armed(instruction)

    def check_level(self, instruction: Instruction) -> None:
        """Refuse what needs a higher level, confirmed or not.

        Raises:
            Forbidden: It names the level needed and had.
        """
        self._check_level(instruction, self.level)

    def check_allowed(self, instruction: Instruction) -> None:
        """Refuse what needs a higher level, or a human who has said yes.

        Raises:
            Forbidden: It names the level needed and had, or says that nobody has confirmed it.
        """
        with self._lock:
            self._check_level(instruction, self._level)
            self._check_confirmed(instruction)

    def check_armed(self, instruction: Instruction) -> None:
        """Refuse everything in a dry run.

        Raises:
            NotArmed: This is a dry run.
        """
        if self.mode is Mode.DRY_RUN:
            raise NotArmed(
                f"{type(instruction).__name__} is allowed, but this is a dry run: nothing was sent"
            )

    def use(self, instruction: Instruction) -> str:
        """Use up a confirmation for what is about to be sent; the one that ends first.

        Returns:
            Who has said yes; empty where nobody has to.

        Raises:
            Forbidden: Nobody has.
        """
        with self._lock:
            self._check_confirmed(instruction)
            if not self._is_asked_for(instruction):
                return ""
            first = min(self._valid(), key=lambda each: each.until)
            first.left -= 1
            return first.who

    @staticmethod
    def _check_level(instruction: Instruction, had: Level) -> None:
        needed = level_of(instruction)
        if needed > had:
            raise Forbidden(
                f"{type(instruction).__name__} needs level {needed:d} ({_word(needed)}), "
                f"and level {had:d} ({_word(had)}) is what there is"
            )

    def _is_asked_for(self, instruction: Instruction) -> bool:
        return self._needs_confirmation and level_of(instruction) >= Level.EVERYTHING

    def _check_confirmed(self, instruction: Instruction) -> None:
        if self._is_asked_for(instruction) and not self._valid():
            raise Forbidden(
                f"{type(instruction).__name__} needs the confirmation of a human, given "
                f"beforehand; 0 are left"
            )

    def _valid(self) -> list[_Confirmation]:
        now = self._now()
        self._confirmed = [each for each in self._confirmed if each.left > 0 and now < each.until]
        return self._confirmed


def _word(level: Level) -> str:
    return level.name.lower()
