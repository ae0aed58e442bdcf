"""Commands of bias and z spectroscopy."""

TABLE = """
BiasSpectr.Open | - | -
BiasSpectr.Start | get_data:I; base:str | names:strs; data:mat; params:af
BiasSpectr.Stop | - | -
BiasSpectr.StatusGet | - | running:I
BiasSpectr.ChsSet | channels:ai | -
BiasSpectr.ChsGet | - | channels:ai; names:strs
BiasSpectr.PropsSet | save_all:H; sweeps:i; backward:H; points:i; z_offset:f m; autosave:H;
    dialog:H | -
BiasSpectr.PropsGet | - | save_all:H; sweeps:i; backward:H; points:i; params:strs;
    fixed_params:strs; autosave:H; dialog:H
BiasSpectr.AdvPropsSet | reset_bias:H; z_hold:H; record_z:H; lockin_run:H | -
BiasSpectr.AdvPropsGet | - | reset_bias:H; z_hold:H; record_z:H; lockin_run:H
BiasSpectr.LimitsSet | start:f V; end:f V | -
BiasSpectr.LimitsGet | - | start:f V; end:f V
BiasSpectr.TimingSet | z_avg:f s; z_offset:f m; init_settle:f s; max_slew:f V/s; settle:f s;
    integrate:f s; end_settle:f s; z_ctrl_time:f s | -
BiasSpectr.TimingGet | - | z_avg:f s; z_offset:f m; init_settle:f s; max_slew:f V/s; settle:f s;
    integrate:f s; end_settle:f s; z_ctrl_time:f s
BiasSpectr.AltZCtrlSet | state:H; setpoint:f; settle:f s | -
BiasSpectr.AltZCtrlGet | - | state:H; setpoint:f; settle:f s
BiasSpectr.ZOffRevertSet | state:H | -
BiasSpectr.ZOffRevertGet | - | state:H
BiasSpectr.MLSLockinPerSegSet | on:I | -
BiasSpectr.MLSLockinPerSegGet | - | on:I
BiasSpectr.MLSModeSet | mode:str | -
BiasSpectr.MLSModeGet | - | mode:str
BiasSpectr.MLSValsSet | n:i; bias_start:*f V; bias_end:*f V; init_settle:*f s; settle:*f s;
    integrate:*f s; steps:*i; lockin_run:*I | -
BiasSpectr.MLSValsGet | - | n:i; bias_start:*f V; bias_end:*f V; init_settle:*f s; settle:*f s;
    integrate:*f s; steps:*i; lockin_run:*I
BiasSpectr.SafeCond1Set | action:H; threshold:f; signal:i; compare:H | -
BiasSpectr.SafeCond1Get | - | action:H; threshold:f; signal:i; compare:H
ZSpectr.Open | - | -
ZSpectr.Start | get_data:I; base:str | names:strs; data:mat; params:af
ZSpectr.Stop | - | -
ZSpectr.StatusGet | - | running:I
ZSpectr.ChsSet | channels:ai | -
ZSpectr.ChsGet | - | channels:ai; names:strs
ZSpectr.PropsSet | backward:H; points:i; sweeps:H; autosave:H; dialog:H; save_all:H | -
ZSpectr.PropsGet | - | backward:H; points:i; params:strs; fixed_params:strs; sweeps:H;
    autosave:H; dialog:H; save_all:H
ZSpectr.AdvPropsSet | fwd_bwd_wait:f s; record_z:H; lockin_run:H; reset_z:H | -
ZSpectr.AdvPropsGet | - | fwd_bwd_wait:f s; record_z:H; lockin_run:H; reset_z:H
ZSpectr.RangeSet | z_offset:f m; z_distance:f m | -
ZSpectr.RangeGet | - | z_offset:f m; z_distance:f m
ZSpectr.TimingSet | z_avg:f s; init_settle:f s; max_slew:f V/s; settle:f s; integrate:f s;
    end_settle:f s; z_ctrl_time:f s | -
ZSpectr.TimingGet | - | z_avg:f s; init_settle:f s; max_slew:f V/s; settle:f s; integrate:f s;
    end_settle:f s; z_ctrl_time:f s
ZSpectr.RetractDelaySet | delay:f s | -
ZSpectr.RetractDelayGet | - | delay:f s
ZSpectr.RetractSet | enable:H; threshold:f; signal:i; compare:H | -
ZSpectr.RetractGet | - | enable:H; threshold:f; signal:i; compare:H
"""
