"""Recovery: what a run may do by itself when the link to its instrument is lost."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from ..clock import Clock
from ..data import LINK, Alarm
from ..errors import ConnectionLost, EmergencyStopped, InstrumentError, NoReply
from ..instrument import ConditionTip, Instruction, InstrumentState, Load
from ..units import Duration
from .control import Control
from .performing import Performer
from .requests import Result
from .scribe import Scribe
from .steps.tip_care import TipSettings

_HOUR = 3600.0  # [s]


class RecoverySettings(BaseModel):
    """What a run may do by itself; a recipe without a ``[recovery]`` table does nothing of it.

    Attributes:
        in_a_row: How many times in a row a lost instrument is loaded again before the run ends.
        per_hour: The same within any hour of instrument time.
        wait: Before the first of them; twice as long before each further one [s].
        longest_wait: At most [s].
        tip: How the tip is looked after; None for not at all.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    in_a_row: Annotated[int, Field(ge=1, le=100)] = 5
    per_hour: Annotated[int, Field(ge=1, le=1000)] = 10
    wait: Annotated[Duration, Field(gt=0)] = 5.0
    longest_wait: Annotated[Duration, Field(gt=0)] = 300.0
    tip: TipSettings | None = None

    def pause(self, failures: int) -> float:
        """Return the wait after so many failures in a row [s]."""
        return float(min(self.wait * 2.0 ** (failures - 1), self.longest_wait))


class LinkRecovery:
    """Gives instructions, and gives them again when the link was lost; for the instrument thread.

    The instrument is loaded again first. A bias pulse or a poke is not given twice: nobody knows
    whether the first one came through. Whatever else goes wrong is passed on, and a tip that was
    withdrawn meanwhile is left withdrawn.

    Each failure is on record, so that a run that goes on decides as it did then.

    Args:
        settings: How often, and after what wait.
        performer: Gives the instructions.
        scribe: Writes down what comes back, or has it on record.
        control: Where the run stands.
        clock: Instrument time.
    """

    def __init__(
        self,
        settings: RecoverySettings,
        performer: Performer,
        scribe: Scribe,
        control: Control,
        clock: Clock,
    ) -> None:
        self._settings, self._performer, self._scribe = settings, performer, scribe
        self._control, self._clock = control, clock
        self._load = Load()
        self._times: list[float] = []  # of all recoveries [s]

    def perform(self, instruction: Instruction) -> Result:
        """Give an instruction; see `Runner.perform`."""
        if isinstance(instruction, Load):
            self._load = instruction
        todo: list[Instruction] = [instruction]
        result: Result = None
        failures = 0
        while todo:
            try:
                result = self._performer.perform(todo[0])
            except (ConnectionLost, NoReply) as error:
                failures += 1
                self._wait(error, failures)
                is_once = isinstance(instruction, Load | ConditionTip)
                todo = [self._load] if is_once else [self._load, instruction]
            else:
                del todo[0]
        return result

    def _wait(self, error: InstrumentError, failures: int) -> None:
        """Wait before the next attempt, or pass on what happened when there were too many."""
        settings, now = self._settings, self._performer.failed_at
        recent = sum(now - time < _HOUR for time in self._times)
        if failures > settings.in_a_row or recent >= settings.per_hour:
            self._say(
                f"{error}; given up after {failures - 1} attempts in a row and {recent} in an hour"
            )
            raise error
        self._times.append(now)
        pause = settings.pause(failures)
        self._say(f"{error}; loading again in {pause:g} s (attempt {failures})")
        past = self._scribe.past
        if self._scribe.is_live or (past is not None and past.is_simulated):
            self._clock.wait(pause, self._control.stop_flag)
        self._control.refuse_when_over()
        if self._scribe.is_live:
            self._refuse_when_withdrawn()

    def _say(self, message: str) -> None:
        if self._scribe.is_live:  # no step asks for these alarms, so the tape leaves them out
            self._scribe.record(Alarm(message, LINK))

    def _refuse_when_withdrawn(self) -> None:
        """Leave a tip alone that somebody has withdrawn while nothing was heard of it."""
        try:
            state = self._performer.instrument.status().state
        except InstrumentError:  # still lost: the load will tell
            return
        if state is InstrumentState.LATCHED:
            raise EmergencyStopped(
                "the tip was withdrawn while the link was lost; the run does not load again"
            )
