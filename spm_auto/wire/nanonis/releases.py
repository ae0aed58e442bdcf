"""What older releases of Nanonis have otherwise: rows that stand in for those of the tables.

The tables are those of R14718. A name with ``gone`` behind it is not there.
"""

# nanonisTCP puts the change from slots to signal indexes at R11798; documents exist of R10862
# (July 2021), R13742 (June 2024) and R14718 (April 2025), and of some changes in R14429
OLD, MIDDLE, NEW = 10862, 13742, 14718
FIRST_MIDDLE, FIRST_NEW = 11798, 14429

MIDDLE_ROWS = """
BiasSpectr.ChsGet | - | channels:ai; names:*strs
ZSpectr.ChsGet | - | channels:ai; names:*strs
Scan.PropsSet | continuous:I; bouncy:I; autosave:I; series:str; comment:str; modules:strs | -
Scan.PropsGet | - | continuous:I; bouncy:I; autosave:I; series:str; comment:str
UserOut.LimitsSet | index:i; upper:f; lower:f | -
UserOut.LimitsGet | index:i | upper:f; lower:f
Piezo.XYZLimitsSet | gone
Piezo.XYZLimitsGet | gone
BiasSwp.LimitsGet | gone
"""

OLD_ROWS = """
Signals.InSlotSet | slot:i; signal:i | -
Signals.InSlotsGet | - | names:strs; indexes:ai
BiasSpectr.ChsGet | - | channels:ai
ZSpectr.ChsGet | - | channels:ai
BiasSpectr.PropsGet | - | save_all:H; sweeps:i; backward:H; points:i; channels:strs; params:strs;
    fixed_params:strs
ZSpectr.PropsGet | - | backward:H; points:i; channels:strs; params:strs; fixed_params:strs;
    sweeps:H; save_all:H
Scan.PropsSet | continuous:I; bouncy:I; autosave:I; series:str; comment:str | -
Current.GainSet | gain_index:H | -
Current.GainsGet | - | gains:strs; gain_index:H
Current.CalibrSet | calibration:d; offset:d | -
Current.CalibrGet | - | calibration:d; offset:d
Piezo.DriftCompSet | on:I; vx:f m/s; vy:f m/s; vz:f m/s | -
Piezo.DriftCompGet | - | on:I; vx:f m/s; vy:f m/s; vz:f m/s; x_sat:I; y_sat:I; z_sat:I
Motor.StartClosedLoop | absolute:I; x:d m; y:d m; z:d m; wait:I | -
Motor.PosGet | - | x:d m; y:d m; z:d m
Motor.FreqAmpGet | - | freq:f Hz; amp:f V
Marks.PointsDraw | n:i; x:*f; y:*f; text:*items; color:*I | -
Scan.WaitEndOfLine | gone
Scan.XYPosGet | gone
Scan.Save | gone
Scan.BackgroundPaste | gone
Scan.BackgroundDelete | gone
BiasSpectr.ZOffRevertSet | gone
BiasSpectr.ZOffRevertGet | gone
BiasSpectr.SafeCond1Set | gone
BiasSpectr.SafeCond1Get | gone
Util.SessionPathSet | gone
Util.VersionGet | gone
"""


def profile(release: int) -> int:
    """Return which of the three known layouts a release has."""
    if release < FIRST_MIDDLE:
        return OLD
    return MIDDLE if release < FIRST_NEW else NEW
