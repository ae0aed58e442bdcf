"""What the Nanonis driver says to a controller, and what it makes of the answers."""

import contextlib
import logging
import math
import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nanonis_fake import FakeController, ScriptedScan

from spm_auto import drivers
from spm_auto.clock import InstantClock
from spm_auto.drivers.nanonis import NanonisMicroscope, NanonisSettings
from spm_auto.drivers.nanonis.segments import segments_of
from spm_auto.errors import (
    ChangedOutside,
    EmergencyStopped,
    InstrumentError,
    LimitExceeded,
    NoReply,
    NotConfirmed,
    OutOfStep,
    Stopped,
    Unsupported,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.wire import nanonis as wire

FRAME = ScanFrame((1e-7, -2e-8), (4e-7, 2e-7), (16, 4), math.radians(30))
QUICK = {"stall_timeout": "0.05 s", "scan_settling": "0 s"}


def connected(controller: FakeController, **settings: object) -> NanonisMicroscope:
    given = NanonisSettings.model_validate({**QUICK, **settings})
    return NanonisMicroscope(given, controller.lines(), InstantClock())


@pytest.fixture
def controller() -> FakeController:
    return FakeController()


@pytest.fixture
def microscope(controller: FakeController) -> NanonisMicroscope:
    microscope = connected(controller)
    microscope.load(Load())
    controller.heard.clear()
    return microscope


def test_it_tells_what_it_read_from_the_controller(controller: FakeController) -> None:
    has = connected(controller, bias_range=("-3 V", "20 V")).capabilities
    assert has.name == "Nanonis fake"
    assert has.x_range == (-1e-6, 1e-6)
    assert has.y_range == (-5e-7, 5e-7)
    assert has.bias_range == (-3.0, 10.0)
    assert not has.is_simulated


def test_channels_are_found_by_name_and_come_in_si_units(controller: FakeController) -> None:
    names = ("height", "didv", "lateral_phase", "current")
    channels = {"current": {"signal": "Current (A)", "scale": -1.0}}
    modulation = {"amplitude": "10 mV", "frequency": "777 Hz"}
    settings = {"image_channels": names, "channels": channels, "modulation": modulation}
    found = connected(controller, **settings)._controller.image
    assert [(m.number, m.channel.unit) for m in found] == [
        (1, "m"), (3, "S"), (4, "rad"), (0, "A")
    ]  # fmt: skip
    assert [m.scale for m in found] == pytest.approx([1.0, 100.0, math.pi / 180, -1.0])


def test_a_channel_without_a_signal_is_named(controller: FakeController) -> None:
    with pytest.raises(Unsupported, match="no signal named like channel 'taste'"):
        connected(controller, image_channels=("taste",))


def test_an_old_controller_knows_its_channels_by_slot() -> None:
    old = connected(FakeController(wire.OLD))
    assert old._controller.release == wire.OLD
    assert [m.number for m in old._controller.image] == [0, 1]  # Z is in slot 0
    with pytest.raises(Unsupported, match="none of the slots"):
        connected(FakeController(wire.OLD), image_channels=("lateral_phase",))


def test_load_arms_the_safe_tip_before_the_tip_is_brought_to_the_sample(
    controller: FakeController,
) -> None:
    connected(controller, z_limits=("-50 nm", "60 nm")).load(Load())
    said = controller.commands()
    assert said.index("SafeTip.OnOffGet") < said.index("AutoApproach.OnOffSet")
    assert said.index("ZCtrl.LimitsGet") < said.index("AutoApproach.OnOffSet")
    assert controller.memory["SafeTip.Props"]["threshold"] == pytest.approx(10e-9)
    assert controller.memory["ZCtrl.Limits"] == pytest.approx({"high": 60e-9, "low": -50e-9})


def test_without_an_armed_safe_tip_nothing_runs(controller: FakeController, monkeypatch) -> None:
    monkeypatch.setattr("spm_auto.drivers.nanonis.safety.SWITCHING", 0.01)
    controller.answers["SafeTip.OnOffGet"] = lambda _: {"state": 0}
    microscope = connected(controller)
    with pytest.raises(InstrumentError, match="nothing may run by itself"):
        microscope.load(Load())
    assert microscope.status().state is InstrumentState.EMPTY
    assert "AutoApproach.OnOffSet" not in controller.commands()


def test_an_approach_that_does_not_end_is_stopped(controller: FakeController) -> None:
    controller.answers["AutoApproach.OnOffGet"] = lambda _: {"running": 1}
    microscope = connected(controller, approach_timeout="20 ms")
    with pytest.raises(InstrumentError, match="approach did not end within 20 ms"):
        microscope.load(Load())
    assert controller.last("AutoApproach.OnOffSet") == {"run": 0}


def test_an_approach_that_ends_without_a_surface_is_an_error(controller: FakeController) -> None:
    controller.memory["ZCtrl.ZPos"] = {"z": -1e-7}
    with pytest.raises(InstrumentError, match="does not follow a surface"):
        connected(controller).load(Load())


def test_lock_in_and_drift_are_switched_on_where_the_lab_says_so(
    controller: FakeController,
) -> None:
    modulation = {"amplitude": "10 mV", "frequency": "777 Hz"}
    controller.answers["Piezo.DriftCompGet"] = lambda _: {
        "on": 1, "x_sat": 0, "y_sat": 0, "z_sat": 0,
        **{k: v for k, v in controller.memory["Piezo.DriftComp"].items() if k != "state"},
    }  # fmt: skip
    drift = {"x": "2 pm/s"}
    connected(controller, modulation=modulation, drift=drift).load(Load())
    assert controller.last("LockIn.ModPhasFreqSet") == {"mod": 1, "freq": 777.0}
    assert controller.last("LockIn.ModOnOffSet") == {"mod": 1, "on": 1}
    assert controller.last("Piezo.DriftCompSet")["vx"] == pytest.approx(2e-12)


def test_a_scan_is_handed_out_line_by_line_and_upright(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    scan = ScriptedScan(controller)
    done, lines = [], []
    for line in microscope.scan(Scan(FRAME, ("current", "height"))):
        done.append(scan.done)
        lines.append(line)
    assert [line.index for line in lines] == [0, 1, 2, 3]
    assert done == [1, 2, 3, 4]  # each was there before the next was scanned
    pixels = np.arange(16) / 64
    for line in lines:
        np.testing.assert_allclose(line.forward, [line.index + pixels, 1000 + line.index + pixels])
        np.testing.assert_allclose(line.backward, line.forward + 100)
    assert controller.last("Scan.FrameSet")["angle"] == pytest.approx(-30)  # clockwise
    assert controller.last("Scan.SpeedSet")["fwd_time"] == pytest.approx(0.5)
    assert controller.last("Scan.Action")["direction"] == 1


def test_on_an_old_release_lines_are_waited_for_by_asking() -> None:
    controller = FakeController(wire.OLD)
    microscope = connected(controller)
    microscope.load(Load())
    ScriptedScan(controller, lines=4)
    lines = list(microscope.scan(Scan(FRAME, ("height",), line_rate=100.0)))
    assert [line.index for line in lines] == [0, 1, 2, 3]
    assert "Scan.WaitEndOfLine" not in controller.commands()


def test_leaving_a_scan_stops_it_over_the_second_connection(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    scan = ScriptedScan(controller)
    with contextlib.closing(microscope.scan(Scan(FRAME))) as lines:
        next(lines)
    assert not scan.is_running
    assert ("supervision", "Scan.Action", {"action": 1, "direction": 1}) in controller.heard
    microscope.position_probe(PositionProbe(0.0, 0.0))


def test_a_scan_that_somebody_stops_is_no_success(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    ScriptedScan(controller, until=2)
    lines = []
    with pytest.raises(ChangedOutside, match="stopped at the controller after 2 of 4 lines"):
        lines.extend(microscope.scan(Scan(FRAME)))
    assert [line.index for line in lines] == [0, 1]


def test_a_stuck_scan_is_stopped(controller: FakeController, microscope: NanonisMicroscope) -> None:
    scan = ScriptedScan(controller, until=1, goes_on=True)
    with pytest.raises(InstrumentError, match="the scan is stuck: no line came"):
        list(microscope.scan(Scan(FRAME, line_rate=1000.0)))
    assert not scan.is_running


def test_a_tip_that_was_withdrawn_during_a_scan_is_told(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    ScriptedScan(controller)
    lines = microscope.scan(Scan(FRAME))
    next(lines)
    controller.status = 5
    with pytest.raises(InstrumentError, match="status 5 during a scan"):
        list(lines)


@pytest.mark.parametrize(
    ("command", "values", "why"),
    [
        ("Scan.BufferGet", {"channels": (0, 1), "pixels": 32, "lines": 4}, "pixels = 32 of 16"),
        (
            "Scan.PropsGet",
            {"continuous": 1, "bouncy": 0, "autosave": 0, "series": "", "comment": "",
             "modules": (), "n_params": (), "params": (), "autopaste": 0},
            "continuous = 1",
        ),
        (
            "Scan.SpeedGet",
            {"fwd_speed": 1.0, "bwd_speed": 1.0, "fwd_time": 0.6, "bwd_time": 0.5, "keep": 0,
             "ratio": 1.0},
            "fwd_time of 0.6 s of 0.5 s",
        ),
    ],
)  # fmt: skip
def test_a_scan_that_the_controller_would_do_otherwise_is_refused(
    controller: FakeController, microscope: NanonisMicroscope, command: str, values, why: str
) -> None:
    ScriptedScan(controller)
    controller.answers[command] = lambda _: values
    with pytest.raises(InstrumentError, match=why):
        list(microscope.scan(Scan(FRAME)))
    assert "Scan.Action" not in controller.commands()


def test_an_image_of_another_channel_is_out_of_step(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    ScriptedScan(controller)
    image = {"name": "Input 9 (V)", "data": np.zeros((4, 16)), "direction": 1}
    controller.answers["Scan.FrameDataGrab"] = lambda _: image
    with pytest.raises(OutOfStep, match=re.escape("'Input 9 (V)' came, expected 'Z (m)'")):
        list(microscope.scan(Scan(FRAME)))
    assert microscope.status().state is InstrumentState.LOST


@pytest.mark.parametrize(("pixels", "fitting"), [(100, "96 or 112"), (8, "16")])
def test_pixels_that_would_be_rounded_are_refused_with_those_that_fit(
    microscope: NanonisMicroscope, pixels: int, fitting: str
) -> None:
    with pytest.raises(Unsupported, match=f"such as {fitting}"):
        microscope.scan(Scan(ScanFrame((0, 0), (1e-7, 1e-7), (pixels, 4))))


def spectrum(microscope: NanonisMicroscope, waveform: BiasWaveform):
    return microscope.acquire_spectrum(AcquireSpectrum(1e-7, 2e-8, waveform))


def test_a_triangle_is_measured_in_segments_each_value_once(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    waveform = BiasWaveform.triangle(8.5, points=64, dwell=10e-3, cycles=3)
    found = spectrum(microscope, waveform)
    np.testing.assert_allclose(found.channel("current"), waveform.bias, atol=1e-6)
    assert controller.last("BiasSpectr.MLSValsSet")["steps"] == (17, 32, 15)
    assert controller.last("BiasSpectr.PropsSet")["sweeps"] == 3
    timing = controller.last("BiasSpectr.TimingSet")
    assert timing["settle"] + timing["integrate"] == pytest.approx(10e-3)
    assert controller.last("BiasSpectr.AdvPropsSet")["z_hold"] == 1
    assert (found.x, found.y) == (1e-7, 2e-8)


def test_a_sweep_there_and_back_is_one_with_a_backward_sweep(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    waveform = BiasWaveform.sweep(-1.0, 2.0, points=31, backward=True)
    found = spectrum(microscope, waveform)
    assert controller.last("BiasSpectr.PropsSet")["backward"] == 1
    assert controller.last("BiasSpectr.PropsSet")["points"] == 31
    expected = waveform.bias + np.repeat([0.0, 100.0], 31)
    np.testing.assert_allclose(found.channel("current"), expected, atol=1e-5)


def test_a_straight_sweep_is_linear(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    found = spectrum(microscope, BiasWaveform.sweep(-1.0, 2.0, points=31))
    assert controller.last("BiasSpectr.MLSModeSet") == {"mode": "Linear"}
    np.testing.assert_allclose(found.channel("current"), np.linspace(-1, 2, 31), atol=1e-6)


def test_a_waveform_of_too_many_pieces_is_refused(microscope: NanonisMicroscope) -> None:
    values = tuple(float(v) for v in np.resize([0.0, 1.0, 0.5], 60))
    with pytest.raises(Unsupported, match="at most 16"):
        spectrum(microscope, BiasWaveform(values))


@pytest.mark.parametrize(
    ("change", "error", "why"),
    [
        (lambda s: {**s, "data": s["data"] + 0.1}, InstrumentError, "other biases"),
        (lambda s: {**s, "data": s["data"][:, 1:]}, InstrumentError, "swept 30 points"),
        (lambda s: {**s, "names": ("Bias calc (V)", "Z (m)")}, OutOfStep, "without 'Current"),
        (lambda s: {**s, "names": s["names"][:1]}, OutOfStep, "1 names came with 2 columns"),
    ],
)
def test_a_spectrum_that_was_not_asked_for_is_thrown_away(
    controller: FakeController, microscope: NanonisMicroscope, change, error, why: str
) -> None:
    right = controller.answers["BiasSpectr.Start"]
    controller.answers["BiasSpectr.Start"] = lambda values: change(right(values))
    with pytest.raises(error, match=why):
        spectrum(microscope, BiasWaveform.sweep(-1.0, 2.0, points=31))


def test_an_interrupted_spectrum_is_stopped_and_its_reply_waited_for(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    right = controller.answers["BiasSpectr.Start"]

    def begin(values):
        microscope.interrupt()
        begin.values = values

    def stop(_):
        link = microscope._lines.action._connection._link
        link._came += wire.encode_reply("BiasSpectr.Start", right(begin.values))
        return {}

    controller.answers |= {"BiasSpectr.Start": begin, "BiasSpectr.Stop": stop}
    with pytest.raises(Stopped):
        spectrum(microscope, BiasWaveform.sweep(-1.0, 2.0))
    assert "BiasSpectr.Stop" in controller.commands("supervision")
    assert microscope.status().state is InstrumentState.READY
    assert microscope._lines.action.losses == 0


def test_the_bias_is_changed_in_steps(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    controller.memory["ZCtrl.Gain"] = {"p": 5e-12, "time_const": 1e-4, "i": 5e-8}
    microscope.set_feedback(SetFeedback(bias=0.22, setpoint=100e-12, gain=50.0))
    steps = [values["bias"] for _, said, values in controller.heard if said == "Bias.Set"]
    assert steps == pytest.approx([0.044, 0.088, 0.132, 0.176, 0.22])
    assert controller.last("ZCtrl.SetpntSet")["setpoint"] == pytest.approx(100e-12)
    gain = controller.last("ZCtrl.GainSet")
    assert gain["i"] == pytest.approx(50 / 2e10)
    assert gain["time_const"] == pytest.approx(5e-12 / gain["i"])
    with pytest.raises(LimitExceeded, match="gain of 0"):
        microscope.set_feedback(SetFeedback(gain=0.0))


def test_the_tip_is_pulsed_or_poked(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    microscope.condition_tip(ConditionTip(0.0, 0.0, bias=4.0, duration=20e-3))
    pulse = controller.last("Bias.Pulse")
    assert (pulse["bias"], pulse["z_hold"], pulse["abs_rel"]) == (4.0, 1, 2)
    controller.answers["TipShaper.PropsGet"] = lambda _: {
        **controller.memory["TipShaper.Props"], "change_bias": 0
    }  # fmt: skip
    microscope.condition_tip(ConditionTip(0.0, 0.0, depth=1e-9))
    assert controller.last("TipShaper.PropsSet")["tip_lift"] == pytest.approx(-1e-9)


def test_an_emergency_stop_orders_the_tip_up_first_and_over_its_own_connection(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    microscope.emergency_stop()
    assert controller.commands("stop")[:4] == [
        "ZCtrl.Withdraw", "AutoApproach.OnOffSet", "Motor.StopMove", "Scan.Action"
    ]  # fmt: skip
    assert controller.last("ZCtrl.Withdraw")["wait"] == 0
    assert controller.commands("stop")[-2:] == ["ZCtrl.StatusGet", "ZCtrl.OnOffGet"]
    with pytest.raises(EmergencyStopped):
        microscope.position_probe(PositionProbe(0.0, 0.0))


def test_an_emergency_stop_goes_over_another_connection_when_its_own_is_gone(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    controller.refuses.add("stop")
    microscope._lines.stop.close()
    microscope.emergency_stop()
    assert controller.commands("supervision")[0] == "ZCtrl.Withdraw"


def test_a_withdrawal_that_is_not_confirmed_is_told(
    controller: FakeController, microscope: NanonisMicroscope, monkeypatch
) -> None:
    monkeypatch.setattr("spm_auto.drivers.nanonis.safety.WITHDRAWAL", 0.01)
    controller.answers["ZCtrl.Withdraw"] = lambda _: {}
    with pytest.raises(NotConfirmed, match="NOT confirmed: z controller has status 2"):
        microscope.emergency_stop()


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (None, NoReply),
        (wire.encode_reply("Bias.Get", {"bias": 1.0}), OutOfStep),
    ],
)
def test_after_an_answer_that_does_not_fit_the_state_is_read_over_a_new_connection(
    controller: FakeController, microscope: NanonisMicroscope, reply, error
) -> None:
    controller.answers["FolMe.XYPosSet"] = lambda _: reply
    controller.opened.clear()
    with pytest.raises(error):
        microscope.position_probe(PositionProbe(1e-8, 0.0))
    assert microscope.status().state is InstrumentState.LOST
    del controller.answers["FolMe.XYPosSet"]
    controller.heard.clear()
    microscope.position_probe(PositionProbe(1e-8, 0.0))
    assert controller.opened == ["action"]
    said = controller.commands()
    assert said.index("FolMe.XYPosGet") < said.index("FolMe.XYPosSet")
    assert said.count("FolMe.XYPosSet") == 1


def test_an_answer_that_came_twice_is_never_taken_for_the_next_one(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    reply = wire.encode_reply("FolMe.XYPosSet")
    controller.answers["FolMe.XYPosSet"] = lambda _: reply + reply
    here = PositionProbe(0.0, 0.0)  # where this controller always says it is
    microscope.position_probe(here)
    with pytest.raises(OutOfStep, match="48 bytes that nobody asked for"):
        microscope.position_probe(here)
    assert controller.commands().count("FolMe.XYPosSet") == 1


def test_an_error_of_the_controller_is_told_and_the_connection_stays(
    controller: FakeController, microscope: NanonisMicroscope
) -> None:
    controller.answers["FolMe.XYPosSet"] = lambda _: "out of range"
    with pytest.raises(InstrumentError, match=r"refused FolMe\.XYPosSet: out of range"):
        microscope.position_probe(PositionProbe(1e-8, 0.0))
    assert microscope.status().state is InstrumentState.READY
    assert microscope._lines.action.losses == 0


def test_what_an_autonomous_run_must_never_send_stands_nowhere_in_the_driver() -> None:
    text = "".join(p.read_text("utf-8") for p in Path(drivers.__path__[0]).rglob("nanonis/*.py"))
    assert "Scan.Action" in text
    never = r"Util\.(Quit|Lock|Settings|RT)|Calibr\w*Set|(Bias|Piezo)\.RangeSet|SensSet"
    assert not re.search(never, text)


def test_a_host_that_is_another_computer_is_warned_of(caplog, monkeypatch) -> None:
    microscope = NanonisMicroscope
    monkeypatch.setattr(microscope, "__init__", lambda *_: None)
    with caplog.at_level(logging.WARNING):
        NanonisSettings(host="127.0.0.1").open(InstantClock(), 0)
        assert not caplog.records
        NanonisSettings(host="192.0.2.1").open(InstantClock(), 0)
    assert "not encrypted" in caplog.text


@given(
    st.lists(
        st.tuples(st.floats(-5, 5), st.integers(-20, 20), st.integers(1, 9)),
        min_size=1,
        max_size=6,
    )
)
def test_a_waveform_is_cut_into_pieces_that_give_it_back(pieces) -> None:
    values = [
        start + 0.01 * slope * step for start, slope, count in pieces for step in range(count)
    ]
    found = segments_of(values)
    again = np.concatenate([np.linspace(p.start, p.end, p.points) for p in found])
    np.testing.assert_allclose(again, values, atol=2e-5)
    assert sum(p.points for p in found) == len(values)
