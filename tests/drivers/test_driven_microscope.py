"""What all drivers have in common: whose turn it is, what is read back, and what is refused."""

import math
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from spm_auto.clock import Clock, InstantClock
from spm_auto.drivers import DrivenMicroscope, Reading, Swept, halting
from spm_auto.errors import (
    ChangedOutside,
    ConnectionLost,
    EmergencyStopped,
    InstrumentError,
    NotConfirmed,
    OutOfStep,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    Action,
    BiasWaveform,
    Capabilities,
    Channel,
    Instruction,
    InstrumentState,
    Load,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
)
from spm_auto.instrument.contract import InstrumentContract

CURRENT = (Channel("current", "A"),)
REACH = (-1e-6, 1e-6)
SWEEP = BiasWaveform((0.0, 0.5, 1.0))


class Bench(DrivenMicroscope):
    """A driver without a wire; its attributes are what the device would answer."""

    def __init__(self, clock: Clock | None = None) -> None:
        super().__init__(clock or InstantClock())
        self.reading = Reading((0.0, 0.0), 0.1, is_engaged=False)
        self.is_there = True
        self.confirms = True
        self.points = 0  # more or fewer than asked for
        self.value = 1e-9
        self.slip = 0.0
        self.sent: list[str] = []

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities("bench", CURRENT, CURRENT, REACH, REACH, (-10.0, 10.0), 1e-10, False)

    def _read(self) -> Reading:
        if not self.is_there:
            raise ConnectionLost("bench is gone")
        return self.reading

    def _time_of(self, instruction: Instruction, here: tuple[float, float]) -> float:
        match instruction:
            case Scan(frame=frame, line_rate=rate):
                return frame.pixels[1] / rate
            case AcquireSpectrum(waveform=waveform):
                return waveform.duration
        return 1.0

    def _load(self, instruction: Load, action: Action) -> None:
        self._clock.wait(1.0, action.stop)
        self.reading = replace(self.reading, is_engaged=True)

    def _scan(self, scan: Scan, action: Action) -> Iterator[ScanLine]:
        self.sent.append("scan")
        try:
            for line in range(scan.frame.pixels[1]):
                self._clock.wait(1 / scan.line_rate, action.stop)
                row = np.zeros((len(self.capabilities.channels_of(scan)), scan.frame.pixels[0]))
                yield ScanLine(line, row, row, self._clock.now())
        finally:
            self.sent.append("stop")

    def _move(self, x: float, y: float, action: Action) -> None:
        self.sent.append("move")
        self.reading = replace(self.reading, position=(x + self.slip, y))

    def _sweep(self, waveform: BiasWaveform, action: Action) -> Swept:
        self.sent.append("sweep")
        self._clock.wait(waveform.duration, action.stop)
        return Swept(np.full((1, len(waveform.values) + self.points), self.value))

    def _withdraw(self) -> None:
        self.sent.append("withdraw")
        self.reading = replace(self.reading, is_engaged=False)
        if not self.confirms:
            raise NotConfirmed("the tip may still be down")

    def _disconnect(self) -> None:
        self.sent.append("bye")


class TestBench(InstrumentContract):
    @pytest.fixture
    def fresh(self) -> Bench:
        return Bench()


@pytest.fixture
def bench() -> Bench:
    bench = Bench()
    bench.load(Load())
    return bench


def test_what_somebody_else_changed_is_said_once_and_nothing_is_sent(bench: Bench) -> None:
    bench.position_probe(PositionProbe(1e-7, 0.0))
    bench.sent.clear()
    bench.reading = replace(bench.reading, bias=1.0, position=(0.0, 0.0))
    with pytest.raises(ChangedOutside, match=r"position .*100 nm.* bias 100 mV -> 1 V"):
        bench.position_probe(PositionProbe(0.0, 0.0))
    assert bench.sent == []
    bench.position_probe(PositionProbe(0.0, 0.0))


def test_a_tip_that_somebody_withdrew_is_not_moved(bench: Bench) -> None:
    bench.reading = replace(bench.reading, is_engaged=False)
    bench.sent.clear()
    for _ in range(2):
        with pytest.raises(ChangedOutside, match="withdrawn"):
            bench.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    assert bench.sent == []


def test_a_scan_that_nobody_asked_for_is_not_disturbed(bench: Bench) -> None:
    bench.reading = replace(bench.reading, is_busy=True)
    with pytest.raises(ChangedOutside, match="was not told to"):
        list(bench.scan(Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (4, 4)))))


def test_a_device_that_is_gone_is_lost_and_the_next_instruction_reads_it_anew(
    bench: Bench,
) -> None:
    bench.is_there = False
    status = bench.status()
    assert status.state is InstrumentState.LOST
    assert math.isnan(status.bias)
    bench.sent.clear()
    with pytest.raises(ConnectionLost):
        bench.position_probe(PositionProbe(0.0, 0.0))
    assert bench.sent == []
    bench.is_there = True
    bench.position_probe(PositionProbe(0.0, 0.0))
    assert bench.status().state is InstrumentState.READY


def test_data_of_a_wrong_shape_never_come_through(bench: Bench) -> None:
    bench.points = 1
    with pytest.raises(OutOfStep, match=r"shape \(1, 4\), expected \(1, 3\)"):
        bench.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    assert bench.status().state is InstrumentState.LOST


def test_no_spectrum_is_taken_where_the_probe_did_not_arrive(bench: Bench) -> None:
    bench.slip = 5e-9
    with pytest.raises(InstrumentError, match="nothing was done there"):
        bench.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    assert "sweep" not in bench.sent


def test_a_spectrum_that_is_no_number_is_flagged(bench: Bench) -> None:
    bench.value = math.nan
    spectrum = bench.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    assert spectrum.flags == (QualityFlag.NOT_FINITE,)


def test_a_withdrawal_that_is_not_confirmed_is_never_a_success(bench: Bench) -> None:
    bench.confirms = False
    with pytest.raises(NotConfirmed):
        bench.emergency_stop()
    assert bench.status().state is InstrumentState.LATCHED
    with pytest.raises(EmergencyStopped):
        bench.position_probe(PositionProbe(0.0, 0.0))


def test_whoever_leaves_a_scan_stops_the_hardware(bench: Bench) -> None:
    lines = bench.scan(Scan(ScanFrame((0.0, 0.0), (1e-7, 1e-7), (4, 4))))
    next(lines)
    lines.close()  # type: ignore[attr-defined]
    assert bench.sent[-2:] == ["scan", "stop"]


def test_a_device_is_halted_once_and_given_a_moment_to_end() -> None:
    action, halted = Action(0), []
    meanwhile = halting(action, lambda: halted.append(1), grace=0.5)
    assert meanwhile() is None
    action.stop.set()
    assert [meanwhile(), meanwhile()] == [0.5, 0.5]
    assert halted == [1]


def test_in_an_emergency_nothing_but_the_withdrawal_is_sent() -> None:
    action, halted = Action(0), []
    action.is_emergency = True
    action.stop.set()
    assert halting(action, lambda: halted.append(1))() is not None
    assert halted == []
