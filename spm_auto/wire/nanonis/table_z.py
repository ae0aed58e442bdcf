"""Commands of the z controller, the tip's safety, approach and coarse motion."""

TABLE = """
ZCtrl.ZPosSet | z:f m | -
ZCtrl.ZPosGet | - | z:f m
ZCtrl.OnOffSet | on:I | -
ZCtrl.OnOffGet | - | on:I
ZCtrl.SetpntSet | setpoint:f | -
ZCtrl.SetpntGet | - | setpoint:f
ZCtrl.GainSet | p:f; time_const:f s; i:f | -
ZCtrl.GainGet | - | p:f; time_const:f s; i:f
ZCtrl.SwitchOffDelaySet | delay:f s | -
ZCtrl.SwitchOffDelayGet | - | delay:f s
ZCtrl.TipLiftSet | lift:f m | -
ZCtrl.TipLiftGet | - | lift:f m
ZCtrl.Home | - | -
ZCtrl.HomePropsSet | mode:H; home:f m | -
ZCtrl.HomePropsGet | - | mode:H; home:f m
ZCtrl.ActiveCtrlSet | index:i | -
ZCtrl.CtrlListGet | - | names:strs; active_index:i
ZCtrl.Withdraw | wait:I; timeout:i ms | -
ZCtrl.WithdrawRateSet | rate:f m/s | -
ZCtrl.WithdrawRateGet | - | rate:f m/s
ZCtrl.LimitsEnabledSet | on:I | -
ZCtrl.LimitsEnabledGet | - | on:I
ZCtrl.LimitsSet | high:f m; low:f m | -
ZCtrl.LimitsGet | - | high:f m; low:f m
ZCtrl.StatusGet | - | status:H
SafeTip.OnOffSet | state:H | -
SafeTip.OnOffGet | - | state:H
SafeTip.SignalGet | - | value:f
SafeTip.PropsSet | auto_recovery:H; auto_pause:H; threshold:f | -
SafeTip.PropsGet | - | auto_recovery:H; auto_pause:H; threshold:f
AutoApproach.Open | - | -
AutoApproach.OnOffSet | run:H | -
AutoApproach.OnOffGet | - | running:H
Motor.StartMove | direction:I; steps:H; group:I; wait:I | -
Motor.StartClosedLoop | absolute:I; x:d m; y:d m; z:d m; wait:I; group:I | -
Motor.StopMove | - | -
Motor.PosGet | group:I; timeout:I ms | x:d m; y:d m; z:d m
Motor.StepCounterGet | reset_x:I; reset_y:I; reset_z:I | x:i; y:i; z:i
Motor.FreqAmpGet | axis:H | freq:f Hz; amp:f V
Motor.FreqAmpSet | freq:f Hz; amp:f V; axis:H | -
TipShaper.Start | wait:I; timeout:i ms | -
TipShaper.PropsSet | switch_off_delay:f s; change_bias:I; bias:f V; tip_lift:f m; lift_time1:f
    s; bias_lift:f V; bias_settle:f s; lift_height:f m; lift_time2:f s; end_wait:f s;
    restore_fb:I | -
TipShaper.PropsGet | - | switch_off_delay:f s; change_bias:I; bias:f V; tip_lift:f m;
    lift_time1:f s; bias_lift:f V; bias_settle:f s; lift_height:f m; lift_time2:f s; end_wait:f
    s; restore_fb:I
"""
