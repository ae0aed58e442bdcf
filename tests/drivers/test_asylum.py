"""The Asylum driver: what it tells Igor, what it takes from the files, what it refuses."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from math import radians
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marked import MarkedMicroscope, height

from spm_auto.clock import InstantClock
from spm_auto.drivers.asylum import AsylumMicroscope, AsylumSettings
from spm_auto.drivers.asylum.files import Expected, image_of
from spm_auto.drivers.asylum.triangle import Triangle
from spm_auto.errors import (
    InstrumentError,
    NoReply,
    NotConfirmed,
    OutOfStep,
    RecipeError,
    Stopped,
    Unsupported,
)
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
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.servers import WireFault
from spm_auto.simulator.servers.asylum import AsylumEmulatorSettings, microscope
from spm_auto.simulator.servers.asylum.settings import AsylumServer
from spm_auto.wire.igor import wave_bytes

FRAME = ScanFrame((10e-9, -5e-9), (200e-9, 100e-9), (32, 16), radians(30))
POINT = (30e-9, -20e-9)


@contextmanager
def opened(
    behind: Instrument | None = None, **settings: Any
) -> Iterator[tuple[AsylumMicroscope, AsylumServer]]:
    clock = InstantClock()
    server = AsylumEmulatorSettings().start(behind or MarkedMicroscope(clock), clock)
    table = {"kind": "asylum", **server.address, **settings}
    driver = validate(AsylumSettings, table, "asylum").open(clock, 1)
    assert isinstance(driver, AsylumMicroscope)
    try:
        driver.load(Load())
        yield driver, server
    finally:
        driver.close()
        server.close()


def fault(kind: str, on: str = "", after: int = 0) -> WireFault:
    return WireFault.model_validate({"kind": kind, "on": on, "after": after, "delay": "50 ms"})


def test_the_files_of_a_run_are_told_from_those_of_others() -> None:
    with opened() as (driver, server):
        (server.saved / "Image0000.ibw").write_bytes(b"somebody else's, and newer")
        lines = list(driver.scan(Scan(FRAME, channels=("height",), line_rate=20.0)))
        names = sorted(path.name for path in server.saved.iterdir())
    assert len(lines) == 16
    assert names[0] == "Image0000.ibw"
    assert names[1].startswith("spm")


def test_a_program_whose_angles_turn_clockwise_shows_the_same_picture() -> None:
    with opened(rotation="clockwise") as (driver, server):
        behind = server.station.instrument
        assert isinstance(behind, MarkedMicroscope)
        list(driver.scan(Scan(FRAME, channels=("height",), line_rate=20.0)))
        assert behind.scanned[0].angle == pytest.approx(-FRAME.angle)


def test_an_image_of_another_frame_is_refused() -> None:
    with opened() as (driver, server):
        list(driver.scan(Scan(FRAME, channels=("height",), line_rate=20.0)))
        (path,) = server.saved.glob("*.ibw")
        waiting = Expected(server.saved, path.stem.removesuffix("0000"))
        assert waiting.look() is None  # its size may still grow
        file = waiting.look()
    assert file is not None
    image_of(file, FRAME)
    for wrong in (
        replace(FRAME, angle=-FRAME.angle),
        replace(FRAME, center=(0.0, 0.0)),
        replace(FRAME, size=(100e-9, 200e-9)),
        replace(FRAME, pixels=(16, 32)),
    ):
        with pytest.raises(OutOfStep, match="expected ScanFrame"):
            image_of(file, wrong)


def test_a_setting_that_is_changed_on_the_way_starts_nothing() -> None:
    with opened() as (driver, server):
        server.faults.arm(fault("coerced", "PV"))
        with pytest.raises(
            InstrumentError, match=r"ScanSize was set to 2e-07 .* reads back 2.2e-0"
        ):
            list(driver.scan(Scan(FRAME, line_rate=20.0)))
        assert server.station.picture is None


def test_a_half_written_file_is_read_when_it_is_whole_and_a_missing_one_is_said() -> None:
    with opened(file_time="200 ms", look="50 ms") as (driver, server):
        server.faults.arm(fault("late", "ibw"))
        assert len(list(driver.scan(Scan(FRAME, line_rate=20.0)))) == 16
        server.faults.arm(fault("silent", "ibw"))
        with pytest.raises(InstrumentError, match="no such file"):
            list(driver.scan(Scan(FRAME, line_rate=20.0)))


def test_a_file_that_is_locked_or_there_twice_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = np.stack([np.linspace(0, 1e-7, 9), np.zeros(9), np.linspace(-1, 1, 9)], axis=-1)
    (tmp_path / "mine_0000.ibw").write_bytes(wave_bytes(table, ["Raw", "Amp", "Bias"]))
    waiting = Expected(tmp_path, "mine_")
    assert waiting.look() is None
    opening, tries = Path.open, iter([True])

    def locked(path: Path, *how: Any, **more: Any) -> Any:
        if path.suffix == ".ibw" and next(tries, False):
            raise PermissionError(13, "used by another process")
        return opening(path, *how, **more)

    monkeypatch.setattr(Path, "open", locked)
    assert waiting.look() is None
    assert "used by another process" in waiting.why
    assert waiting.look() is not None
    (tmp_path / "mine_0001.ibw").write_bytes(b"")
    with pytest.raises(OutOfStep, match="one file"):
        waiting.look()


def test_a_scan_that_does_not_end_is_stopped_at_the_program_too() -> None:
    with opened(file_time="100 ms") as (driver, server):
        server.faults.arm(fault("stuck", "UpScan_0"))
        fast = replace(FRAME, pixels=(8, 4))
        with pytest.raises(NoReply):
            list(driver.scan(Scan(fast, line_rate=100.0)))
        server.faults.arm()
        driver.position_probe(PositionProbe(*POINT))


def test_a_long_way_is_gone_in_steps() -> None:
    with opened(step="50 nm") as (driver, server):
        behind = server.station.instrument
        assert isinstance(behind, MarkedMicroscope)
        behind.motions.clear()
        driver.position_probe(PositionProbe(200e-9, 0.0))
        assert math.dist(driver.status().position, (200e-9, 0.0)) < 1e-10
        steps = np.diff([0.0, *(x for x, _ in behind.motions)])
    assert len(steps) >= 4
    assert max(steps) < 51e-9


@pytest.mark.parametrize(
    ("waveform", "expected"),
    [
        (BiasWaveform.triangle(8.5, 64, cycles=3), (8.5, 1 / (64 * 8e-3), 3.0, 0.0)),
        (BiasWaveform.sweep(-0.5, 0.5, 11, dwell=0.02), (0.5, 1 / 0.4, 0.55, 270.0)),
        (BiasWaveform.sweep(0.5, -0.5, 11, dwell=0.02), (0.5, 1 / 0.4, 0.55, 90.0)),
        (BiasWaveform.sweep(-0.2, 1.0, 13, dwell=0.1), (1.0, 1 / 4.0, 0.325, 342.0)),
    ],
)
def test_a_loop_and_a_sweep_are_triangles(
    waveform: BiasWaveform, expected: tuple[float, ...]
) -> None:
    triangle = Triangle.of(waveform)
    found = triangle.amplitude, triangle.frequency, triangle.cycles, triangle.phase
    assert found == pytest.approx(expected)
    assert triangle.points == len(waveform.values) * waveform.cycles


@pytest.mark.parametrize(
    "waveform",
    [
        BiasWaveform.triangle(2.0, 64, offset=1.0),
        BiasWaveform.sweep(-1.0, 1.0, 11, backward=True),
        BiasWaveform((0.0, 1.0, 0.5, -1.0)),
        BiasWaveform((0.0,)),
        BiasWaveform((1.0,)),
    ],
)
def test_what_the_panel_cannot_run_is_refused_and_nothing_moves(waveform: BiasWaveform) -> None:
    with pytest.raises(Unsupported, match="triangles about 0 V"):
        Triangle.of(waveform)


def test_cycles_are_averaged_and_a_piezoresponse_has_its_sign() -> None:
    table = {"kind": "simulator", "level": 0, "sample": {"kind": "ferroelectric_film"}}
    settings = validate(SimulatorSettings, table, "simulator")
    direct = settings.open(InstantClock(), 1)
    direct.load(Load())
    instruction = AcquireSpectrum(*POINT, BiasWaveform.triangle(8.5, 64, cycles=2))
    expected = direct.acquire_spectrum(instruction)
    with opened(settings.open(InstantClock(), 1)) as (driver, _):
        spectrum = driver.acquire_spectrum(instruction)
    assert spectrum.channels == expected.channels
    # single precision in the file, and a place that is rounding away
    np.testing.assert_allclose(spectrum.data, expected.data, atol=1e-4 * np.ptp(expected.data))
    assert spectrum.data.min() < 0 < spectrum.data.max()


def test_a_panel_that_is_set_to_another_function_is_noticed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with opened() as (driver, _):
        monkeypatch.setattr(microscope, "_triangle", lambda turns: np.sign(np.sin(turns)))
        with pytest.raises(OutOfStep, match="set to a triangle"):
            driver.acquire_spectrum(AcquireSpectrum(*POINT, BiasWaveform.triangle(1.0, 16)))


def test_a_force_curve_turns_back_at_the_force_that_was_asked_for() -> None:
    table = {"kind": "simulator", "level": 0, "sample": {"kind": "stiff_inclusions"}}
    simulated = validate(SimulatorSettings, table, "simulator").open(InstantClock(), 1)
    with opened(simulated) as (driver, _):
        curve = driver.acquire_force_curve(
            AcquireForceCurve(0.0, 0.0, trigger=5e-9, distance=50e-9, points=64)
        )
    assert curve.channels[0].name == "force"
    assert curve.approach.shape == (1, 64)
    assert np.nanmax(curve.approach) == pytest.approx(5e-9, rel=0.2)
    assert curve.extension[-1] - curve.extension[0] == pytest.approx(50e-9, rel=0.3)


def test_an_interrupt_ends_the_wait_for_a_scan_and_stops_the_program() -> None:
    with opened() as (driver, server):
        server.faults.arm(fault("stuck", "UpScan_0"))
        lines = driver.scan(Scan(FRAME, line_rate=1.0))
        ask = driver._ask

        def interrupting(*args: Any, **more: Any) -> tuple[float, ...]:
            answer = ask(*args, **more)
            if server.igor._microscope.status & 1:
                driver.interrupt()
            return answer

        driver._ask = interrupting  # type: ignore[method-assign]
        with pytest.raises(Stopped):
            next(iter(lines))
        driver._ask = ask  # type: ignore[method-assign]
        assert not server.igor._microscope.status & 1


def test_a_withdrawal_that_igor_does_not_confirm_is_said() -> None:
    with opened(reply_timeout="200 ms") as (driver, server):
        server.faults.arm(fault("half_open"))
        with pytest.raises(NotConfirmed, match="did not confirm"):
            driver.emergency_stop()
        server.faults.arm()
        driver.load(Load())


def test_it_tunes_until_the_peak_stays() -> None:
    with opened() as (driver, server):
        table = {
            "kind": "asylum",
            **server.address,
            "tune": True,
            "mode": "pfm",
            "approach": True,
            "tune_file": str(server.exchange / "Tune.ibw"),
        }
        driver.emergency_stop()
        second = validate(AsylumSettings, table, "asylum").open(InstantClock(), 1)
        second.load(Load())
        assert second.status().is_engaged
        assert (server.exchange / "Tune.ibw").exists()
        second.close()


def test_a_scan_shows_what_lies_there() -> None:
    with opened() as (driver, _):
        lines = list(driver.scan(Scan(FRAME, channels=("height",), line_rate=20.0)))
    image = np.array([line.forward[0] for line in lines])
    np.testing.assert_allclose(image, height(*FRAME.positions()), atol=1e-14)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"zeromq": "tcp://127.0.0.1:1"}, "one of program, listener and zeromq"),
        ({"folder": None}, "need a folder"),
        ({"tune": True}, "tune_file"),
    ],
)
def test_settings_that_do_not_fit_together_are_refused(
    tmp_path: Path, change: dict[str, Any], why: str
) -> None:
    table = {
        "kind": "asylum",
        "folder": str(tmp_path),
        "listener": "127.0.0.1:9091",
        "save_path": str(tmp_path),
        "x_range": ["-20 um", "20 um"],
        "y_range": ["-20 um", "20 um"],
    }
    with pytest.raises(RecipeError, match=why):
        validate(AsylumSettings, {**table, **change}, "lab.toml")
