"""Nanosurf: the driver over the emulated Studio takes the exam; orientation, faults, refusals."""

import math
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from marked import MarkedMicroscope, height

from spm_auto.clock import InstantClock
from spm_auto.drivers.nanosurf import NanosurfSettings
from spm_auto.errors import (
    ChangedOutside,
    InstrumentError,
    Refused,
    Stopped,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    Instrument,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.settings import validate
from spm_auto.simulator.servers import WireFault
from spm_auto.simulator.servers.nanosurf import NanosurfEmulatorSettings

FAST = {
    "reply_timeout": "400 ms",
    "file_time": "400 ms",
    "move_speed": 1e-6,
    "approach_time": "500 ms",
}
TRIANGLE = BiasWaveform.triangle(8.5, points=64)
FRAME = ScanFrame((2e-8, -1e-8), (3e-7, 2e-7), (48, 32))


@contextmanager
def studio(**settings: Any) -> Iterator[tuple[Any, MarkedMicroscope, Any]]:
    """Give a driver over an emulated Studio, the microscope behind it, and the server."""
    driver_settings = FAST | settings.pop("driver", {})
    clock = InstantClock()
    microscope = MarkedMicroscope(clock)
    emulator = NanosurfEmulatorSettings(**settings).start(microscope, clock)
    try:
        table = {**emulator.address, **driver_settings, "kind": "nanosurf"}
        driver = validate(NanosurfSettings, table, "test").open(clock, 0)
        try:
            yield driver, microscope, emulator
        finally:
            driver.close()
    finally:
        emulator.close()


class TestNanosurfOverItsEmulator(InstrumentContract):
    """The exam."""

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        with studio() as (driver, _, _):
            yield driver


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("version", [1, 2])
def test_what_is_scanned_lies_as_on_the_sample(sign: int, version: int) -> None:
    frame = ScanFrame(FRAME.center, FRAME.size, FRAME.pixels, math.radians(30))
    with studio(rotation_sign=sign, file_version=version) as (driver, _, _):
        driver.load(Load())
        lines = list(driver.scan(Scan(frame, channels=("height",))))
    image = np.stack([line.forward[0] for line in lines])
    expected = np.stack([height(*frame.line_positions(i)) for i in range(32)])
    np.testing.assert_allclose(image, expected, atol=1e-15)
    back = np.stack([line.backward[0] for line in lines])
    np.testing.assert_allclose(back, expected + 1e-10, atol=1e-15)


SMALL = ScanFrame((0.0, 0.0), (4e-8, 2e-8), (8, 4))
SCAN = Scan(SMALL, line_rate=1000.0)
SPECTRUM = AcquireSpectrum(5e-8, 2e-8, TRIANGLE)
COMMANDS = {
    "scan": "workflow.imaging.acquire",
    "move": "workflow.axis_manager.move_to_xy_target",
    "spectrum": "workflow.spectroscopy.acquire",
}
QUICK = {"reply_timeout": "200 ms", "frame_overhead": "0 s", "spectrum_overhead": "0 s"}
SURVIVED = {"split", "late", "doubled"}
CASES = [
    *(("scan", kind) for kind in ("split", "late", "silent", "doubled", "garbage", "stale")),
    *(("scan", kind) for kind in ("unplugged", "half_open", "error", "stuck")),
    *(("move", kind) for kind in ("silent", "stale", "doubled")),
    *(("spectrum", kind) for kind in ("garbage", "unplugged")),
]


def carry_out(driver: Any, what: str, x: float = 5e-8) -> None:
    """Do one thing; what comes of it has the right shape."""
    if what == "scan":
        lines = list(driver.scan(SCAN))
        assert [line.forward.shape for line in lines] == [(2, 8)] * 4
        image = np.stack([line.forward[0] for line in lines])
        expected = np.stack([height(*SMALL.line_positions(i)) for i in range(4)])
        np.testing.assert_allclose(image, expected, atol=1e-15)
    elif what == "move":
        driver.position_probe(PositionProbe(x, 1e-8))
    else:
        data = driver.acquire_spectrum(SPECTRUM).data
        np.testing.assert_allclose(data[0], 1e-9 * TRIANGLE.bias, atol=1e-16)


@pytest.mark.parametrize(("what", "kind"), CASES)
def test_a_fault_on_the_wire_ends_in_time_and_the_next_instruction_works(
    what: str, kind: str
) -> None:
    fault = WireFault.model_validate({"kind": kind, "on": COMMANDS[what], "delay": "50 ms"})
    with studio(faults=(fault,), driver=QUICK) as (driver, microscope, _):
        driver.load(Load())
        start = time.monotonic()
        if kind in SURVIVED:
            carry_out(driver, what)
        else:
            with pytest.raises(InstrumentError):
                carry_out(driver, what)
        assert time.monotonic() - start < 3.0
        moved = len(microscope.scanned)
        assert moved <= 1
        carry_out(driver, what, x=6e-8)
        assert driver.status().state == InstrumentState.READY
        assert len(microscope.scanned) == moved + (what == "scan")


def test_a_size_that_studio_changes_is_an_error_and_nothing_is_measured() -> None:
    fault = WireFault(kind="coerced", on="workflow.imaging.points_per_line.value_set")
    with studio(faults=(fault,)) as (driver, microscope, _):
        driver.load(Load())
        with pytest.raises(InstrumentError, match="set to 8 and reads back 10"):
            list(driver.scan(SCAN))
        assert microscope.scanned == []


def test_a_probe_that_somebody_moved_is_told_once() -> None:
    with studio() as (driver, _, emulator):
        driver.load(Load())
        emulator.station.move(1e-7, 0.0)
        with pytest.raises(ChangedOutside, match="position"):
            driver.position_probe(PositionProbe(0.0, 0.0))
        driver.position_probe(PositionProbe(3e-8, 0.0))


def test_an_interrupt_stops_studio_within_time_while_it_scans() -> None:
    fault = WireFault(kind="stuck", on=COMMANDS["scan"])
    with studio(faults=(fault,), driver={"reply_timeout": "5 s"}) as (driver, _, _):
        driver.load(Load())
        threading.Timer(0.1, driver.interrupt).start()
        start = time.monotonic()
        with pytest.raises(Stopped):
            list(driver.scan(SCAN))
        assert time.monotonic() - start < 2.0
        driver.position_probe(PositionProbe(1e-8, 0.0))


def test_an_emergency_withdraws_while_studio_scans_and_load_approaches_again() -> None:
    fault = WireFault(kind="stuck", on=COMMANDS["scan"])
    with studio(faults=(fault,), driver={"reply_timeout": "5 s"}) as (driver, microscope, _):
        driver.load(Load())
        threading.Timer(0.1, driver.emergency_stop).start()
        with pytest.raises(Stopped):
            list(driver.scan(SCAN))
        assert not driver.status().is_engaged
        assert not microscope.status().is_engaged
        driver.load(Load())
        assert driver.status().is_engaged


def test_a_waveform_that_no_cycle_runs_is_refused_and_what_can_be_run_is_named() -> None:
    with studio() as (driver, microscope, _):
        driver.load(Load())
        before = microscope.status()
        other = AcquireSpectrum(0.0, 0.0, BiasWaveform.sweep("-1 V", "1 V"))
        with pytest.raises(Unsupported, match="known: 'bias triangle', 'bias sweep'"):
            driver.acquire_spectrum(other)
        slow = AcquireSpectrum(0.0, 0.0, BiasWaveform(TRIANGLE.values, 1.0))
        with pytest.raises(Unsupported, match=r"with 0\.008 s at each point"):
            driver.duration(slow)
        assert microscope.status() == before


def test_a_cycle_that_runs_another_bias_than_the_lab_file_says_is_found_out() -> None:
    cycle = {
        "name": "bias triangle",
        "segments": [{"start": "0 V", "stop": "1 V", "points": 64}],
        "dwell": "8 ms",
    }
    with studio(driver={"cycles": [cycle]}) as (driver, _, _):
        driver.load(Load())
        wave = BiasWaveform(tuple(np.linspace(0.0, 1.0, 64).tolist()))
        with pytest.raises(InstrumentError, match="ran another bias"):
            driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, wave))


def test_cycles_of_a_waveform_are_runs_that_are_averaged() -> None:
    with studio() as (driver, _, _):
        driver.load(Load())
        wave = BiasWaveform(TRIANGLE.values, cycles=2)
        data = driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, wave)).data
        np.testing.assert_allclose(data[0], 1e-9 * TRIANGLE.bias, atol=1e-16)


def test_a_file_of_a_unit_that_the_lab_file_does_not_say_is_refused() -> None:
    channel = {"name": "height", "unit": "V", "signal": "Topography"}
    with studio(driver={"image_channels": [channel]}) as (driver, _, _):
        driver.load(Load())
        with pytest.raises(InstrumentError, match="stored in 'm'; the lab file says 'V'"):
            list(driver.scan(SCAN))


def test_a_measurement_that_does_not_come_is_missed_in_time(tmp_path: Path) -> None:
    with studio(driver={"data_folder": str(tmp_path), "file_time": "100 ms"}) as (driver, _, _):
        driver.load(Load())
        with pytest.raises(InstrumentError, match="no file with this name"):
            list(driver.scan(SCAN))


def test_a_force_curve_is_declared_unsupported() -> None:
    with studio() as (driver, _, _):
        driver.load(Load())
        with pytest.raises(Unsupported, match="AcquireForceCurve"):
            driver.acquire_force_curve(AcquireForceCurve(0.0, 0.0))


def test_a_session_that_is_not_there_is_named() -> None:
    with (
        pytest.raises(InstrumentError, match="session 'other' not found"),
        studio(driver={"session": "other"}),
    ):
        pass


def test_the_only_session_is_taken_and_the_file_name_given_back() -> None:
    with studio(driver={"session": ""}) as (driver, _, emulator):
        driver.load(Load())
        list(driver.scan(SCAN))
        folder = Path(emulator.address["data_folder"])
        assert len(list(folder.glob("spm_auto_*.nhf"))) == 1
        driver.close()


def test_an_error_of_studio_keeps_its_words() -> None:
    with studio() as (driver, _, _), pytest.raises(Refused, match="attempt to call a nil value"):
        driver._acting.call("workflow.no_such_thing")


def test_what_goes_over_the_wire_can_be_recorded(tmp_path: Path) -> None:
    with studio(driver={"record": str(tmp_path / "wire.jsonl")}) as (driver, _, _):
        driver.load(Load())
    assert len(list(tmp_path.iterdir())) >= 2
