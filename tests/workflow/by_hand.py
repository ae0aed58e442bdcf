"""Steps, agents and a microscope that a test has in its own hands."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from examples.own_instrument import OhmicMicroscope
from spm_auto.agents import Agent, Candidates, Explorer, Fit, Observation, Proposal
from spm_auto.clock import Clock
from spm_auto.data import Event, Record
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanImage,
    ScanLine,
    Spectrum,
)
from spm_auto.workflow import Step, StepContext, StepGenerator

FRAME = ScanFrame((1e-7, 0.0), (4e-7, 3e-7), (4, 3))
SCAN = Scan(FRAME)
SPECTRUM = AcquireSpectrum(1e-7, 2e-7, BiasWaveform((0.0, 1.0), 0.5))


class StepByHand(Step):
    """A step that does what a test's generator says."""

    kind: str = "by hand"
    script: Any

    def run(self, context: StepContext) -> StepGenerator:
        """Do it."""
        generator: StepGenerator = self.script(context)
        return generator


def doing(*instructions: Any) -> StepByHand:
    """Make a step that yields these requests, whatever the answers."""

    def script(_: StepContext) -> StepGenerator:
        for instruction in instructions:
            _ = yield instruction
        return None

    return StepByHand(script=script)


class Microscope(OhmicMicroscope):
    """An ohmic sample that notes each call, and does first what a test wants done then."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.calls: list[str] = []
        self.first: dict[str, Callable[[], object]] = {}

    def _note(self, call: str) -> None:
        self.calls.append(call)
        self.first.get(call, lambda: None)()

    def load(self, instruction: Load) -> None:
        self._note("load")
        super().load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self._note("scan")
        for line in super().scan(instruction):
            self._note(f"line {line.index}")
            yield line

    def position_probe(self, instruction: PositionProbe) -> None:
        self._note("position probe")
        super().position_probe(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self._note("acquire spectrum")
        return super().acquire_spectrum(instruction)

    def emergency_stop(self) -> None:
        self._note("emergency stop")
        super().emergency_stop()

    def close(self) -> None:
        self._note("close")
        super().close()


class AgentByHand:
    """An agent that takes one candidate after another, and does first what a test wants done."""

    def __init__(self, n: int = 12, first: Callable[[int], object] = lambda _: None) -> None:
        image = overview()
        every = Candidates.of(image)
        self.candidates = every.select(np.arange(n))
        self.fit: Fit | None = None
        self.log: list[str] = []
        self._first = first
        self._asked = 0

    def tell(self, observations: Sequence[Observation]) -> None:
        self.log += [f"told {o.candidate}" for o in observations]

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        self.log.append(f"asked, pending {list(pending)}")
        self._first(self._asked)
        if self._asked >= len(self.candidates):
            return []
        x, y, bias = self.candidates.points[self._asked].tolist()
        self._asked += 1
        return [Proposal(self._asked - 1, x, y, bias, "next")]


def explorer(agent: Agent) -> Explorer:
    """Give an agent the largest current as what a spectrum is worth."""
    return Explorer(agent, lambda spectrum: float(spectrum.data.max()))


def overview(frame: ScanFrame = FRAME) -> ScanImage:
    """Make an image that grows to the upper right."""
    ramp = np.arange(frame.pixels[0] * frame.pixels[1], dtype=float).reshape(1, *frame.shape)
    return ScanImage(frame, (Channel("conductance", "S"),), ramp, ramp, 0.0, 1.0)


class Shown:
    """A listener that keeps every record, and calls what a test wants called after an event."""

    def __init__(self) -> None:
        self.records: list[Record] = []
        self.after: dict[type[Event] | str, Callable[[], object]] = {}

    def __call__(self, record: Record) -> None:
        self.records.append(record)
        self.after.pop(type(record.event).__name__, lambda: None)()

    @property
    def names(self) -> list[str]:
        """Names of the events, in order."""
        return [type(record.event).__name__ for record in self.records]
