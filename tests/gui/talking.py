"""A run that is only a pretence, for who speaks to runs: as quick, deaf or slow as wanted."""

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from made import LIMITS

from spm_auto.agents import Steering
from spm_auto.data import Verdict
from spm_auto.ear import About, Look, RunView
from spm_auto.errors import AccessError, ConnectionLost, SpmError
from spm_auto.instrument import (
    Capabilities,
    Channel,
    Instruction,
    InstrumentState,
    Limits,
    Status,
    Vitals,
)

PATIENCE = 10.0  # [s] until a test that hangs fails; none waits that long
HERE = 4711  # number of the run's process
STATUS = Status(InstrumentState.READY, (1e-7, -2e-7), 0.5, is_engaged=True, time=12.0)
VITALS = Vitals(
    12.0, 3.2e-10, "A", 2e-9, 1.1e-7, (-5e-7, 5e-7), True, 0.02, True, "SafeTip at 2 nA"
)
LOOK = Look(STATUS, VITALS, "", "alice")
CAPABILITIES = Capabilities(
    name="made microscope",
    x_range=(-5e-6, 5e-6),
    y_range=(-5e-6, 5e-6),
    bias_range=(-10.0, 10.0),
    image_channels=(Channel("height", "m"),),
    spectrum_channels=(Channel("response", "m"),),
    position_accuracy=1e-9,
    is_simulated=True,
)


def run_view(**given: Any) -> RunView:
    """Return how a run stands that goes on, but for what is given."""
    common: dict[str, Any] = {
        "title": "a made run",
        "state": "running",
        "is_held": False,
        "approval": None,
        "question": None,
        "waiting": (),
        "process": HERE,
    }
    return RunView(**{**common, **given})


@dataclass
class MadeRun:
    """What a pretended run is and was told, by all who are connected to it.

    Attributes:
        is_there: Whether it can be connected to.
        is_lost: Whether it has died since: every call fails.
        view: How it stands.
        look: How its instrument is.
        limits: What is allowed.
        error: What it answers to every wish and withdrawal; None for yes.
        calls: What it was told: name and values.
        gate: What the calls named in `slow` wait for.
        slow: Names of the calls that wait.
        n_connected: How often somebody connected.
        n_open: How many connections are open.
        numbers: Of the questions that were answered by hand.
        surprise: What nobody foresaw, raised by whatever is done; None for nothing.
    """

    is_there: bool = True
    is_lost: bool = False
    view: RunView = field(default_factory=run_view)
    look: Look = LOOK
    limits: Limits = LIMITS
    error: SpmError | None = None
    calls: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)
    gate: threading.Event = field(default_factory=threading.Event)
    slow: set[str] = field(default_factory=set)
    n_connected: int = 0
    n_open: int = 0
    numbers: list[int | None] = field(default_factory=list)
    surprise: Exception | None = None

    def connect(self, folder: Path, who: str) -> "MadeTalker":
        """Connect to it."""
        if self.surprise is not None:
            raise self.surprise
        if not self.is_there:
            raise AccessError(f"{folder}: no run listens here")
        self.n_connected += 1
        self.n_open += 1
        return MadeTalker(self, who)

    def called(self, name: str) -> list[tuple[Any, ...]]:
        """Return with what something was called."""
        return [values for each, values in self.calls if each == name]


class MadeTalker:
    """A connection to it."""

    def __init__(self, run: MadeRun, who: str) -> None:
        self._run, self._who, self._is_open = run, who, True

    def close(self) -> None:
        self._run.n_open -= self._is_open
        self._is_open = False

    def state(self) -> RunView:
        self._ask("state")
        return self._run.view

    def look(self) -> Look:
        self._ask("look")
        return self._run.look

    def about(self) -> About:
        self._ask("about")
        return About(CAPABILITIES, self._run.limits)

    def perform(
        self, instructions: Sequence[Instruction], why: str = "", number: int | None = None
    ) -> None:
        self._run.numbers.append(number)
        self._do("perform", tuple(instructions), why)

    def finish(self, why: str = "") -> None:
        self._do("finish", why)

    def interrupt(self, why: str = "") -> None:
        self._do("interrupt", why)

    def pause(self, why: str = "") -> None:
        self._do("pause", why)

    def resume(self, why: str = "") -> None:
        self._do("resume", why)

    def cancel(self, why: str = "") -> None:
        self._do("cancel", why)

    def emergency_stop(self, why: str = "", hard: bool = False) -> None:
        self._do("emergency_stop", hard)

    def steer(self, steering: Steering, why: str = "") -> None:
        self._do("steer", steering, why)

    def answer(
        self,
        verdict: Verdict,
        why: str = "",
        values: Mapping[str, Any] | None = None,
        number: int | None = None,
    ) -> str:
        self._do("answer", verdict, why, values, number)
        return "asked"

    def annotate(self, text: str, why: str = "") -> None:
        self._do("annotate", text)

    def set_approval(self, every: int, why: str = "") -> None:
        self._do("set_approval", every, why)

    def _do(self, name: str, *values: Any) -> None:
        self._ask(name)
        self._run.calls.append((name, values))
        if self._run.error is not None:
            raise self._run.error

    def _ask(self, name: str) -> None:
        assert self._is_open, "a connection is used that was closed"
        if name in self._run.slow:
            assert self._run.gate.wait(PATIENCE)
        if self._run.surprise is not None:
            raise self._run.surprise
        if self._run.is_lost:
            raise ConnectionLost("the run's process has died")


def until(happens: Callable[[], object], patience: float = PATIENCE) -> None:
    """Wait until something is so."""
    pause = threading.Event()
    for _ in range(int(patience / 0.005)):
        if happens():
            return
        pause.wait(0.005)
    assert happens(), "it has not happened in time"
