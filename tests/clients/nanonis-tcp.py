"""The package nanonisTCP drives our emulated controller."""

import json
import math
import sys

import numpy as np
from nanonis_calls import judge, near
from nanonisTCP import nanonisTCP
from nanonisTCP.AutoApproach import AutoApproach
from nanonisTCP.Bias import Bias
from nanonisTCP.BiasSpectr import BiasSpectr
from nanonisTCP.Current import Current
from nanonisTCP.FolMe import FolMe
from nanonisTCP.LockIn import LockIn
from nanonisTCP.Motor import Motor
from nanonisTCP.Pattern import Pattern
from nanonisTCP.Piezo import Piezo
from nanonisTCP.SafeTip import SafeTip
from nanonisTCP.Scan import Scan
from nanonisTCP.Signals import Signals
from nanonisTCP.TipShaper import TipShaper
from nanonisTCP.Util import Util
from nanonisTCP.ZController import ZController

address = json.loads(sys.argv[1])
client = nanonisTCP(address["host"], address["ports"][0])
client.s.settimeout(20)
bias, spectr, current = Bias(client), BiasSpectr(client), Current(client)
folme, lockin, motor, piezo = FolMe(client), LockIn(client), Motor(client), Piezo(client)
safetip, scan, signals = SafeTip(client), Scan(client), Signals(client)
shaper, z, util, pattern = TipShaper(client), ZController(client), Util(client), Pattern(client)


def none(value):
    return value is None


def check(name, made, right, bug=""):
    return judge(name, made, right, bug)


names = check("Signals.NamesGet", signals.NamesGet, lambda v: len(v) == 128 == len(set(v)))
c, h, d = (names.index(n) for n in ("Current (A)", "Z (m)", "LI Demod 1 X (S)"))
check(
    "Signals.InSlotsGet",
    signals.InSlotsGet,
    lambda _: False,
    "gone in this release, as Scanbot expects",
)
rx, ry, rz = check("Piezo.RangeGet", piezo.RangeGet, lambda v: min(v) > 0)
check("Bias.Set", lambda: bias.Set(0.25), none)
check("Bias.Get", bias.Get, near(0.25))
check("Bias.RangeGet", bias.RangeGet, lambda v: len(v[0]) == 1)
check("Current.Get", current.Get, lambda v: 10e-12 < v < 1e-9)
check("Current.GainsGet", current.GainsGet, lambda v: "fixed" in v[0])
check("ZCtrl.SetpntSet", lambda: z.SetpntSet(50e-12), none)
check("ZCtrl.SetpntGet", z.SetpntGet, near(50e-12))
check("ZCtrl.ZPosGet", z.ZPosGet, lambda v: abs(v) < rz / 2)
check("ZCtrl.OnOffSet", lambda: z.OnOffSet(False), none)
check("ZCtrl.OnOffGet", z.OnOffGet, lambda v: v == 0)
z.OnOffSet(True)
check("ZCtrl.LimitsGet", z.LimitsGet, near(rz / 2, -rz / 2))
check("ZCtrl.GainGet", z.GainGet, lambda v: v[0] > 0 and v[1] > 0)
check("ZCtrl.StatusGet", z.StatusGet, lambda v: v[0] == 2)
check("SafeTip.PropsSet", lambda: safetip.PropsSet(0, 1, 4e-9), none)
check("SafeTip.PropsGet", safetip.PropsGet, lambda v: near(4e-9)(v[2]))
check("FolMe.XYPosSet", lambda: folme.XYPosSet(3e-9, -2e-9, True), none)
check("FolMe.XYPosGet", lambda: folme.XYPosGet(True), near(3e-9, -2e-9))
check("FolMe.SpeedSet", lambda: folme.SpeedSet(2e-8, 1), none)
check("FolMe.SpeedGet", folme.SpeedGet, lambda v: near(2e-8)(v[0]))
check("Scan.FrameSet", lambda: scan.FrameSet(1e-9, -1e-9, 6e-9, 3e-9, 30), none)
check("Scan.FrameGet", scan.FrameGet, near(1e-9, -1e-9, 6e-9, 3e-9, 30))
check("Scan.BufferSet", lambda: scan.BufferSet([c, h], 35, 16), none)
check("Scan.BufferGet", scan.BufferGet, lambda v: list(v[1]) == [c, h] and list(v[2:]) == [32, 16])
check("Scan.SpeedSet", lambda: scan.SpeedSet(fwd_speed=6e-8, speed_ratio=2), none)
check("Scan.SpeedGet", scan.SpeedGet, lambda v: near(6e-8, 12e-8, 0.1, 0.05)(v[:4]))
check("Scan.PropsSet", lambda: scan.PropsSet(2, 2, 1, "tcp_", "by nanonisTCP"), none)
check(
    "Scan.PropsGet", scan.PropsGet, lambda v: v[:4] == [0, 0, 0, "tcp_"] and v[4] == "by nanonisTCP"
)
check(
    "Scan.FrameDataGrab",
    lambda: scan.FrameDataGrab(h, 1),
    lambda v: v[0] == "Z (m)" and v[1].shape == (16, 32) and np.isnan(v[1]).all(),
)
check("Scan.Action", lambda: scan.Action("start", "down"), none)
check(
    "Scan.WaitEndOfScan",
    lambda: scan.WaitEndOfScan(20000),
    lambda v: v[0] is False and v[2].endswith("tcp_001.sxm"),
)
check("Scan.StatusGet", scan.StatusGet, lambda v: v is False)
check(
    "Scan.FrameDataGrab scanned",
    lambda: scan.FrameDataGrab(h, 0),
    lambda v: v[2] == "down" and np.isfinite(v[1]).all() and v[1].std() > 0,
)
check("BiasSpectr.Open", spectr.Open, none)
check("BiasSpectr.ChsSet", lambda: spectr.ChsSet([c, d]), none)
check(
    "BiasSpectr.ChsGet",
    spectr.ChsGet,
    lambda v: list(v[0]) == [c, d] and list(v[1]) == ["Current (A)", "LI Demod 1 X (S)"],
    "the client reads the layout of R13742, without the count",
)
check("BiasSpectr.LimitsSet", lambda: spectr.LimitsSet(-0.5, 0.5), none)
check("BiasSpectr.LimitsGet", spectr.LimitsGet, lambda v: near(-0.5, 0.5)(list(v.values())))
check("BiasSpectr.PropsSet", lambda: spectr.PropsSet(2, 1, 1, 11, 0, 2, 2), none)
check("BiasSpectr.PropsGet", spectr.PropsGet, lambda v: v is not None)
check("BiasSpectr.AdvPropsGet", spectr.AdvPropsGet, lambda v: len(v) == 4)
timing = (0.01, 0.0, 0.01, 100.0, 1e-3, 2e-3, 0.01, 0.01)
check("BiasSpectr.TimingSet", lambda: spectr.TimingSet(*timing), none)
check("BiasSpectr.TimingGet", spectr.TimingGet, lambda v: near(*timing)(list(v.values())))
check(
    "BiasSpectr.Start",
    lambda: spectr.Start(True),
    lambda v: (
        near(-0.5, 0.5)([v["data_dict"]["Bias calc (V)"][i] for i in (0, -1)])
        and "Current [bwd] (A)" in v["data_dict"]
    ),
)
check("BiasSpectr.StatusGet", spectr.StatusGet, lambda v: not v)
check("Signals.ValGet", lambda: signals.ValGet(names.index("Bias (V)")), near(0.25))
check("Signals.RangeGet", lambda: signals.RangeGet(h), lambda v: v[0] > 0 > v[1])
check("Piezo.TiltSet", lambda: piezo.TiltSet(1.0, -0.5), none)
check("Piezo.TiltGet", piezo.TiltGet, near(1.0, -0.5))
check("Piezo.DriftCompGet", piezo.DriftCompGet, lambda v: v[0] in (0, False))
check("LockIn.ModAmpSet", lambda: lockin.ModAmpSet(1, 7e-3), none)
check("LockIn.ModAmpGet", lambda: lockin.ModAmpGet(1), near(7e-3))
check("LockIn.ModPhasFreqSet", lambda: lockin.ModPhasFreqSet(1, 733.25), none)
check("LockIn.ModPhasFreqGet", lambda: lockin.ModPhasFreqGet(1), near(733.25))
check("TipShaper.PropsSet", lambda: shaper.PropsSet(Tip_lift=-1e-9), none)
check("TipShaper.PropsGet", shaper.PropsGet, lambda v: near(-1e-9)(v[3]))
check("Pattern.GridSet", lambda: pattern.GridSet(3, 2, 1e-9, 0, 4e-9, 2e-9, 0), none)
check("Pattern.GridGet", pattern.GridGet, lambda v: list(v[:2]) == [3, 2] and near(1e-9)(v[2]))
check("Motor.FreqAmpSet", lambda: motor.FreqAmpSet(1200, 150), none)
check("Motor.FreqAmpGet", motor.FreqAmpGet, near(1200, 150))
check("Util.SessionPathGet", util.SessionPathGet, lambda v: len(v) > 3)
check("ZCtrl.Withdraw", lambda: z.Withdraw(True), none)
check("Motor.StartMove", lambda: motor.StartMove("Z+", 5), none)
check("Motor.StepCounterGet", motor.StepCounterGet, lambda v: 5 in v)
check("AutoApproach.OnOffSet", lambda: AutoApproach(client).OnOffSet(1), none)
check("AutoApproach.OnOffGet", lambda: AutoApproach(client).OnOffGet(), lambda v: not v)
check("Bias.Pulse", lambda: bias.Pulse(0.05, 2.0, wait_until_done=True), none)
assert math.isfinite(rx)
