"""Your own instrument: the `Instrument` protocol in one small class, and a run on it.

This one is an ohmic sample: a spectrum is I = G(x, y) V with one place that conducts best. Its exam
is `spm_auto.instrument.contract.InstrumentContract`; see ``tests/examples``.
"""

import threading
from collections.abc import Iterator
from pathlib import Path

import numpy as np

import spm_auto as spm
from spm_auto.clock import Clock, InstantClock
from spm_auto.errors import EmergencyStopped, NotLoaded, Stopped
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    Instruction,
    InstrumentState,
    Limits,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    Spectrum,
    Status,
)

CONDUCTANCE = Channel("conductance", "S")
CURRENT = Channel("current", "A")


class OhmicMicroscope:
    """A sample of ohmic contacts: conductance falls off around the best place.

    Args:
        clock: Instrument time.
        best: Where the sample conducts best, x and y [m].
    """

    def __init__(self, clock: Clock, best: tuple[float, float] = (2e-7, 1e-7)) -> None:
        self._clock = clock
        self._best = best
        self._lock = threading.Lock()
        self._state = InstrumentState.EMPTY
        self._position = (0.0, 0.0)
        self._stop = threading.Event()

    @property
    def capabilities(self) -> Capabilities:
        """What the instrument has."""
        return Capabilities(
            name="ohmic sample",
            image_channels=(CONDUCTANCE,),
            spectrum_channels=(CURRENT,),
            x_range=(-1e-6, 1e-6),
            y_range=(-1e-6, 1e-6),
            bias_range=(-10.0, 10.0),
            position_accuracy=1e-12,
            is_simulated=True,
        )

    def status(self) -> Status:
        """Read back where the instrument stands."""
        with self._lock:
            engaged = self._state not in (
                InstrumentState.EMPTY,
                InstrumentState.LATCHED,
                InstrumentState.CLOSED,
            )
            return Status(self._state, self._position, 0.0, engaged, self._clock.now())

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction takes [s]."""
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                return frame.pixels[1] / rate
            case AcquireSpectrum(waveform=waveform):
                return waveform.duration
            case _:
                return 1.0

    def load(self, instruction: Load) -> None:
        """Ready the instrument; the only way out of a latch."""
        self._clock.wait(self.duration(instruction))
        self._enter(InstrumentState.READY)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Scan line by line; leaving the iterator stops the scan."""
        self._begin(instruction, InstrumentState.SCANNING)
        try:
            for index in range(instruction.frame.pixels[1]):
                self._wait(1 / instruction.line_rate)
                values = self._conductance(*instruction.frame.line_positions(index))[np.newaxis]
                yield ScanLine(index, values, values, self._clock.now())
        finally:
            self._end()

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe."""
        self._begin(instruction, InstrumentState.SPECTROSCOPY)
        try:
            self._wait(self.duration(instruction))
            with self._lock:
                self._position = (instruction.x, instruction.y)
        finally:
            self._end()

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Position the probe and sweep the bias."""
        self._begin(instruction, InstrumentState.SPECTROSCOPY)
        try:
            start, bias = self._clock.now(), instruction.waveform.bias
            self._wait(self.duration(instruction))
            with self._lock:
                self._position = (instruction.x, instruction.y)
            current = bias * self._conductance(np.array(instruction.x), np.array(instruction.y))
            end = self._clock.now()
        finally:
            self._end()
        place = (instruction.x, instruction.y)
        return Spectrum(*place, bias, (CURRENT,), current[np.newaxis], start, end)

    def interrupt(self) -> None:
        """End the instruction in progress; without one, do nothing."""
        with self._lock:
            if self._state in (InstrumentState.SCANNING, InstrumentState.SPECTROSCOPY):
                self._stop.set()

    def emergency_stop(self) -> None:
        """Withdraw and latch."""
        self._enter(InstrumentState.LATCHED)
        self._stop.set()

    def close(self) -> None:
        """Let go; safe to call twice."""
        self._enter(InstrumentState.CLOSED)

    def _conductance(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        distance = np.hypot(x - self._best[0], y - self._best[1])
        return 1e-9 * np.exp(-((distance / 2e-7) ** 2))

    def _enter(self, state: InstrumentState) -> None:
        with self._lock:
            self._state = state

    def _begin(self, instruction: Instruction, state: InstrumentState) -> None:
        with self._lock:
            if self._state == InstrumentState.LATCHED:
                raise EmergencyStopped("the tip is withdrawn; load the sample to go on")
            if self._state != InstrumentState.READY:
                raise NotLoaded(f"the instrument is {self._state}; load the sample first")
            Limits().within(self.capabilities).check(instruction)
            self._stop.clear()
            self._state = state

    def _wait(self, seconds: float) -> None:
        if self._clock.wait(seconds, self._stop):
            latched = self.status().state == InstrumentState.LATCHED
            raise (EmergencyStopped if latched else Stopped)("the instruction was stopped")

    def _end(self) -> None:
        with self._lock:
            if self._state in (InstrumentState.SCANNING, InstrumentState.SPECTROSCOPY):
                self._state = InstrumentState.READY


def main(out: Path = Path("runs/own_instrument")) -> None:
    """Find the place that conducts best."""
    clock = InstantClock()
    microscope = OhmicMicroscope(clock)
    with spm.start_run(instrument=microscope, clock=clock, out=out, seed=1) as run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(32, 32))
        agent = spm.agents.make("gp", overview, scalarizer="integral", seed=1, initial=4)
        for proposal in agent.proposals(budget=12):
            sweep = spm.BiasWaveform.sweep("0 V", "1 V", points=11)
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, sweep))
    best = run.recorded.best
    if best is not None:
        print(f"best place: ({best.spectrum.x:.2e}, {best.spectrum.y:.2e}) m")


if __name__ == "__main__":
    main()
