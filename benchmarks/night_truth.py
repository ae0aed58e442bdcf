"""What a night on the simulator was really worth: its journal done again, with the truth beside it.

The simulated microscope of the lab file does again all that the journal tells of, and its spectra
have to come out as they were, but for rounding. Beside each of them stands what no agent may know:
the tip at that moment, where it really was, and whether the readout was disturbed.
"""

import contextlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spm_auto.clock import InstantClock
from spm_auto.data import (
    InstructionFailed,
    LineAcquired,
    LoadFinished,
    RecordedRun,
    RunContinued,
    RunFinished,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    TipConditioned,
    open_run,
)
from spm_auto.errors import InstrumentError
from spm_auto.experiment import recorded_experiment
from spm_auto.instrument import (
    AcquireSpectrum,
    ConditionTip,
    Instruction,
    Load,
    Scan,
    Spectrum,
)
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.faults import Hang
from spm_auto.workflow.asked import asked_for

BLUNT = 1.5  # width of what a tip averages over, in units of a good one's, from which it is bad
SHARE = 0.2  # of the current through a second end, from which a tip is bad
ASTRAY = 5e-9  # distance from where the probe reads back from which a place is wrong [m]
READOUT = {"garbage", "truncated_reply", "saturated_preamp", "railed_feedback"}
KILLED = "killed"


@dataclass(frozen=True, slots=True)
class Taken:
    """A spectrum and the truth about it.

    Attributes:
        time: Instrument time at its end [s].
        is_good: Whether tip, place and readout were.
        is_trusted: Whether nothing in the run says that it is no good.
    """

    time: float
    is_good: bool
    is_trusted: bool


@dataclass(frozen=True, slots=True)
class Night:
    """What became of a night.

    Attributes:
        taken: Its spectra, in order.
        began: Instrument time when the microscope was ready first [s].
        ends: How each of its lives ended, in order.
        faults: Faults of the lab file that it met, by kind.
        actions: How many instructions the journal tells of, from their beginning to their end.
        is_same: Whether the microscope did again what it had done.
    """

    taken: tuple[Taken, ...]
    began: float
    ends: tuple[str, ...]
    faults: tuple[str, ...]
    actions: int
    is_same: bool

    def within(self, hours: float) -> list[Taken]:
        """Return the spectra of the first hours."""
        return [taken for taken in self.taken if taken.time <= self.began + 3600 * hours]

    def useful(self, hours: float) -> int:
        """Return how many spectra of the first hours are good and trusted."""
        return sum(t.is_good and t.is_trusted for t in self.within(hours))

    def misleading(self, hours: float) -> int:
        """Return how many spectra of the first hours are trusted and no good."""
        return sum(t.is_trusted and not t.is_good for t in self.within(hours))


def judge(folder: Path) -> Night:
    """Say what a run was worth.

    Args:
        folder: Of the run, on the simulator with an instant clock.
    """
    run = open_run(folder)
    settings = recorded_experiment(run.started).lab.instrument
    assert isinstance(settings, SimulatorSettings)
    again = Again(settings, run.started.seed)
    flags = {
        m.spectrum.start_time: bool(m.doubt or m.spectrum.flags or (m.scored and m.scored.flag))
        for m in run.measurements
    }
    taken = []
    for spectrum, is_good in again.spectra(run):
        taken.append(Taken(spectrum.end_time, is_good, not flags[spectrum.start_time]))
    met = [fault.kind for fault in settings.faults if fault.action <= again.actions]
    actions = again.actions - again.is_broken_off
    loads = (r.time for r in run.records if isinstance(r.event, LoadFinished))
    return Night(
        tuple(taken), next(loads, 0.0), tuple(ends(run)), tuple(met), actions, again.is_same
    )


def ends(run: RecordedRun) -> Iterator[str]:
    """Yield how each life of a run ended: its reason, or that it was killed."""
    said = ""
    for record in run.records[1:]:
        match record.event:
            case RunContinued():
                yield said or KILLED
                said = ""
            case RunFinished(reason=reason):
                said = str(reason)
    yield said or KILLED


class Again:
    """A simulated microscope that does again what a journal tells of.

    Args:
        settings: Of the microscope.
        seed: Of the run.

    Attributes:
        actions: How many instructions it was given.
        is_broken_off: Whether the last of them was a scan that did not come to its end.
        is_same: Whether all spectra came out as they were.
    """

    def __init__(self, settings: SimulatorSettings, seed: int) -> None:
        self._clock = InstantClock()
        self._microscope, self._truth = simulate(settings, seed, self._clock)
        self._hangs = {f.action: f.deadline for f in settings.faults if isinstance(f, Hang)}
        self._struck = {fault.action for fault in settings.faults if fault.kind in READOUT}
        self.actions = 0
        self.is_broken_off = False
        self.is_same = True

    def spectra(self, run: RecordedRun) -> Iterator[tuple[Spectrum, bool]]:
        """Do it all again; yield each spectrum of the run, and whether it was any good."""
        records = asked_for(run.records)
        for index, record in enumerate(records):
            match record.event:
                case LoadFinished(instruction=load):
                    self._before(load, record.time)
                    self._microscope.load(load)
                case ScanStarted():
                    self._clock.set(record.time)
                    self._scan(record.event, [r.event for r in records[index + 1 :]])
                case SpectrumAcquired(spectrum=spectrum):
                    yield spectrum, self._spectrum(record.event)
                case TipConditioned(instruction=pulse):
                    self._before(pulse, record.time)
                    self._microscope.condition_tip(pulse)
                case InstructionFailed(instruction=instruction) if not isinstance(
                    instruction,
                    Scan,  # which was begun before
                ):
                    self._fail(record.event, record.time)
                    continue
                case _:
                    continue
            self.actions += 1
            self.is_broken_off = self.is_broken_off and isinstance(record.event, ScanStarted)

    def _before(self, instruction: Instruction, end: float) -> None:
        self._clock.set(end - self._microscope.duration(instruction))

    def _scan(self, started: ScanStarted, after: Sequence[object]) -> None:
        lines = self._microscope.scan(started.instruction)
        self.is_broken_off = True
        for event in after:
            match event:
                case LineAcquired():
                    next(lines)
                case ScanFinished(is_complete=is_complete):
                    self.is_broken_off = not is_complete
                    with contextlib.suppress(InstrumentError):
                        next(lines, None)  # its end, or what broke it
                    break
                case _:
                    break
        lines.close()  # type: ignore[attr-defined]  # it is a generator

    def _fail(self, failed: InstructionFailed, time: float) -> None:
        microscope, instruction = self._microscope, failed.instruction
        self._clock.set(time - self._spent(failed))
        with contextlib.suppress(InstrumentError):
            match instruction:
                case Load():
                    microscope.load(instruction)
                case ConditionTip():
                    microscope.condition_tip(instruction)
                case AcquireSpectrum():
                    microscope.acquire_spectrum(instruction)
        self.actions += 1

    def _spent(self, failed: InstructionFailed) -> float:
        """Return how long an instruction took until it failed [s]."""
        match failed.error:
            case "NoReply":
                return self._hangs.get(self.actions, 0.0)
            case "OutOfStep":  # only when everything was done
                return self._microscope.duration(failed.instruction)
            case _:
                return 0.0

    def _spectrum(self, acquired: SpectrumAcquired) -> bool:
        spectrum = acquired.spectrum
        self._clock.set(spectrum.start_time)
        again = self._microscope.acquire_spectrum(acquired.instruction)
        known = np.isfinite(spectrum.data)  # what is not was garbled
        size = 1e-9 * np.max(np.abs(spectrum.data), initial=0.0, where=known)
        is_near = np.isclose(again.data, spectrum.data, 1e-9, size)  # times differ by rounding
        self.is_same &= bool(np.all(is_near | ~known))
        away = math.dist(self._truth.position, (spectrum.x, spectrum.y))
        return self._is_tip_good() and away <= ASTRAY and self.actions not in self._struck

    def _is_tip_good(self) -> bool:
        technique = self._truth.technique
        tip = technique.tip  # type: ignore[attr-defined]  # that of a tunnelling microscope
        if tip.blur > BLUNT:
            return False
        if tip.twin is None:
            return True
        other = math.exp(-technique.over_sample().decay * tip.twin.dz)  # type: ignore[attr-defined]
        return other / (1 + other) <= SHARE
