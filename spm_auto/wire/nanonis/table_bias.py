"""Commands of the bias source, its sweeper, and the current amplifier."""

TABLE = """
Bias.Set | bias:f V | -
Bias.Get | - | bias:f V
Bias.RangeSet | range_index:H | -
Bias.RangeGet | - | ranges:strs; range_index:H
Bias.CalibrSet | calibration:f; offset:f | -
Bias.CalibrGet | - | calibration:f; offset:f
Bias.Pulse | wait:I; width:f s; bias:f V; z_hold:H; abs_rel:H | -
BiasSwp.Open | - | -
BiasSwp.Start | get_data:I; direction:I; z_ctrl:I; base:str; reset_bias:I | names:strs; data:mat
BiasSwp.PropsSet | steps:H; period:H ms; autosave:H; dialog:H | -
BiasSwp.LimitsSet | lower:f V; upper:f V | -
BiasSwp.LimitsGet | - | lower:f V; upper:f V
Current.Get | - | current:f A
Current.100Get | - | current:f A
Current.BEEMGet | - | current:f A
Current.GainSet | gain_index:i; filter_index:i | -
Current.GainsGet | - | gains:strs; gain_index:i; filters:strs; filter_index:i
Current.CalibrSet | gain_index:i; calibration:d; offset:d | -
Current.CalibrGet | gain_index:i | calibration:d; offset:d
"""
