"""The driver of the red panda: what it sends, what it measures, and when it refuses."""

import math
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from marked import height
from red_panda_lab import Lab, Script, lab

from spm_auto.drivers.red_panda.calibration import Calibration
from spm_auto.drivers.red_panda.controller import Controller
from spm_auto.drivers.red_panda.strips import Raster, Strip
from spm_auto.drivers.transport import ReplayLink
from spm_auto.errors import (
    ChangedOutside,
    ConnectionLost,
    EmergencyStopped,
    InstrumentError,
    LimitExceeded,
    NoReply,
    NotConfirmed,
    OutOfStep,
    RecipeError,
    Stopped,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Instrument,
    InstrumentState,
    Load,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.simulator.servers import WireFault
from spm_auto.wire import red_panda as wire

FRAME = ScanFrame((10e-9, -5e-9), (200e-9, 100e-9), (32, 16))
SWEEP = BiasWaveform.sweep(-0.5, 0.5, 11, dwell=0.02)
SCALE = Calibration(1e-11, 1e-11, 2e-12, 3 / 32768, 1e-9 / 320, 42000)
ASK = wire.command("GSTS")


class TestRedPanda(InstrumentContract):
    """Over the emulated firmware."""

    WAVEFORM = BiasWaveform.triangle(2.5, points=16)

    @pytest.fixture
    def fresh(self) -> Iterator[Instrument]:
        with lab(loaded=False) as it:
            yield it.driver


@pytest.fixture
def it() -> Iterator[Lab]:
    with lab() as it:
        yield it
        assert it.crashes == []


def image(it: Lab, frame: ScanFrame, backward: bool = False) -> np.ndarray:
    lines = list(it.driver.scan(Scan(frame, channels=("height",), line_rate=10.0)))
    return np.array([(line.backward if backward else line.forward)[0] for line in lines])


def same(shown: np.ndarray, frame: ScanFrame) -> bool:
    expected = height(*frame.positions())
    return bool((np.abs(shown - expected) < 0.02 * np.ptp(expected)).mean() > 0.97)


@pytest.mark.parametrize("quarter", [0, 1, 2, 3])
def test_a_frame_along_the_axes_is_scanned_in_strips_both_ways(it: Lab, quarter: int) -> None:
    frame = replace(FRAME, angle=quarter * math.pi / 2)
    # this microscope shows 0.1 nm more whenever it runs towards smaller x or y
    there, back = (0.0, 1e-10) if quarter < 2 else (1e-10, 0.0)
    assert same(image(it, frame) - there, frame)
    assert same(image(it, frame, backward=True) - back, frame)
    strips = [line for line in it.heard if line.startswith("SCST")]
    assert len(strips) < 3 * 2 * FRAME.pixels[1]


def test_a_turned_frame_is_scanned_point_by_point_and_has_no_way_back(it: Lab) -> None:
    frame = ScanFrame((-40e-9, -30e-9), (80e-9, 60e-9), (8, 6), angle=math.radians(30))
    scan = Scan(frame, line_rate=1.0)
    start, estimate = it.driver.status().time, it.driver.duration(scan)
    lines = list(it.driver.scan(scan))
    there = np.array([line.forward[0] for line in lines])
    expected = height(*frame.positions())
    assert (np.abs(there - expected) < 0.02 * np.ptp(expected)).mean() > 0.9
    assert all(np.isnan(line.backward).all() for line in lines)
    assert it.driver.status().time - start == pytest.approx(estimate, rel=0.2)


def test_the_current_comes_from_the_error_of_the_loop(it: Lab) -> None:
    line = next(iter(it.driver.scan(Scan(FRAME, channels=("current",), line_rate=10.0))))
    np.testing.assert_allclose(line.forward[0], 100e-12, rtol=0.01)


def test_no_strip_is_longer_than_allowed() -> None:
    with lab(strip_time="50 ms") as it:
        frame = ScanFrame((0.0, 0.0), (2e-7, 1e-7), (16, 4))
        scan = Scan(frame, line_rate=2.0)
        began = len(it.heard)
        lines = list(it.driver.scan(scan))
        assert len(lines) == 4
        for line in it.heard[began:]:
            numbers = [int(word) for word in line.split()[1:]]
            passes = 2 * numbers[2] * numbers[5] * numbers[6]
            assert passes * 20e-6 <= 0.05 + 1e-9


@pytest.mark.parametrize(
    ("scan", "what"),
    [
        (Scan(replace(FRAME, size=(1e-10, 1e-7))), "pitch of the pixels"),
        (Scan(FRAME, line_rate=1e4), "line rate"),
        (Scan(FRAME, line_rate=1e-4), "line rate"),
    ],
)
def test_a_scan_that_the_firmware_cannot_do_is_refused(it: Lab, scan: Scan, what: str) -> None:
    heard = len(it.heard)
    with pytest.raises(LimitExceeded, match=what):
        list(it.driver.scan(scan))
    assert len(it.heard) == heard


@pytest.mark.parametrize("axis", ["x", "y"])
def test_strips_stop_where_the_pixels_are(axis: str) -> None:
    angle = 0.0 if axis == "x" else math.pi / 2
    frame = ScanFrame((3e-8, -2e-8), (123e-9, 77e-9), (37, 5), angle)
    raster = Raster.of(Scan(frame, line_rate=2.0), SCALE, 20e-6, 3.0)
    x, y = frame.line_positions(3)
    counts = (x if axis == "x" else y) / SCALE.x + wire.MIDDLE
    (strip,) = raster.line(3)
    if axis == "x":
        stops = np.array(wire.steps(*strip.x, strip.columns))
        assert strip.rows == 1
    else:
        every = np.array(wire.steps(*strip.y, strip.rows * strip.samples))
        stops = every.reshape(strip.rows, strip.samples).mean(axis=1)
        assert strip.columns == 1
    assert np.abs(stops - counts).max() < 2


def test_a_spectrum_leaves_the_loop_closed_and_the_bias_as_it_was(it: Lab) -> None:
    heard = len(it.heard)
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(2e-8, 1e-8, SWEEP))
    np.testing.assert_allclose(spectrum.channel("current"), 1e-9 * SWEEP.bias, atol=5e-12)
    assert {line.split()[0] for line in it.heard[heard:]} == {"SCST", "IVME", "IVGE"}
    assert it.driver.status().bias == pytest.approx(0.1, abs=1e-3)


def test_a_current_at_the_end_of_the_converter_is_flagged(it: Lab) -> None:
    it.microscope.reading = lambda _: {"current": 1e-6}  # type: ignore[method-assign]
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    assert spectrum.flags == (QualityFlag.SATURATED,)


def test_a_load_finds_the_sample_and_never_sends_test(it: Lab) -> None:
    names = [line.split()[0] for line in it.heard]
    assert names[:3] == ["STOP", "DACZ", "DACX"]
    assert names.index("PIDS") < names.index("BIAS") < names.index("APRH") < names.index("CCON")
    assert "TEST" not in names
    assert it.driver.events[-2:] == (wire.APPROACHED, "33")


def test_a_sample_that_is_met_too_low_is_met_again_from_further_away() -> None:
    with lab(controller={"low_contacts": 1}) as it:
        assert sum(line.startswith("APRH") for line in it.heard) == 2
        assert "MTMV -100" in it.heard
        assert it.crashes == []


def test_a_sample_that_is_always_met_too_low_is_not_touched() -> None:
    with lab(loaded=False, controller={"low_contacts": 9}) as it:
        with pytest.raises(InstrumentError, match="smaller approach_steps"):
            it.driver.load(Load())
        assert it.crashes == []
        assert not it.driver.status().is_engaged
        assert it.server.firmware.head.status.z == 0


def test_without_a_sample_a_load_ends_with_the_tip_up() -> None:
    with lab(loaded=False, controller={"surface_steps": 10**6}, approach_steps=500) as it:
        with pytest.raises(InstrumentError, match="no sample within 10000 steps"):
            it.driver.load(Load())
        assert it.server.firmware.head.status.z == 0
        assert it.driver.status().state is InstrumentState.EMPTY


def test_a_loop_that_does_not_hold_leaves_the_tip_up() -> None:
    with lab(loaded=False, setpoint="1 nA", settle_timeout="50 ms") as it:
        with pytest.raises(InstrumentError, match="does not hold 320 counts"):
            it.driver.load(Load())
        assert not it.driver.status().is_engaged


def test_bias_and_setpoint_can_be_changed_and_the_gain_cannot(it: Lab) -> None:
    it.driver.set_feedback(SetFeedback(bias=-0.2))
    assert it.driver.status().bias == pytest.approx(-0.2, abs=1e-3)
    it.driver.set_feedback(SetFeedback(setpoint=120e-12))
    assert it.heard[-1] == "CCON 38"
    with pytest.raises(Unsupported, match="no SI unit"):
        it.driver.set_feedback(SetFeedback(gain=10.0))
    with pytest.raises(LimitExceeded, match="magnitude of the bias"):
        it.driver.set_feedback(SetFeedback(bias=0.0))
    with pytest.raises(LimitExceeded, match="setpoint"):
        it.driver.set_feedback(SetFeedback(setpoint=1e-12))
    it.driver.position_probe(PositionProbe(0.0, 0.0))


def test_the_loop_is_not_closed_where_that_would_be_a_crash(it: Lab) -> None:
    it.server.firmware.head.status = replace(it.server.firmware.head.status, z=30000)
    with pytest.raises(InstrumentError, match=r"z 30000.*would be a crash"):
        it.driver.set_feedback(SetFeedback(setpoint=120e-12))
    assert it.heard[-1] == "CCON 32"  # that of the load


def test_an_emergency_in_the_middle_of_a_scan_lifts_the_tip_first(it: Lab) -> None:
    lines = iter(it.driver.scan(Scan(FRAME, line_rate=10.0)))
    next(lines)
    it.driver.emergency_stop()
    orders = [line for line in it.heard if line.split()[0] not in ("SCST",)][-6:]
    assert orders[-1].startswith("MTMV -")
    assert "DACZ 0" in orders
    assert not it.server.station.is_engaged
    with pytest.raises(EmergencyStopped):
        list(lines)


def test_an_emergency_from_another_thread_comes_behind_the_strip(it: Lab) -> None:
    raised: list[BaseException] = []

    def scan() -> None:
        try:
            for _ in it.driver.scan(Scan(replace(FRAME, angle=0.3), line_rate=1.0)):
                pass
        except EmergencyStopped as error:
            raised.append(error)

    thread = threading.Thread(target=scan)
    thread.start()
    while not any(line.startswith("SCST") for line in list(it.server.firmware.heard)):
        pass
    it.driver.emergency_stop()
    thread.join(10.0)
    assert raised
    head = it.server.firmware.head.status
    assert (head.z, head.has_feedback) == (0, False)


def test_behind_a_withdrawal_nothing_is_sent_that_could_bring_the_tip_back(it: Lab) -> None:
    it.driver.emergency_stop()
    controller = it.driver._controller
    for name, values in (("CCON", (32,)), ("APRH", (32, 5)), ("BIAS", (40000,))):
        with pytest.raises(EmergencyStopped, match="is not sent before load"):
            controller.tell(name, *values)
    with pytest.raises(EmergencyStopped):
        controller.scan(Strip.point(1, 1), 0.0)
    it.driver.load(Load())
    assert it.driver.status().is_engaged


def test_a_withdrawal_that_cannot_be_confirmed_says_so(it: Lab) -> None:
    it.server.close()
    with pytest.raises(NotConfirmed, match="may still be at the sample"):
        it.driver.emergency_stop()
    assert it.driver.status().state is InstrumentState.LATCHED


def test_an_interrupt_ends_a_motion_between_two_strips() -> None:
    with lab(strip_time="5 ms") as it:
        controller, scan = it.driver._controller, it.driver._controller.scan

        def interrupted(strip: Strip, time: float):  # type: ignore[no-untyped-def]
            it.driver.interrupt()
            return scan(strip, time)

        controller.scan = interrupted  # type: ignore[method-assign]
        with pytest.raises(Stopped):
            it.driver.position_probe(PositionProbe(1e-7, 1e-7))
        controller.scan = scan  # type: ignore[method-assign]
        assert it.driver.status().position[0] < 2e-8
        it.driver.position_probe(PositionProbe(1e-7, 1e-7))


def test_while_the_firmware_is_deaf_the_status_is_the_last_one(it: Lab) -> None:
    controller = it.driver._controller
    with controller._talk("SCST"):
        controller._is_deaf = True
        assert it.driver.status().state is InstrumentState.READY
        controller._is_deaf = False


def test_a_loop_that_somebody_opened_ends_the_instruction(it: Lab) -> None:
    lines = iter(it.driver.scan(Scan(FRAME, line_rate=10.0)))
    next(lines)
    it.server.firmware.head.open_loop()
    with pytest.raises(ChangedOutside, match="opened the loop"):
        next(lines)


def test_a_controller_that_was_started_anew_is_not_taken_for_the_old_one(it: Lab) -> None:
    it.server.firmware.head.status = wire.Status()
    it.driver._controller._seen = 10**7
    with pytest.raises(OutOfStep, match="started anew"):
        it.driver.position_probe(PositionProbe(0.0, 0.0))
    with pytest.raises(ChangedOutside, match="withdrawn"):
        it.driver.position_probe(PositionProbe(0.0, 0.0))


def test_an_unplugged_cable_is_an_error_at_once_and_the_state_is_read_anew(it: Lab) -> None:
    it.server.faults.arm(WireFault(kind="unplugged", on="SCST", after=5))
    with pytest.raises(ConnectionLost):
        list(it.driver.scan(Scan(FRAME, line_rate=10.0)))
    assert it.driver.status().state is InstrumentState.LOST
    it.driver.position_probe(PositionProbe(0.0, 0.0))
    assert it.driver._controller.losses == 1


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ({"approach_steps": 0}, "approach_steps must not be 0"),
        ({"setpoint": "1 pA"}, "setpoint must lie between"),
        ({"bias": "4 V"}, "must not exceed bias_span"),
        ({"bias": "-0.1 V"}, "greater than 0"),
        ({"port": "socket://nowhere"}, "names no host and port"),
    ],
)
def test_a_setting_that_cannot_be_right_is_refused(table: dict[str, object], why: str) -> None:
    with pytest.raises((RecipeError, InstrumentError), match=why), lab(loaded=False, **table):
        pass


def test_a_recorded_conversation_is_replayed_word_for_word(tmp_path: Path) -> None:
    path = tmp_path / "wire.jsonl"
    with lab(record=str(path)) as it:
        it.driver.position_probe(PositionProbe(2e-8, 0.0))
        position = it.driver.status().position
    controller = Controller("replay", lambda: ReplayLink(path), 1.0, 0.0, 0.0, 3.0)
    assert controller.status() == wire.Status(time=controller.last.time)  # type: ignore[union-attr]
    assert position[0] == pytest.approx(2e-8, abs=2e-11)


def status(**values: int) -> bytes:
    return replace(wire.Status(z=40000, time=100), **values).encode().encode() + wire.END


def scripted(*exchanges: tuple[bytes, bytes], banner: bytes = b"") -> tuple[Controller, Script]:
    greeting = wire.SWALLOWED + ASK, status()
    link = Script(greeting, *exchanges, banner=banner)
    return Controller("script", lambda: link, 0.2, 0.0, 0.0, 0.0), link


def test_a_boot_banner_half_a_line_and_garbage_are_passed_over() -> None:
    for banner in (b"Teensy 4.1 ready\r\n", b"32768,4000", b"\xff\x00\xfe", b"1,2,3\r\nD\r\n"):
        controller, _ = scripted((ASK, status(time=101)), banner=banner)
        assert controller.status().z == 40000


def test_a_greeting_is_asked_again_when_its_answer_is_broken() -> None:
    link = Script(
        (wire.SWALLOWED + ASK, b"32768,40"),
        (wire.SWALLOWED + ASK, b"\r\n" + status()),
        (ASK, status(time=101)),
    )
    controller = Controller("script", lambda: link, 0.2, 0.0, 0.0, 0.0)
    assert controller.status().time == 101


def test_lines_that_nobody_asked_for_are_events_also_in_the_middle_of_a_strip() -> None:
    strip = Strip((10, 12), 2, (5, 5), 1, 1)
    said = b"A,0,1\r\nApproached!\r\n77\r\nZ,0,40000\r\nhello\r\nA,1,2\r\nZ,1,40001\r\nD\r\n"
    end = status(x=11, y=5, time=101)
    controller, _ = scripted((strip.command(), said), (ASK, end))
    pixels, _ = controller.scan(strip, 0.0)
    assert (pixels.errors, pixels.heights) == ((1, 2), (40000, 40001))
    assert list(controller.events) == ["Approached!", "77", "hello"]
    assert controller.contact == 77


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"A,0,1\r\nZ,0,40000\r\nA,0,2\r\nZ,1,40001\r\nD\r\n", OutOfStep),  # index twice
        (b"A,0,1\r\nZ,0,40000\r\nZ,1,40001\r\nD\r\n", OutOfStep),  # a line lost
        (b"A,0,1\r\nZ,0,40000\r\nA,1,2,3\r\nZ,1,40001\r\nD\r\n", OutOfStep),  # too long
        (b"A,0,1\r\nZ,0,40000\r\nA,1\r\nZ,1,40001\r\nD\r\n", OutOfStep),  # cut off
        (b"A,0,1\r\nZ,0,40000\r\nA,1,Z,1,40001\r\nD\r\n", OutOfStep),  # run into one another
        (b"A,0,1\r\nZ,0,40000\r\nD\r\n", OutOfStep),  # too early at its end
        (b"A,0,1\r\n\xf0\x9a\r\nZ,0,40000\r\nA,1,2\r\n", OutOfStep),  # garbage
        (b"A,0,1\r\nZ,0,400", NoReply),  # half a line, then silence
        (b"", NoReply),
        (b"(unplugged)", ConnectionLost),
    ],
)
def test_a_strip_that_is_not_whole_is_thrown_away(
    said: bytes, error: type[InstrumentError]
) -> None:
    strip = Strip((10, 12), 2, (5, 5), 1, 1)
    controller, _ = scripted((strip.command(), said))
    with pytest.raises(error):
        controller.scan(strip, 0.0)
    assert controller.losses == 1


def test_a_strip_that_ended_elsewhere_is_thrown_away() -> None:
    strip = Strip((10, 12), 2, (5, 5), 1, 1)  # a digit of it was lost on the way
    said = b"A,0,1\r\nZ,0,40000\r\nA,1,2\r\nZ,1,40001\r\nD\r\n"
    controller, _ = scripted((strip.command(), said), (ASK, status(x=1, y=5, time=101)))
    with pytest.raises(OutOfStep, match=r"ends at \(11, 5\) ended at \(1, 5\)"):
        controller.scan(strip, 0.0)


def test_an_answer_that_came_before_it_was_asked_for_is_not_taken() -> None:
    controller, link = scripted((ASK, status(time=101) + status(time=102)), (ASK, status(time=99)))
    assert controller.status().time == 101
    with pytest.raises(OutOfStep, match="an old one"):
        controller.status()
    assert link.exchanges == []


def test_a_setting_that_reads_back_otherwise_is_an_error() -> None:
    controller, _ = scripted((wire.command("BIAS", 33000) + ASK, status(bias=33300, time=101)))
    with pytest.raises(InstrumentError, match="BIAS 33000 reads back 33300"):
        controller.set("BIAS", 33000)


def test_a_sweep_over_other_biases_is_not_taken() -> None:
    sent = wire.command("IVME", 98, 103, 1) + wire.command("IVGE")
    controller, _ = scripted((sent, b"IV,0,1,1,1,2,1,3,1,4,1\r\n"))
    with pytest.raises(OutOfStep, match="asked for biases"):
        controller.measure(100)
