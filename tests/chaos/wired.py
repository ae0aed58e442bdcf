"""Runs over a wire that breaks: what arrived, what was asked for, and when it was noticed."""

import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from by_hand import Shown, doing
from ohmic_runs import new_runner
from test_wire_faults import ARRIVALS, STRIPS
from wires import FRAME, FRAMES, SWEEP, SWEEPS, Wire, wire

from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, LineAcquired, ScanFinished, open_run
from spm_auto.errors import InstrumentError
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Instruction,
    Instrument,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanLine,
    Spectrum,
    Status,
)
from spm_auto.simulator.servers import WireFault

POINT = (30e-9, -20e-9)


class Watched:
    """Passes an instrument on, and notes what arrived, and how it looked after it broke.

    Attributes:
        lines: How many lines of scans it gave.
        after: Its state right after an instruction failed.
        failed_at: When that was, on the wall [s].
    """

    def __init__(self, instrument: Instrument) -> None:
        self._instrument = instrument
        self.lines = 0
        self.after: InstrumentState | None = None
        self.failed_at = 0.0

    @property
    def capabilities(self) -> Capabilities:
        return self._instrument.capabilities

    def status(self) -> Status:
        return self._instrument.status()

    def duration(self, instruction: Instruction) -> float:
        return self._instrument.duration(instruction)

    def load(self, instruction: Load) -> None:
        with self._noted():
            self._instrument.load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        with self._noted(), contextlib.closing(self._instrument.scan(instruction)) as lines:  # type: ignore[type-var]
            for line in lines:
                self.lines += 1
                yield line

    def position_probe(self, instruction: PositionProbe) -> None:
        with self._noted():
            self._instrument.position_probe(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        with self._noted():
            return self._instrument.acquire_spectrum(instruction)

    def interrupt(self) -> None:
        self._instrument.interrupt()

    def emergency_stop(self) -> None:
        self._instrument.emergency_stop()

    def close(self) -> None:
        self._instrument.close()

    @contextlib.contextmanager
    def _noted(self) -> Iterator[None]:
        try:
            yield
        except InstrumentError:
            self.failed_at = time.monotonic()
            self.after = self._instrument.status().state
            raise


@dataclass(frozen=True)
class Broken:
    """What came of a run whose wire was broken.

    Attributes:
        reason: How it ended.
        arrived: How many lines the driver gave.
        kept: How many lines are on record.
        marked: Whether a scan that was not whole says so, and shows nothing where it has nothing.
        state: Of the instrument, right after it failed.
        noticed: From the fault to the error [s]; NaN where nothing struck.
        motions: Most arrivals at the one point that was asked for, beyond what it should be.
        scans: Scans that the instrument carried out, beyond what it should have.
    """

    reason: FinishReason
    arrived: int
    kept: int
    marked: bool
    state: InstrumentState | None
    noticed: float
    motions: int
    scans: int


def run_over(kind: str, fault: str, line: int, folder: Path, reply_timeout: str) -> Broken:
    """Carry out a scan, a motion and a spectrum over a wire that breaks after a line of the scan.

    Args:
        kind: Of the wire.
        fault: Of the wire, as `WireFault` names it.
        line: How many lines arrive before; where all come at once, it breaks later.
        folder: Of the run.
        reply_timeout: As the lab file says it.
    """
    with wire(kind, reply_timeout=reply_timeout) as ends:
        return _run(ends, WireFault.model_validate({"kind": fault}), line, folder)


def _run(ends: Wire, fault: WireFault, line: int, folder: Path) -> Broken:
    faults, driver = ends.server.faults, Watched(ends.driver)
    struck: list[float] = []
    strike = faults.strike

    def strike_and_note(command: str, *kinds: Any) -> WireFault | None:
        hit = strike(command, *kinds)
        if hit is not None and not struck:
            struck.append(time.monotonic())
        return hit

    faults.strike = strike_and_note  # type: ignore[method-assign]
    ends.microscope.motions.clear()
    shown = Shown()

    def count_down() -> None:
        if shown.names.count("LineAcquired") >= line:
            faults.arm(fault)
        else:
            shown.after["LineAcquired"] = count_down

    shown.after["LineAcquired" if line else "StepStarted"] = count_down
    frame = FRAMES.get(ends.kind, FRAME)
    steps = doing(
        Scan(frame, channels=("height",), line_rate=20.0),
        PositionProbe(*POINT),
        AcquireSpectrum(*POINT, SWEEPS.get(ends.kind, SWEEP)),
    )
    runner = new_runner(folder, driver, InstantClock(), listeners=(shown,))
    finished = runner.run([steps], seed=1)
    faults.arm()
    run = open_run(folder)
    lines = [r.event for r in run.records if isinstance(r.event, LineAcquired)]
    ended = [r.event for r in run.records if isinstance(r.event, ScanFinished)]
    marked = all(
        end.is_complete == (len(lines) == frame.pixels[1] and np.isfinite(image.forward).all())
        for end, image in zip(ended, run.scans, strict=True)
    )
    arrivals = sum(np.allclose(m, POINT, atol=1e-9) for m in ends.microscope.motions)
    return Broken(
        reason=finished.reason,
        arrived=driver.lines,
        kept=len(lines),
        marked=bool(marked),
        state=driver.after,
        noticed=driver.failed_at - struck[0] if struck and driver.failed_at else float("nan"),
        motions=arrivals - ARRIVALS["position_probe"] - ARRIVALS["acquire_spectrum"],
        scans=len(ends.microscope.scanned) - STRIPS.get(ends.kind, 1),
    )
