"""The maker's package nanonis-spm drives our emulated controller."""

import json
import math
import socket
import sys

from nanonis_calls import judge, near
from nanonis_spm import Nanonis

address = json.loads(sys.argv[1])
connection = socket.create_connection((address["host"], address["ports"][0]), timeout=20)
nanonis = Nanonis(connection)


def ask(name, *arguments):
    answer = getattr(nanonis, name)(*arguments)
    if answer[0]:
        raise RuntimeError(answer[0])
    values = answer[2]
    return values[0] if len(values) == 1 else values


def check(name, right, *arguments, bug=""):
    return judge(name.replace("_", ".", 1), lambda: ask(name, *arguments), right, bug)


def done(value):
    return value == []


def flat(items):
    return [item[0] for item in items]


x, y, z = check("Piezo_RangeGet", lambda v: min(v) > 0)
names = check("Signals_NamesGet", lambda v: v[1] == 128 == len(set(v[2])))[2]
current, height, didv = (names.index(n) for n in ("Current (A)", "Z (m)", "LI Demod 1 X (S)"))
check("Bias_Set", done, 0.25)
check("Bias_Get", near(0.25))
check("Bias_RangeGet", lambda v: v[1] == len(v[2]) == 1)
check("ZCtrl_SetpntSet", done, 50e-12)
check("ZCtrl_SetpntGet", near(50e-12))
check("Current_Get", lambda v: 10e-12 < v < 250e-12)
check("Current_GainsGet", lambda v: flat([v[2]]) == ["fixed"] or v[2] == ["fixed"])
check("ZCtrl_StatusGet", lambda v: v == 2)
check("ZCtrl_ZPosGet", lambda v: abs(v) < z / 2)
check("ZCtrl_TipLiftSet", done, 0.0)
check("ZCtrl_SwitchOffDelaySet", done, 0.0)
check("ZCtrl_SwitchOffDelayGet", near(0.0))
check("ZCtrl_OnOffSet", done, 0)
check("ZCtrl_OnOffGet", lambda v: v == 0)
ask("ZCtrl_OnOffSet", 1)
check("ZCtrl_CtrlListGet", lambda v: v[2] == ["log Current"])
check("ZCtrl_LimitsGet", near(z / 2, -z / 2))
check("ZCtrl_HomePropsSet", done, 1, 20e-9)
check("ZCtrl_HomePropsGet", lambda v: v[0] == 0 and near(20e-9)(v[1]))
check("SafeTip_PropsSet", done, 0, 1, 4e-9)
check("SafeTip_PropsGet", lambda v: v[:2] == [0, 1] and near(4e-9)(v[2]))
check("SafeTip_OnOffSet", done, 1)
check("SafeTip_OnOffGet", lambda v: v == 1)
check("FolMe_XYPosSet", done, 3e-9, -2e-9, 1)
check("FolMe_XYPosGet", near(3e-9, -2e-9), 1)
check("FolMe_SpeedSet", done, 2e-8, 1)
check("FolMe_SpeedGet", lambda v: v[1] == 1 and near(2e-8)(v[0]))
check("Scan_FrameSet", done, 1e-9, -1e-9, 6e-9, 3e-9, 30.0)
check("Scan_FrameGet", near(1e-9, -1e-9, 6e-9, 3e-9, 30.0))
check("Scan_BufferSet", done, [current, height], 35, 0)
check("Scan_BufferGet", lambda v: flat(v[1]) == [current, height] and v[2:] == [32, 16])
check("Scan_SpeedSet", done, 6e-8, 0.0, 0.0, 0.0, 1, 2.0)
check("Scan_SpeedGet", lambda v: v[4] == 0 and near(6e-8, 12e-8, 0.1, 0.05)(v[:4]))
check("Scan_PropsSet", done, 2, 2, 1, "spm_", "by nanonis-spm", [], 0)
check(
    "Scan_PropsGet",
    lambda v: v[4] == "spm_",
    bug="the client adds a list to a number while it reads n_params",
)
check(
    "Scan_FrameDataGrab",
    lambda v: v[1] == "Z (m)" and v[4].shape == (16, 32) and math.isnan(v[4].sum()),
    height,
    1,
)
check("Scan_Action", done, 0, 1)
check("Scan_WaitEndOfScan", lambda v: v[0] == 0 and v[2].endswith("spm_001.sxm"), 20000)
check("Scan_StatusGet", lambda v: v == 0)
judge(
    "Scan.FrameDataGrab scanned",
    lambda: ask("Scan_FrameDataGrab", height, 0),
    lambda v: v[5] == 1 and math.isfinite(v[4].sum()) and v[4].std() > 0,
)
check("BiasSpectr_Open", done)
check("BiasSpectr_ChsSet", done, [current, didv])
check("BiasSpectr_ChsGet", lambda v: flat(v[1]) == [current, didv] and v[4][0] == "Current (A)")
check("BiasSpectr_LimitsSet", done, -0.5, 0.5)
check("BiasSpectr_LimitsGet", near(-0.5, 0.5))
check("BiasSpectr_PropsSet", done, 2, 1, 1, 11, 0.0, 2, 2)
check(
    "BiasSpectr_PropsGet",
    lambda v: v[:4] == [0, 1, 1, 11] and v[9] == ["Sweep Start", "Sweep End"],
)
keep = math.nan
check("BiasSpectr_TimingSet", done, keep, keep, keep, keep, 1e-3, 2e-3, keep, keep)
check("BiasSpectr_TimingGet", lambda v: near(1e-3, 2e-3)(v[4:6]) and near(1000.0)(v[3]))
check("BiasSpectr_AdvPropsSet", done, 1, 1, 0, 0)
check("BiasSpectr_AdvPropsGet", lambda v: v == [1, 1, 0, 0])
check(
    "BiasSpectr_Start",
    lambda v: (
        v[2][:2] == ["Bias calc (V)", "Current (A)"]
        and v[2][3] == "Current [bwd] (A)"
        and v[5].shape == (5, 11)
        and near(-0.5, 0.5)([v[5][0, 0], v[5][0, -1]])
        and v[5][1, 0] < 0 < v[5][1, -1]
    ),
    1,
    "",
)
check("BiasSpectr_StatusGet", done, bug="the client declares no return value")
check("BiasSpectr_MLSModeSet", done, "MLS")
check("BiasSpectr_MLSModeGet", lambda v: v[1] == "MLS")
check("Signals_ValGet", near(0.25), names.index("Bias (V)"), 1)
check("Signals_RangeGet", lambda v: v[0] > 0 > v[1], height)
check("Piezo_TiltSet", done, 1.0, -0.5)
check("Piezo_TiltGet", near(1.0, -0.5))
check("Piezo_DriftCompSet", done, 1, 1e-12, -1e-12, 0.0, 5.0)
check("Piezo_DriftCompGet", lambda v: v[0] == 1 and near(1e-12, -1e-12, 0.0)(v[1:4]))
ask("Piezo_DriftCompSet", 2, 0.0, 0.0, 0.0, 5.0)
check("LockIn_ModAmpSet", done, 1, 7e-3)
check("LockIn_ModAmpGet", near(7e-3), 1)
check("LockIn_ModPhasFreqSet", done, 1, 733.25)
check("LockIn_ModPhasFreqGet", near(733.25), 1)
check("TipShaper_PropsGet", lambda v: len(v) == 11 and v[1] == 0)
check("Motor_FreqAmpSet", done, 1200.0, 150.0, 0)
check("Motor_FreqAmpGet", near(1200.0, 150.0), 1)
check("Util_SessionPathGet", lambda v: len(v[1]) > 3)
check("Util_VersionGet", lambda v: v[2] > 0, bug="the client has a wrong type code")
check("ZCtrl_Withdraw", done, 1, -1)
judge("ZCtrl.StatusGet withdrawn", lambda: ask("ZCtrl_StatusGet"), lambda v: v == 1)
