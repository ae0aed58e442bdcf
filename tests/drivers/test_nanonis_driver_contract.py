"""The Nanonis driver takes the exam, over loopback to a simulated microscope behind the wire."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marked import MarkedMicroscope, height

from spm_auto.clock import Clock, InstantClock
from spm_auto.drivers.nanonis import NanonisMicroscope, NanonisSettings
from spm_auto.drivers.nanonis.line import Line, Lines
from spm_auto.drivers.nanonis.settings import ROLES
from spm_auto.drivers.transport import ReplayLink
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Instrument,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.lab import read_lab
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers.nanonis import NanonisEmulatorSettings
from spm_auto.wire import nanonis as wire


class Behind:
    """A driver and the emulator that it talks to."""

    def __init__(self, instrument: Instrument, clock: Clock, **controller: Any) -> None:
        settings = validate(NanonisEmulatorSettings, {"kind": "nanonis", **controller}, "emulator")
        self.emulator = settings.start(instrument, clock)
        found = validate(NanonisSettings, {"kind": "nanonis", **self.emulator.address}, "driver")
        self.driver: NanonisMicroscope = found.open(clock, 0)

    def close(self) -> None:
        self.driver.close()
        self.emulator.close()


def _behind(sample: str, **simulator: Any) -> Behind:
    clock = InstantClock()
    table = {"kind": "simulator", "sample": {"kind": sample}, **simulator}
    return Behind(validate(SimulatorSettings, table, "simulator").open(clock, 1), clock)


class TestPiezoresponse(InstrumentContract):
    """A ferroelectric film under a PFM."""

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        behind = _behind("ferroelectric_film", level=0)
        yield behind.driver
        behind.close()


class TestTunnelling(InstrumentContract):
    """Graphite under an STM, with noise."""

    FRAME = ScanFrame(center=(0.0, 0.0), size=(2e-8, 1e-8), pixels=(16, 8))
    POINT = (5e-9, -3e-9)

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        behind = _behind("hopg", level=1)
        yield behind.driver
        behind.close()


def test_a_force_curve_is_turned_back_at_its_trigger() -> None:
    behind = _behind("stiff_inclusions", level=0)
    try:
        behind.driver.load(Load())
        wanted = AcquireForceCurve(1e-7, 0.0, trigger=8e-9, distance=60e-9, points=64, rate=2.0)
        curve = behind.driver.acquire_force_curve(wanted)
        assert [(c.name, c.unit) for c in curve.channels] == [("force", "N")]
        assert curve.extension[-1] == pytest.approx(60e-9)
        assert curve.approach[0, -1] == pytest.approx(8e-9, rel=0.05)
        assert abs(curve.approach[0, 0]) < 1e-10  # far above nothing is felt
    finally:
        behind.close()


@pytest.fixture(params=[wire.OLD, wire.MIDDLE, wire.NEW])
def marked(request) -> Iterator[Behind]:
    clock = InstantClock()
    behind = Behind(MarkedMicroscope(clock), clock, release=request.param)
    behind.driver.load(Load())
    yield behind
    behind.close()


@pytest.mark.parametrize("degrees", [0, 30])
def test_an_image_comes_out_upright_at_any_angle_and_release(marked: Behind, degrees: int) -> None:
    frame = ScanFrame((2e-8, -3e-8), (4e-7, 2e-7), (32, 24), np.radians(degrees))
    lines = list(marked.driver.scan(Scan(frame, ("height",), line_rate=50.0)))
    for line in lines:
        expected = height(*frame.line_positions(line.index))
        np.testing.assert_allclose(line.forward[0], expected, atol=2e-15)
        np.testing.assert_allclose(line.backward[0], expected + 1e-10, atol=2e-15)
    assert len(lines) == 24


def test_a_spectrum_has_its_values_in_order_on_any_release(marked: Behind) -> None:
    for waveform in (
        BiasWaveform.triangle(2.0, points=16),
        BiasWaveform.sweep(-1.0, 1.0, points=9, backward=True),
    ):
        found = marked.driver.acquire_spectrum(AcquireSpectrum(1e-8, 2e-8, waveform))
        np.testing.assert_allclose(found.channel("current"), 1e-9 * waveform.bias, atol=1e-15)


def test_a_position_keeps_all_its_digits(marked: Behind) -> None:
    x, y = 1.2345678901234e-7, -9.876543210987e-8
    marked.driver.position_probe(PositionProbe(x, y))
    assert marked.driver.status().position == (x, y)


def test_a_recorded_conversation_is_had_again_without_a_controller(tmp_path: Path) -> None:
    clock = InstantClock()
    emulator = NanonisEmulatorSettings().start(MarkedMicroscope(clock), clock)
    table = {"kind": "nanonis", **emulator.address, "record": str(tmp_path / "wire.jsonl")}
    settings = validate(NanonisSettings, table, "driver")
    driver = settings.open(clock, 0)
    status = driver.status()
    driver.close()
    emulator.close()

    def line(role: str) -> Line:
        return Line(role, lambda: ReplayLink(tmp_path / f"wire-{role}.jsonl"), 1.0)

    again = NanonisMicroscope(settings, Lines(*map(line, ROLES)), clock)
    assert again.capabilities == driver.capabilities
    assert again.status() == status


@pytest.mark.parametrize("name", ["lab_nanonis.toml", "lab_nanonis_simulated.toml"])
def test_the_lab_files_of_the_examples_are_valid(name: str) -> None:
    lab, _ = read_lab(Path(__file__).parents[2] / "examples" / name)
    assert lab.instrument.kind in ("nanonis", "emulated")
