"""The emulated Nanonis controller: what it shows of the microscope and how it behaves."""

import math
import struct
import time

import numpy as np
import pytest
from nanonis_client import client_of, controller

from spm_auto.clock import RealClock, ScaledClock
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.samples.afm import StiffInclusionsSettings
from spm_auto.wire.nanonis import commands, encode_request

CURRENT, BIAS, Z, DIDV = 0, 24, 30, 86
FAST = 10_000.0  # so that the approach takes a fraction of a second
FRAME = {"cx": 1e-9, "cy": 0.0, "width": 4e-9, "height": 2e-9, "angle": 0.0}


@pytest.fixture
def server(tmp_path):
    with controller(session_folder=tmp_path) as server:
        yield server


@pytest.fixture
def client(server):
    with client_of(server) as client:
        yield client


def set_up_scan(client, pixels=16, lines=4, **props):
    client.ask("Scan.FrameSet", **FRAME)
    client.ask("Scan.BufferSet", channels=(CURRENT, Z), pixels=pixels, lines=lines)
    wanted = {"continuous": 2, "bouncy": 2, "autosave": 3, "series": "", "comment": ""}
    client.ask("Scan.PropsSet", **(wanted | props), modules=(), autopaste=0)


def test_it_serves_more_than_120_commands(server):
    assert len(server.dispatcher.served) >= 120


def test_every_command_answers_even_a_request_without_arguments(server):
    slow = {"Scan.WaitEndOfScan", "Scan.WaitEndOfLine"}  # without a time-out they wait for ever
    with client_of(server) as client:
        for name in (command.name for command in commands() if command.name not in slow):
            client.socket.sendall(struct.pack(">32siHH", name.encode(), 0, 1, 0))
            client.answer(name)


@pytest.mark.parametrize(
    ("setting", "values", "expected"),
    [
        ("ZCtrl.HomeProps", {"mode": 1, "home": 2e-8}, {"mode": 0}),
        ("ZCtrl.TipLift", {"lift": 1e-9}, {"lift": 1e-9}),
        ("SafeTip.OnOff", {"state": 1}, {"state": 1}),
        ("SafeTip.OnOff", {"state": 2}, {"state": 0}),
        ("FolMe.PSProps",
         {"auto_resume": 1, "own_base": 2, "base": "", "vi_path": "", "delay": 1.0},
         {"auto_resume": 1, "own_base": 0, "delay": 1.0}),
        ("LockIn.DemodLPFilter", {"demod": 8, "order": -1, "cutoff": 50.0},
         {"order": 4, "cutoff": 50.0}),
        ("BiasSpectr.AdvProps", {"reset_bias": 0, "z_hold": 0, "record_z": 1, "lockin_run": 2},
         {"reset_bias": 1, "z_hold": 1, "record_z": 1, "lockin_run": 0}),
        ("BiasSpectr.Limits", {"start": math.nan, "end": 0.5}, {"start": -1.0, "end": 0.5}),
    ],
)  # fmt: skip
def test_a_setting_is_kept_with_the_flags_of_set_and_get(client, setting, values, expected):
    client.ask(f"{setting}Set", **values)
    number = {k: v for k, v in values.items() if k in ("mod", "demod")}
    got = client.ask(f"{setting}Get", **number)
    assert {name: got[name] for name in expected} == pytest.approx(expected, rel=1e-6)


def test_pixels_and_speed_are_coerced_and_read_back(client):
    client.ask("Scan.FrameSet", **FRAME)
    client.ask("Scan.BufferSet", channels=(Z,), pixels=35, lines=0)
    assert client.ask("Scan.BufferGet") == {"channels": (Z,), "pixels": 32, "lines": 16}
    speed = {"fwd_speed": 4e-8, "bwd_speed": 1.0, "fwd_time": 9.0, "bwd_time": 9.0}
    client.ask("Scan.SpeedSet", **speed, keep=1, ratio=2.0)
    got = client.ask("Scan.SpeedGet")
    assert (got["fwd_time"], got["bwd_time"]) == pytest.approx((0.1, 0.05))


def test_a_scan_has_its_top_in_the_first_row_whichever_way_it_runs(server, client):
    set_up_scan(client, autosave=1, series="up_")
    for upwards in (1, 0):
        client.ask("Scan.Action", action=0, direction=upwards)
        ended = client.ask("Scan.WaitEndOfScan", timeout=10_000)
        assert not ended["timed_out"]
        grabbed = client.ask("Scan.FrameDataGrab", channel=Z, forward=1)
        picture = server.station.picture
        assert (grabbed["name"], grabbed["direction"]) == ("Z (m)", upwards)
        np.testing.assert_allclose(grabbed["data"][::-1], picture.channel("height"), rtol=1e-6)
    assert ended["path"].endswith("up_002.sxm")


def test_lines_that_are_not_scanned_yet_are_nan_and_a_stop_ends_without_a_path():
    with controller(ScaledClock(FAST)) as server, client_of(server) as client:
        set_up_scan(client, pixels=16, lines=64, autosave=1)
        speed = {"fwd_speed": 0.0, "bwd_speed": 0.0, "bwd_time": 0.0}
        client.ask("Scan.SpeedSet", **speed, fwd_time=500.0, keep=2, ratio=1.0)
        client.ask("Scan.Action", action=0, direction=1)
        line = client.ask("Scan.WaitEndOfLine", timeout=10_000)
        assert not line["timed_out"]
        assert client.ask("Scan.StatusGet")["running"]
        data = client.ask("Scan.FrameDataGrab", channel=Z, forward=1)["data"]
        assert np.isfinite(data[-1]).all()
        assert np.isnan(data[0]).all()
        with client_of(server, 1) as second:
            assert second.ask("Scan.WaitEndOfScan", timeout=1)["timed_out"]
            client.ask("Scan.Action", action=1, direction=0)
        assert not client.ask("Scan.StatusGet")["running"]


def test_a_bias_spectrum_comes_back_on_the_axis_of_the_way_there(server, client, tmp_path):
    client.ask("BiasSpectr.ChsSet", channels=(CURRENT, DIDV))
    client.ask("BiasSpectr.LimitsSet", start=-0.5, end=0.5)
    props = {"save_all": 0, "sweeps": 2, "backward": 1, "points": 21, "z_offset": math.nan}
    client.ask("BiasSpectr.PropsSet", **props, autosave=1, dialog=2)
    got = client.ask("BiasSpectr.Start", get_data=1, base="point_")
    assert got["names"] == (
        *("Bias calc (V)", "Current (A)", "LI Demod 1 X (S)"),
        *("Current [bwd] (A)", "LI Demod 1 X [bwd] (S)"),
    )
    bias, current, _, back, _ = got["data"]
    np.testing.assert_allclose(bias, np.linspace(-0.5, 0.5, 21), atol=1e-7)
    np.testing.assert_allclose(current, back, rtol=0.1, atol=2e-12)
    assert current[0] < 0 < current[-1]
    assert got["params"][:2] == pytest.approx([-0.5, 0.5])
    text = (tmp_path / "point_001.dat").read_bytes().decode()
    assert "Bias calc (V)\tCurrent (A)\tLI Demod 1 X (S)\tCurrent [bwd] (A)" in text


def test_a_spectrum_without_data_runs_by_itself(client):
    got = client.ask("BiasSpectr.Start", get_data=0, base="")
    assert (got["names"], got["data"].shape) == ((), (0, 0))
    while client.ask("BiasSpectr.StatusGet")["running"]:
        pass


def test_segments_follow_one_another(client):
    client.ask("BiasSpectr.MLSModeSet", mode="MLS")
    times = {"init_settle": (0.0, 0.0), "settle": (1e-3, 1e-3), "integrate": (1e-3, 1e-3)}
    ends = {"bias_start": (0.1, 0.5), "bias_end": (0.5, -0.5)}
    client.ask("BiasSpectr.MLSValsSet", n=2, **ends, **times, steps=(5, 11), lockin_run=(1, 1))
    bias = client.ask("BiasSpectr.Start", get_data=1, base="")["data"][0]
    expected = [*np.linspace(0.1, 0.5, 5), *np.linspace(0.5, -0.5, 11)]
    np.testing.assert_allclose(bias, expected, atol=1e-7)


def test_without_modulation_the_lock_in_measures_nothing(client):
    client.ask("LockIn.ModOnOffSet", mod=1, on=0)
    client.ask("BiasSpectr.ChsSet", channels=(DIDV,))
    assert np.isnan(client.ask("BiasSpectr.Start", get_data=1, base="")["data"][1]).all()
    assert "does not know" in client.refused("Signals.ValGet", index=DIDV, newest=1)


def test_signals_have_names_of_their_own_and_the_values_of_the_microscope(server, client):
    names = client.ask("Signals.NamesGet")["names"]
    assert len(names) == len(set(names)) == 128
    assert (names[CURRENT], names[BIAS], names[Z]) == ("Current (A)", "Bias (V)", "Z (m)")
    got = client.ask("Signals.ValsGet", indexes=(CURRENT, Z, BIAS), newest=1)["values"]
    held = server.station.held
    assert got[0] == pytest.approx(held.setpoint, rel=0.2)
    assert got[2] == pytest.approx(held.bias)
    assert "nothing is connected" in client.refused("Signals.ValGet", index=5, newest=1)


def test_tilt_is_taken_off_images_and_heights(client):
    set_up_scan(client)

    def image():
        client.ask("Scan.Action", action=0, direction=1)
        assert not client.ask("Scan.WaitEndOfScan", timeout=10_000)["timed_out"]
        return client.ask("Scan.FrameDataGrab", channel=Z, forward=1)["data"]

    before = image()
    client.ask("Piezo.TiltSet", x=10.0, y=0.0)
    slope = np.diff((image() - before).mean(axis=0)) / (4e-9 / 16)
    assert slope == pytest.approx(-math.tan(math.radians(10)), rel=0.2)


def test_switching_off_takes_its_delay_and_z_is_then_set_upwards_only():
    with controller(ScaledClock(FAST)) as server, client_of(server) as client:
        client.ask("ZCtrl.SwitchOffDelaySet", delay=1000.0)
        client.ask("ZCtrl.OnOffSet", on=0)
        assert client.ask("ZCtrl.OnOffGet")["on"] == 1
        assert client.ask("ZCtrl.StatusGet")["status"] == 4
        while client.ask("ZCtrl.OnOffGet")["on"]:
            pass
        z = client.ask("ZCtrl.ZPosGet")["z"]
        client.ask("ZCtrl.ZPosSet", z=z + 1e-9)
        assert client.ask("ZCtrl.ZPosGet")["z"] == pytest.approx(z + 1e-9)
        assert "does not press" in client.refused("ZCtrl.ZPosSet", z=z - 1e-9)
        assert "does not know" in client.refused("Current.Get")  # with the tip lifted


def test_a_bias_set_with_the_loop_open_stays_when_it_is_closed(client):
    client.ask("ZCtrl.OnOffSet", on=0)
    client.ask("Bias.Set", bias=0.4)
    client.ask("ZCtrl.OnOffSet", on=1)
    assert client.ask("Bias.Get")["bias"] == pytest.approx(0.4)


def test_the_safe_tip_withdraws_above_its_threshold(client):
    client.ask("SafeTip.PropsSet", auto_recovery=0, auto_pause=1, threshold=1e-12)
    client.ask("SafeTip.OnOffSet", state=1)
    assert client.ask("ZCtrl.StatusGet")["status"] == 5
    assert client.ask("Current.Get")["current"] == 0
    high = client.ask("ZCtrl.LimitsGet")["high"]
    assert client.ask("ZCtrl.ZPosGet")["z"] == pytest.approx(high)


def test_the_coarse_motor_moves_the_tip_out_of_reach_and_the_approach_brings_it_back(client):
    assert "withdrawn" in client.refused("Motor.StartMove", direction=4, steps=3, group=0, wait=1)
    client.ask("ZCtrl.Withdraw", wait=1, timeout=-1)
    client.ask("Motor.StartMove", direction=4, steps=3, group=0, wait=1)
    assert client.ask("Motor.StepCounterGet", reset_x=0, reset_y=0, reset_z=1)["z"] == 3
    assert client.ask("Motor.StepCounterGet", reset_x=0, reset_y=0, reset_z=0)["z"] == 0
    client.ask("ZCtrl.OnOffSet", on=1)
    low = client.ask("ZCtrl.LimitsGet")["low"]
    assert client.ask("ZCtrl.ZPosGet")["z"] == pytest.approx(low)  # no surface within reach
    client.ask("ZCtrl.Withdraw", wait=1, timeout=-1)
    assert "into the sample" in client.refused(
        "Motor.StartMove", direction=5, steps=9, group=0, wait=1
    )
    client.ask("AutoApproach.OnOffSet", run=1)
    while client.ask("AutoApproach.OnOffGet")["running"]:
        pass
    assert client.ask("ZCtrl.StatusGet")["status"] == 2


def test_settings_made_with_the_tip_up_hold_when_it_comes_down(client):
    client.ask("ZCtrl.Withdraw", wait=1, timeout=-1)
    client.ask("Bias.Set", bias=0.3)
    client.ask("ZCtrl.SetpntSet", setpoint=7e-11)
    client.ask("ZCtrl.OnOffSet", on=1)
    assert client.ask("Bias.Get")["bias"] == pytest.approx(0.3)
    assert client.ask("ZCtrl.SetpntGet")["setpoint"] == pytest.approx(7e-11)


def test_a_point_out_of_reach_is_refused_and_nothing_moves(client):
    client.ask("FolMe.XYPosSet", x=1e-9, y=2e-9, wait=1)
    assert "outside" in client.refused("FolMe.XYPosSet", x=1.0, y=0.0, wait=1)
    assert client.ask("FolMe.XYPosGet", newest=1) == pytest.approx({"x": 1e-9, "y": 2e-9})


def test_drift_compensation_shifts_the_frame(server, client):
    client.ask("Piezo.DriftCompSet", state=1, vx=1e-12, vy=0.0, vz=0.0, sat_limit=5.0)
    assert client.ask("Piezo.DriftCompGet")["on"] == 1
    assert server.station.drift == pytest.approx((1e-12, 0.0))
    assert "in x and y only" in client.refused(
        "Piezo.DriftCompSet", state=1, vx=0.0, vy=0.0, vz=1e-12, sat_limit=5.0
    )


def test_pulses_and_pokes_reach_the_tip(client):
    client.ask("Bias.Pulse", wait=1, width=0.05, bias=3.0, z_hold=0, abs_rel=2)
    client.ask("TipShaper.Start", wait=1, timeout=-1)
    client.ask("Bias.Pulse", wait=0, width=0.05, bias=3.0, z_hold=0, abs_rel=1)


def test_a_grid_takes_a_spectrum_at_each_point(client, tmp_path):
    client.ask("BiasSpectr.PropsSet", save_all=0, sweeps=1, backward=2, points=8,
               z_offset=math.nan, autosave=1, dialog=2)  # fmt: skip
    place = {"cx": 0.0, "cy": 0.0, "width": 2e-9, "height": 1e-9, "angle": 0.0}
    client.ask("Pattern.GridSet", activate=1, nx=3, ny=2, as_frame=0, **place)
    client.ask("Pattern.ExpStart", pattern=1)
    while client.ask("Pattern.ExpStatusGet")["running"]:
        pass
    assert len(list(tmp_path.glob("*.dat"))) == 6


def test_what_the_technique_cannot_do_is_refused_in_words(client):
    assert "against the distance" in client.refused("ZSpectr.Start", get_data=1, base="")
    assert "pause" in client.refused("Scan.Action", action=2, direction=0)
    assert "no position sensor" in client.refused("Motor.PosGet", group=0, timeout=100)


def test_paths_are_told_as_windows_writes_them_and_stay_in_the_session_folder(tmp_path):
    windows = controller(session_folder=tmp_path, windows_paths=True)
    with windows as server, client_of(server) as client:
        path = client.ask("Util.SessionPathGet")["path"]
        assert path.startswith("C:\\")
        client.ask("Util.SessionPathSet", path=path + "\\monday", save_previous=0)
        assert (tmp_path / "monday").is_dir()
        assert "stays within" in client.refused(
            "Util.SessionPathSet", path="C:\\Windows", save_previous=0
        )


@pytest.mark.parametrize("release", [10862, 13742])
def test_older_releases_have_their_own_layouts(release):
    with controller(release=release) as server, client_of(server, release=release) as client:
        for name in ("BiasSpectr.PropsGet", "Scan.PropsGet", "ZSpectr.PropsGet"):
            assert client.ask(name)
        numbers = client.ask("Scan.BufferGet")["channels"]
        names = client.ask("Signals.NamesGet")["names"]
        if release < 11000:
            names = client.ask("Signals.InSlotsGet")["names"]
        assert "Z (m)" in [names[number] for number in numbers]
        got = client.ask("BiasSpectr.ChsGet")
        assert "Current (A)" in [names[number] for number in got["channels"]]


def test_a_force_curve_is_a_z_spectrum_that_the_guard_turns_back():
    simulator = SimulatorSettings(sample=StiffInclusionsSettings(), level=0)
    with controller(simulator=simulator) as server, client_of(server) as client:
        assert "enable the auto-retract" in client.refused("ZSpectr.Start", get_data=1, base="")
        force = client.ask("Signals.NamesGet")["names"].index("Force (N)")
        client.ask("ZSpectr.RetractSet", enable=1, threshold=5e-9, signal=force, compare=0)
        client.ask("ZSpectr.PropsSet", backward=1, points=64, sweeps=1, autosave=2, dialog=2,
                   save_all=2)  # fmt: skip
        got = client.ask("ZSpectr.Start", get_data=1, base="")
        assert got["names"] == ("Z rel (m)", "Force (N)", "Force [bwd] (N)")
        assert got["data"].shape == (3, 64)
        assert got["data"][1].max() == pytest.approx(5e-9, rel=0.2)
        assert got["data"][0][0] > got["data"][0][-1]  # down is negative


def test_it_closes_at_once_while_something_goes_on_that_takes_long():
    with controller(RealClock(), approached=False) as server, client_of(server) as client:
        client.ask("AutoApproach.OnOffSet", run=1)
        assert client.ask("AutoApproach.OnOffGet")["running"]
        with client_of(server, 1) as second:
            wait = encode_request("Scan.WaitEndOfScan", timeout=-1)
            second.socket.sendall(wait)
            began = time.monotonic()
            server.close()
    assert time.monotonic() - began < 3
