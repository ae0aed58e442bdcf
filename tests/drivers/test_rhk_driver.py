"""The R9's driver over the emulated program: what comes out is what is there."""

import threading
from dataclasses import replace
from math import radians
from pathlib import Path

import marked
import numpy as np
import pytest
from rhk_lab import FRAME, SWEEP, SWEPT, Lab, lab

from spm_auto.clock import InstantClock
from spm_auto.errors import (
    DataError,
    EmergencyStopped,
    InstrumentError,
    LimitExceeded,
    RecipeError,
    Refused,
    Stopped,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings
from spm_auto.wire import rhk as wire

FLOAT32 = 1e-6  # what files keep of heights, relative to the largest
UNEVEN = BiasWaveform((0.3, -0.7, 1.1, 0.0, -1e-3), dwell=1e-3, cycles=2)
MARK = ScanFrame((5e-9, -15e-9), (240e-9, 240e-9), (24, 24))


def stm(clock: InstantClock):  # type: ignore[no-untyped-def]
    """Return a simulated STM without noise, whose bias and set-point can be changed."""
    table = {"kind": "simulator", "level": 0, "sample": {"kind": "au111"}}
    return validate(SimulatorSettings, table, "instrument").open(clock, 0)


def image(it: Lab, frame: ScanFrame) -> tuple[np.ndarray, np.ndarray]:
    lines = list(it.driver.scan(Scan(frame, line_rate=50.0)))
    return np.stack([line.forward for line in lines], 1), np.stack(
        [line.backward for line in lines], 1
    )


@pytest.mark.parametrize(
    ("angle", "rotation"), [(0.0, "clockwise"), (30.0, "clockwise"), (30.0, "counter-clockwise")]
)
def test_an_image_is_upright_and_turned_as_asked(angle: float, rotation: str) -> None:
    frame = replace(MARK, angle=radians(angle))
    with lab(rotation=rotation) as it:
        there, back = image(it, frame)
    turn = 1 if rotation == "counter-clockwise" else -1
    frame = replace(frame, angle=turn * frame.angle)  # the emulated one turns counter-clockwise
    heights = np.stack(
        [marked.height(*frame.line_positions(line)) for line in range(frame.pixels[1])]
    )
    small = FLOAT32 * np.abs(heights).max()
    np.testing.assert_allclose(there[0], heights, atol=small)
    np.testing.assert_allclose(back[0], heights + 1e-10, atol=small)
    np.testing.assert_allclose(there[1], 100e-12)


def test_a_stepped_spectrum_has_what_is_read_at_each_bias() -> None:
    with lab() as it:
        spectrum = it.driver.acquire_spectrum(AcquireSpectrum(1e-8, 2e-8, UNEVEN))
        assert it.station.has_feedback
        assert it.driver.status().bias == pytest.approx(0.1)
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * UNEVEN.bias)
    np.testing.assert_allclose(spectrum.data[1], 1e-9)


def test_a_spectrum_of_the_procedure_is_that_of_its_file() -> None:
    with lab(**SWEPT) as it:
        spectrum = it.driver.acquire_spectrum(AcquireSpectrum(1e-8, 2e-8, SWEEP))
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * SWEEP.bias, atol=1e-16)
    assert (spectrum.x, spectrum.y) == pytest.approx((1e-8, 2e-8))


@pytest.mark.parametrize(
    "other",
    [
        BiasWaveform.sweep(-1.0, 1.0, 32),
        BiasWaveform.sweep(-1.0, 0.9, 32, backward=True),
        replace(SWEEP, dwell=16e-3),
        replace(SWEEP, cycles=2),
    ],
)
def test_a_sweep_that_the_procedure_does_not_run_is_refused(other: BiasWaveform) -> None:
    with lab(**SWEPT) as it:
        before = it.clock.now()
        with pytest.raises(Unsupported, match="cannot be set from here"):
            it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, other))
        assert it.clock.now() == before


def test_a_window_that_is_set_otherwise_than_the_lab_file_says_is_noticed() -> None:
    with (
        lab(emulator={"sweep_stop": "0.5 V"}, **SWEPT) as it,
        pytest.raises(InstrumentError, match=r"-1 to 0\.5 V"),
    ):
        it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))


@pytest.mark.parametrize(
    "frame",
    [replace(FRAME, pixels=(8, 16)), replace(FRAME, size=(2e-7, 1e-7))],
)
def test_a_frame_that_is_no_square_is_refused(frame: ScanFrame) -> None:
    with lab() as it, pytest.raises(Unsupported, match="scans squares"):
        it.driver.scan(Scan(frame))


def test_only_the_file_that_was_asked_for_is_read(tmp_path: Path) -> None:
    """A newer file of somebody else lies beside it, and one from another run."""
    with lab(emulator={"save_path": str(tmp_path)}) as it:
        there, _ = image(it, FRAME)
        first = next(tmp_path.iterdir())
        (tmp_path / "newest.sm4").write_bytes(first.read_bytes()[:200])
        moved = replace(FRAME, center=(4e-8, 0.0))
        again, _ = image(it, moved)
        assert not np.allclose(again[0], there[0], atol=0.0)
        assert len(list(tmp_path.glob("spm_auto_*.sm4"))) == 2


def test_a_file_that_grows_slowly_is_read_when_it_is_whole() -> None:
    with lab(emulator={"file_delay": "0.15 s"}) as it:
        there, _ = image(it, FRAME)
    assert np.isfinite(there).all()


def test_ends_that_are_told_to_everybody_are_nobodys_answer() -> None:
    with lab(emulator={"has_stray_ends": True}) as it:
        stop = threading.Event()

        def watch() -> None:
            while not stop.is_set():
                assert it.driver.status().bias == pytest.approx(0.1)

        watching = threading.Thread(target=watch)
        watching.start()
        for number in range(5):
            at = (number * 1e-8, -number * 1e-8)
            it.driver.position_probe(PositionProbe(*at))
            assert it.driver.status().position == pytest.approx(at)
        there, _ = image(it, FRAME)
        stop.set()
        watching.join()
    assert np.isfinite(there).all()


def test_the_pause_after_connecting_is_kept() -> None:
    emulator = {"first_pause": "10 ms", "has_line_ends": False}
    with lab(emulator=emulator, connect_delay="40 ms", loaded=False) as it:
        assert it.driver.status().bias == 0.1
    with pytest.raises(InstrumentError), lab(emulator=emulator, connect_delay="0 s"):
        pass


def test_coarse_steps_are_taken_with_the_tip_up() -> None:
    with lab(emulator={"coarse_steps": 2}, approach_steps=3) as it:
        assert it.driver.status().is_engaged  # the emulated one takes none with the tip down
        assert it.station.is_engaged


def test_without_coarse_steps_a_far_sample_is_not_found_and_the_tip_goes_up() -> None:
    with lab(emulator={"coarse_steps": 2}, loaded=False) as it:
        with pytest.raises(InstrumentError, match=r"does not find the sample.*retracted"):
            it.driver.load(Load())
        assert it.driver.status().state == InstrumentState.EMPTY


@pytest.mark.parametrize("bias", [0.5, -0.5])
def test_the_setpoint_has_the_sign_of_the_bias(bias: float) -> None:
    clock = InstantClock()
    driver = {"bias": f"{bias} V", "setpoint": "50 pA", "reply_timeout": "20 s"}
    with lab(instrument=stm(clock), clock=clock, **driver) as it:
        assert it.station.held.setpoint == 50e-12
        assert it.driver.status().bias == bias
        it.driver.set_feedback(SetFeedback(bias=-bias, setpoint=80e-12))
        assert it.station.bias == -bias
        assert it.station.held.setpoint == 80e-12
        with pytest.raises(Unsupported, match="gains"):
            it.driver.set_feedback(SetFeedback(gain=10.0))


def test_a_stepped_spectrum_of_an_stm_is_the_one_that_it_takes_itself() -> None:
    clock, other = InstantClock(), InstantClock()
    with lab(instrument=stm(clock), clock=clock, reply_timeout="20 s") as it:
        spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, UNEVEN))
    direct = stm(other)
    direct.load(Load())
    expected = direct.acquire_spectrum(AcquireSpectrum(0.0, 0.0, UNEVEN))
    name = expected.channels[0].name
    np.testing.assert_allclose(
        spectrum.channel(name), expected.channel(name), rtol=0.05, atol=2e-12
    )  # the lock-in's modulation differs between a sweep and a reading


def test_a_scan_that_is_stopped_at_the_program_gives_its_lines_and_says_so() -> None:
    clock = InstantClock()
    with lab(instrument=Halting(clock), clock=clock) as it:
        indices = []
        with pytest.raises(InstrumentError, match="after 6 of 8 lines"):
            indices.extend(line.index for line in it.driver.scan(SLOW))
    assert indices == [2, 3, 4, 5, 6, 7]  # from the top


SLOW = Scan(FRAME, line_rate=50.0)


class Halting(marked.MarkedMicroscope):
    """Somebody stops each scan after five lines."""

    def _lines(self, scan, number):  # type: ignore[no-untyped-def]
        read = super()._lines(scan, number)

        def until(line, began):  # type: ignore[no-untyped-def]
            if line == 5:
                self.interrupt()
            return read(line, began)

        return until


class Paused(marked.MarkedMicroscope):
    """In the middle of its first scan or sweep it lets something happen."""

    then = None

    def _happen(self) -> None:
        then, self.then = self.then, None
        if then is not None:
            self.happening = threading.Thread(target=then)
            self.happening.start()
            if self._turns.action is not None:
                self._turns.action.stop.wait(2.0)

    def _lines(self, scan, number):  # type: ignore[no-untyped-def]
        read = super()._lines(scan, number)

        def paused(line, began):  # type: ignore[no-untyped-def]
            if line == 3:
                self._happen()
            return read(line, began)

        return paused

    def reading(self, bias=None):  # type: ignore[no-untyped-def]
        if bias is not None and bias < -0.5:
            self._happen()
        return super().reading(bias)


def test_an_interrupt_during_a_scan_stops_the_program_too() -> None:
    microscope = Paused(clock := InstantClock())
    with lab(instrument=microscope, clock=clock) as it:
        microscope.then = it.driver.interrupt
        with pytest.raises(Stopped):
            list(it.driver.scan(SLOW))
        image(it, FRAME)  # which the program would refuse while the first one runs
    assert len(microscope.scanned) == 2


def test_an_emergency_during_a_scan_withdraws_and_latches() -> None:
    microscope = Paused(clock := InstantClock())
    with lab(instrument=microscope, clock=clock) as it:
        microscope.then = it.driver.emergency_stop
        with pytest.raises(EmergencyStopped):
            list(it.driver.scan(SLOW))
        microscope.happening.join()
        assert it.driver.status().state == InstrumentState.LATCHED
        assert not it.station.is_engaged
        it.driver.load(Load())
        image(it, FRAME)


def test_an_emergency_during_a_stepped_spectrum_leaves_the_tip_up() -> None:
    microscope = Paused(clock := InstantClock())
    with lab(instrument=microscope, clock=clock) as it:
        microscope.then = it.driver.emergency_stop
        with pytest.raises(EmergencyStopped):
            it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
        microscope.happening.join()
        assert not it.station.is_engaged


def test_a_setting_that_the_program_changes_is_refused() -> None:
    coerced = {"kind": "coerced", "on": "SetSWParameter, Scan Area Window, Line Time"}
    with (
        lab(coerced) as it,
        pytest.raises(Refused, match=r"Line Time was set to 0\.01 and reads back 0\.011"),
    ):
        list(it.driver.scan(SLOW))


def test_a_folder_that_is_not_there_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not there"), lab(save_path=str(tmp_path / "none")):
        pass


def test_what_is_sent_is_recorded(tmp_path: Path) -> None:
    with lab(record=str(tmp_path / "wire.jsonl")) as it:
        it.driver.position_probe(PositionProbe(1e-8, 2e-8))
    text = (tmp_path / "wire.jsonl").read_text("utf-8")
    assert wire.encode(wire.start(wire.MOVE_TIP)).hex() in text


def test_procedure_sweeps_need_their_table() -> None:
    with pytest.raises(RecipeError, match="procedure_sweep"), lab(sweep="procedure"):
        pass


def test_a_point_out_of_reach_is_not_sent() -> None:
    with lab() as it, pytest.raises(LimitExceeded):
        it.driver.position_probe(PositionProbe(1e-6, 0.0))
