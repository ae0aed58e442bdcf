"""The control program around a simulated microscope: what every emulated controller talks to."""

import math
import threading

import numpy as np
import pytest
from marked import MarkedMicroscope, height

from spm_auto.clock import InstantClock
from spm_auto.errors import EmergencyStopped, InstrumentError, Unsupported
from spm_auto.instrument import BiasWaveform, Scan, ScanFrame, ScanLine, SetFeedback
from spm_auto.simulator.servers import Picture, Station, WireFault, WireFaults

FRAME = ScanFrame((10e-9, -5e-9), (200e-9, 100e-9), (32, 16), angle=math.radians(30))


@pytest.fixture
def station() -> Station:
    clock = InstantClock()
    station = Station(MarkedMicroscope(clock), clock)
    station.engage()
    return station


@pytest.mark.parametrize("upwards", [True, False])
def test_a_scan_shows_the_same_picture_whichever_way_it_runs(
    station: Station, upwards: bool
) -> None:
    picture = station.start_scan(Scan(FRAME), upwards)
    assert picture.wait_end(10.0)
    expected = height(*FRAME.positions())
    there, back = picture.channel("height"), picture.channel("height", backward=True)
    if (
        not upwards
    ):  # what the microscope calls forward runs from right to left of a frame upside down
        there, back = back, there
    np.testing.assert_allclose(there, expected, atol=1e-15)
    np.testing.assert_allclose(back, expected + 1e-10, atol=1e-15)
    assert picture.is_complete
    assert picture.lines_done == 16


def test_lines_that_are_not_measured_yet_are_nan() -> None:
    channels = MarkedMicroscope().capabilities.image_channels
    picture = Picture(FRAME, channels, upwards=False, time=0.0)
    assert not picture.wait_line(0, timeout=0.0)
    row = np.full((2, 32), 1.0)
    picture.add(ScanLine(0, row, row, 1.0))
    assert picture.wait_line(0, timeout=0.0)
    known = np.isfinite(picture.forward[0]).all(axis=1)
    assert known.tolist() == [False] * 15 + [True]  # the upper edge comes first
    assert not picture.wait_end(timeout=0.0)
    picture.finish()
    assert picture.wait_end(timeout=0.0)


def test_a_scan_that_is_stopped_keeps_what_it_has(station: Station) -> None:
    picture = station.start_scan(Scan(FRAME))
    picture.wait_line(0, 10.0)
    station.stop_scan()
    assert not picture.is_running
    station.move(0.0, 0.0)
    assert station.position == (0.0, 0.0)


def test_two_things_at_once_are_refused(station: Station) -> None:
    inside, go_on = threading.Event(), threading.Event()

    def slow(*args: object) -> None:
        inside.set()
        go_on.wait(10.0)

    station.instrument._moved = slow  # type: ignore[attr-defined]
    mover = threading.Thread(target=station.move, args=(1e-9, 0.0))
    mover.start()
    inside.wait(10.0)
    assert station.is_busy
    with pytest.raises(InstrumentError, match="still in progress"):
        station.sweep(BiasWaveform((0.1,)))
    go_on.set()
    mover.join()


def test_the_bias_can_be_set_while_the_loop_is_open(station: Station) -> None:
    assert station.bias == 0.1
    assert station.reading()["height"] == pytest.approx(float(height(*np.zeros((2, 1)))[0]))
    station.switch_feedback(False)
    station.set_bias(0.7)
    assert station.bias == 0.7
    assert station.reading() == {"current": pytest.approx(0.7e-9), "didv": 1e-9}
    station.switch_feedback(True)
    assert station.bias == 0.1
    with pytest.raises(Unsupported, match="keeps bias"):
        station.set_feedback(SetFeedback(bias=1.0))


def test_a_frame_follows_the_drift_that_was_set(station: Station) -> None:
    station.follow((1e-9, 0.0))
    station.clock.wait(20.0)
    station.move(0.0, 0.0)
    assert station.instrument.status().position[0] == pytest.approx(20e-9)
    assert station.position[0] == pytest.approx(0.0)
    station.start_scan(Scan(FRAME)).wait_end(10.0)
    assert station.instrument.scanned[-1].center[0] > FRAME.center[0] + 20e-9  # type: ignore[attr-defined]


def test_withdrawing_ends_everything_until_the_tip_is_engaged_again(station: Station) -> None:
    picture = station.start_scan(Scan(FRAME))
    station.withdraw()
    assert not picture.is_running
    assert not station.is_engaged
    with pytest.raises(EmergencyStopped):
        station.move(0.0, 0.0)
    station.engage()
    assert station.is_engaged
    station.close()
    station.close()


def test_a_fault_strikes_its_command_as_often_as_it_should() -> None:
    faults = WireFaults((WireFault(kind="late", on="Scan.Action", after=1, times=2),))
    hits = [faults.strike("scan.action", "late") is not None for _ in range(5)]
    assert hits == [False, True, True, False, False]
    assert faults.strike("Bias.Get", "late") is None
    assert faults.strike("scan.action", "split") is None
    assert faults.struck == 2
