"""From the crash of a tip to its withdrawal, on the simulator's clock, wherever it crashes."""

import threading
from collections.abc import Callable

import numpy as np
import pytest
from rows import Table

from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    GuardedInstrument,
    Instruction,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    Watchdog,
    WatchSettings,
)
from spm_auto.simulator import SimulatorSettings, simulate

PERIOD = 0.02  # [s]
ALLOWED = 0.1  # [s] from the crash to the order to withdraw
INSTRUCTIONS: tuple[Instruction, ...] = (
    Scan(ScanFrame((0.0, 0.0), (8e-9, 8e-9), (8, 8))),
    AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(0.5, points=64)),
    PositionProbe(-9e-9, 9e-9),
)


class WatchedClock(InstantClock):
    """A virtual clock on which somebody looks every period, as a thread does in real time."""

    def __init__(self) -> None:
        super().__init__()
        self.look: Callable[[], object] = lambda: None

    def wait(self, duration: float, stop: threading.Event | None = None) -> bool:
        """Let time pass piece by piece; whoever looks may set the flag."""
        left = duration
        while left > 0:
            if super().wait(min(left, PERIOD), stop):
                return True
            left -= PERIOD
            self.look()
        return stop is not None and stop.is_set()


def give(guard: GuardedInstrument, instruction: Instruction) -> None:
    match instruction:
        case Scan():
            list(guard.scan(instruction))
        case AcquireSpectrum():
            guard.acquire_spectrum(instruction)
        case PositionProbe():
            guard.position_probe(instruction)


def crash(
    instruction: Instruction, at: int | None, after: float, looks: bool
) -> tuple[float, float]:
    """Let the tip crash in an instruction; return times from the crash, and from the last reading.

    Args:
        instruction: What is going on.
        at: Line of a scan.
        after: How long after the beginning of the line, or of the instruction [s].
        looks: Whether somebody looks all the time, or the guard alone between the lines.
    """
    clock = WatchedClock()
    fault = {"kind": "tip_crash", "action": 1, "at": at, "after": f"{after} s"}
    settings = SimulatorSettings.model_validate(
        {"sample": {"kind": "hopg"}, "level": 0, "faults": (fault,)}
    )
    microscope, truth = simulate(settings, clock=clock)
    told: list[float] = []
    dog = Watchdog(
        microscope, clock, WatchSettings(PERIOD), lambda trip: told.extend((clock.now(), trip.time))
    )
    guard = GuardedInstrument(microscope, watchdog=dog)
    guard.load(Load())
    if looks:
        clock.look = dog.look
    with pytest.raises(EmergencyStopped):
        give(guard, instruction)
    assert truth.crash_began is not None
    withdrawn, read = told
    return withdrawn - truth.crash_began, withdrawn - read


def test_a_tip_that_crashes_anywhere_is_withdrawn_within_a_tenth_of_a_second(
    row: Table, how_many: Callable[..., int]
) -> None:
    counted = row(1, "tip crash", "a crash at a random instant, looked for all the time")
    rng, took = np.random.default_rng(6), []
    for _ in range(how_many(quick=30, full=200)):
        instruction = INSTRUCTIONS[rng.integers(len(INSTRUCTIONS))]
        is_scan = isinstance(instruction, Scan)
        at = int(rng.integers(8)) if is_scan else None
        longest = 1.0 if is_scan else 0.3 if isinstance(instruction, AcquireSpectrum) else 0.005
        from_crash, from_reading = crash(instruction, at, rng.uniform(0.0, longest), looks=True)
        took.append(from_crash)
        counted.case(survived=0 <= from_crash <= ALLOWED and from_reading == 0)
    median, worst = 1e3 * np.median(took), 1e3 * max(took)
    counted.figure(f"crash to order: median {median:.1f} ms, worst {worst:.1f} ms (simulated)")
    assert worst <= 1e3 * ALLOWED


def test_the_guard_alone_withdraws_at_the_very_sample_that_shows_the_crash(
    row: Table, how_many: Callable[..., int]
) -> None:
    counted = row(1, "tip crash", "a crash in a line, seen by the guard alone")
    rng = np.random.default_rng(7)
    for _ in range(how_many(quick=4, full=50)):
        after = rng.uniform(0.0, 1.0)
        from_crash, from_reading = crash(INSTRUCTIONS[0], int(rng.integers(8)), after, looks=False)
        # the sample arrives with its line, 1.1 s after the line began
        counted.case(survived=from_reading == 0 and from_crash == pytest.approx(1.1 - after))
