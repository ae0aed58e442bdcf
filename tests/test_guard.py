"""GuardedInstrument: what is refused never reaches the instrument, and stopping always does."""

import math
from collections.abc import Iterator

import numpy as np
import pytest

from spm_auto.errors import InstrumentError, LimitExceeded, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Capabilities,
    Channel,
    GuardedInstrument,
    Instruction,
    Instrument,
    InstrumentState,
    Limits,
    Load,
    NoGoZone,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
    Status,
)

HEIGHT = (Channel("height", "m"),)
FRAME = ScanFrame((0.0, 0.0), (1e-6, 5e-7), (4, 3))
LOOP = BiasWaveform.triangle(8.0, points=4)


class Driver:
    """Stands in for a microscope outside: it notes every call, and may read back a wrong place."""

    def __init__(self, slip: float = 0.0) -> None:
        self.calls: list[str] = []
        self.slip = slip
        self._position = (0.0, 0.0)

    @property
    def capabilities(self) -> Capabilities:
        reach = (-1e-5, 1e-5)
        return Capabilities("bench", HEIGHT, HEIGHT, reach, reach, (-10.0, 10.0), 2e-9, True)

    def status(self) -> Status:
        return Status(InstrumentState.READY, self._position, 0.0, True, 0.0)

    def duration(self, instruction: Instruction) -> float:
        return 42.0

    def load(self, instruction: Load) -> None:
        self.calls.append("load")

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        self.calls.append("scan")
        try:
            for index in range(instruction.frame.shape[0]):
                values = np.full((1, instruction.frame.shape[1]), float(index))
                yield ScanLine(index, values, values, float(index))
        finally:
            self.calls.append("scan ended")

    def position_probe(self, instruction: PositionProbe) -> None:
        self.calls.append("position probe")
        self._position = (instruction.x + self.slip, instruction.y)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        self.calls.append("acquire spectrum")
        bias = instruction.waveform.bias
        x = instruction.x + self.slip
        return Spectrum(x, instruction.y, bias, HEIGHT, bias[None, :], 0.0, 1.0)

    def interrupt(self) -> None:
        self.calls.append("interrupt")

    def emergency_stop(self) -> None:
        self.calls.append("emergency stop")

    def close(self) -> None:
        self.calls.append("close")


@pytest.fixture
def driver() -> Driver:
    return Driver()


@pytest.fixture
def guarded(driver: Driver) -> GuardedInstrument:
    zone = NoGoZone(5e-6, 0.0, 1e-6, "bond wire")
    return GuardedInstrument(driver, Limits(bias=(-8.5, 8.5), scan_speed=1e-4, no_go=(zone,)))


def test_a_guarded_instrument_is_an_instrument(guarded: GuardedInstrument) -> None:
    assert isinstance(guarded, Instrument)


@pytest.mark.parametrize(
    ("instruction", "said"),
    [
        (PositionProbe(2e-5, 0.0), "x of 2e-05 m"),
        (PositionProbe(math.nan, 0.0), "x of nan m"),
        (PositionProbe(0.0, math.inf), "y of inf m"),
        (PositionProbe(5e-6, 1e-7), "bond wire"),
        (AcquireSpectrum(0.0, -2e-5, LOOP), "y of -2e-05 m"),
        (AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(9.0)), "bias of"),
        (AcquireSpectrum(0.0, 0.0, BiasWaveform((0.0, math.nan))), "bias of nan V"),
        (Scan(ScanFrame((0.0, 0.0), (3e-5, 1e-6))), "a corner of the frame"),
        (Scan(FRAME, line_rate=1e3), "scan speed"),
    ],
)
def test_what_the_limits_forbid_never_reaches_the_instrument(
    guarded: GuardedInstrument, driver: Driver, instruction: Instruction, said: str
) -> None:
    before = guarded.status()
    with pytest.raises(LimitExceeded, match=said):
        _give(guarded, instruction)
    assert driver.calls == []
    assert guarded.status() == before


def test_a_spectrum_that_the_instrument_stretches_is_held_to_its_true_duration(
    driver: Driver,
) -> None:
    guarded = GuardedInstrument(driver, Limits(spectrum_duration=40.0))
    assert driver.duration(AcquireSpectrum(0.0, 0.0, LOOP)) == 42.0
    with pytest.raises(LimitExceeded, match="spectrum duration of 42 s is outside 0 to 40 s"):
        guarded.acquire_spectrum(AcquireSpectrum(0.0, 0.0, LOOP))
    assert driver.calls == []


def test_an_unknown_channel_is_refused_with_those_there_are(
    guarded: GuardedInstrument, driver: Driver
) -> None:
    with pytest.raises(Unsupported, match="bench has no channel 'taste'; it has height"):
        guarded.scan(Scan(FRAME, channels=("taste",)))
    assert driver.calls == []


def test_what_is_allowed_passes_through_unchanged(
    guarded: GuardedInstrument, driver: Driver
) -> None:
    guarded.load(Load())
    lines = list(guarded.scan(Scan(FRAME)))
    guarded.position_probe(PositionProbe(1e-6, 2e-6))
    spectrum = guarded.acquire_spectrum(AcquireSpectrum(1e-6, 2e-6, LOOP))
    guarded.close()
    assert [line.index for line in lines] == [0, 1, 2]
    assert guarded.status().position == (1e-6, 2e-6)
    assert spectrum.bias.tolist() == list(LOOP.values)
    assert guarded.duration(Load()) == 42.0
    assert driver.calls == [
        "load", "scan", "scan ended", "position probe", "acquire spectrum", "close"
    ]  # fmt: skip


@pytest.mark.parametrize(
    "instruction", [PositionProbe(1e-6, 0.0), AcquireSpectrum(1e-6, 0.0, LOOP)]
)
@pytest.mark.parametrize("slip", [2.1e-9, -1e-6, math.nan])
def test_a_probe_that_reads_back_elsewhere_is_a_fault(
    slip: float, instruction: Instruction
) -> None:
    with pytest.raises(InstrumentError, match="m away, allowed 2e-09 m"):
        _give(GuardedInstrument(Driver(slip)), instruction)


def test_a_probe_within_its_accuracy_is_no_fault() -> None:
    GuardedInstrument(Driver(slip=1.9e-9)).position_probe(PositionProbe(1e-6, 0.0))


def test_leaving_a_guarded_scan_ends_the_scan_of_the_instrument(
    guarded: GuardedInstrument, driver: Driver
) -> None:
    lines = guarded.scan(Scan(FRAME))
    next(lines)
    assert driver.calls == ["scan"]
    lines.close()  # type: ignore[attr-defined]  # a generator stands behind it
    assert driver.calls == ["scan", "scan ended"]


def test_stopping_is_passed_on_and_never_refused(
    guarded: GuardedInstrument, driver: Driver
) -> None:
    guarded.interrupt()
    guarded.emergency_stop()
    assert driver.calls == ["interrupt", "emergency stop"]


def test_the_limits_are_narrowed_to_the_instrument(guarded: GuardedInstrument) -> None:
    assert guarded.limits.x == (-1e-5, 1e-5)
    assert guarded.limits.bias == (-8.5, 8.5)


def _give(instrument: Instrument, instruction: Instruction) -> None:
    match instruction:
        case Scan():
            list(instrument.scan(instruction))
        case PositionProbe():
            instrument.position_probe(instruction)
        case AcquireSpectrum():
            instrument.acquire_spectrum(instruction)
        case Load():
            instrument.load(instruction)
