"""Commands of the signals, the inputs and outputs, and the piezo."""

TABLE = """
Signals.NamesGet | - | names:strs
Signals.CalibrGet | index:i | per_volt:f; offset:f
Signals.RangeGet | index:i | max:f; min:f
Signals.ValGet | index:i; newest:I | value:f
Signals.ValsGet | indexes:ai; newest:I | values:af
Signals.MeasNamesGet | - | names:strs
Signals.AddRTGet | - | names:strs; rt1:str; rt2:str
Signals.AddRTSet | rt1:i; rt2:i | -
UserIn.CalibrSet | index:i; per_volt:f; offset:f | -
UserOut.ModeSet | index:i; mode:H | -
UserOut.ModeGet | index:i | mode:H
UserOut.MonitorChSet | index:i; signal:i | -
UserOut.MonitorChGet | index:i | signal:i
UserOut.ValSet | index:i; value:f | -
UserOut.CalibrSet | index:i; per_volt:f; offset:f | -
UserOut.LimitsSet | index:i; upper:f; lower:f; raw:I | -
UserOut.LimitsGet | index:i; raw:I | upper:f; lower:f
Piezo.TiltSet | x:f deg; y:f deg | -
Piezo.TiltGet | - | x:f deg; y:f deg
Piezo.RangeSet | x:f m; y:f m; z:f m | -
Piezo.RangeGet | - | x:f m; y:f m; z:f m
Piezo.SensSet | x:f m/V; y:f m/V; z:f m/V | -
Piezo.SensGet | - | x:f m/V; y:f m/V; z:f m/V
Piezo.CalibrGet | - | x:f m/V; y:f m/V; z:f m/V
Piezo.DriftCompSet | state:i; vx:f m/s; vy:f m/s; vz:f m/s; sat_limit:f % | -
Piezo.DriftCompGet | - | on:I; vx:f m/s; vy:f m/s; vz:f m/s; x_sat:I; y_sat:I; z_sat:I;
    sat_limit:f %
Piezo.HVAInfoGet | - | aux:f; x:f; y:f; z:f; xy_on:I; z_on:I; aux_on:I
Piezo.HVAStatusLEDGet | - | overheated:I; hv_supply:I; high_temp:I; connector:I
Piezo.XYZLimitsSet | enable:H; x_lo:f V; x_hi:f V; y_lo:f V; y_hi:f V; z_lo:f V; z_hi:f V | -
Piezo.XYZLimitsGet | - | enable:H; x_lo:f V; x_hi:f V; y_lo:f V; y_hi:f V; z_lo:f V; z_hi:f V
"""
