"""The plain values of the controller's panel, and what they are when it starts."""

# name, by number, values and rules: see `panel`
ROWS = """
Bias.Calibr | calibration=1.0; offset=0.0
BiasSwp.Props | steps=100 zero; period=20 zero; autosave=0 flag; dialog=0 flag
BiasSwp.Limits | lower=-1.0; upper=1.0
ZCtrl.SwitchOffDelay | delay=0.0
ZCtrl.TipLift | lift=0.0
ZCtrl.HomeProps | mode=1 shift; home=5e-08
ZCtrl.WithdrawRate | rate=1e-06
ZCtrl.LimitsEnabled | on=0
SafeTip.OnOff | state=0 flag
SafeTip.Props | auto_recovery=0; auto_pause=0; threshold=5e-09
TipShaper.Props | switch_off_delay=0.05; change_bias=0 flag; bias=0.0; tip_lift=-1e-09;
    lift_time1=0.1; bias_lift=0.0; bias_settle=0.1; lift_height=5e-09; lift_time2=0.1;
    end_wait=0.1; restore_fb=1 flag
FolMe.Speed | speed=1e-07; custom=0
FolMe.PSOnOff | on=0
FolMe.PSProps | auto_resume=0 flag; own_base=0 flag; base='' empty; vi_path='' empty; delay=0.0
TipRec.BufferSize | size=10000
Scan.Frame | cx=0.0; cy=0.0; width=1e-07; height=1e-07; angle=0.0
Scan.Props | continuous=0 flag; bouncy=0 flag; autosave=0 shift; series='scan' empty; comment='';
    modules=(); autopaste=2 shift
Scan.Speed | fwd_speed=2e-07; bwd_speed=2e-07; fwd_time=0.5; bwd_time=0.5; keep=1 shift; ratio=1.0
BiasSpectr.Props | save_all=0 flag; sweeps=1 zero; backward=0 flag; points=128 zero; z_offset=0.0;
    autosave=0 flag; dialog=0 flag
BiasSpectr.AdvProps | reset_bias=1 flag; z_hold=1 flag; record_z=0 flag; lockin_run=0 flag
BiasSpectr.Limits | start=-1.0; end=1.0
BiasSpectr.Timing | z_avg=0.0; z_offset=0.0; init_settle=0.0; max_slew=1000.0; settle=0.004;
    integrate=0.004; end_settle=0.0; z_ctrl_time=0.0
BiasSpectr.AltZCtrl | state=0 flag; setpoint=1e-10; settle=0.1
BiasSpectr.ZOffRevert | state=0 flag
BiasSpectr.MLSLockinPerSeg | on=0
BiasSpectr.SafeCond1 | action=0 shift; threshold=0.0; signal=0 minus; compare=0 two
ZSpectr.Props | backward=1 flag; points=128 zero; sweeps=1 zero; autosave=0 flag; dialog=0 flag;
    save_all=0 flag
ZSpectr.AdvProps | fwd_bwd_wait=0.0; record_z=0 flag; lockin_run=0 flag; reset_z=1 flag
ZSpectr.Range | z_offset=1e-07; z_distance=-1e-07
ZSpectr.Timing | z_avg=0.0; init_settle=0.0; max_slew=1e-06; settle=0.002; integrate=0.002;
    end_settle=0.0; z_ctrl_time=0.0
ZSpectr.RetractDelay | delay=0.0
ZSpectr.Retract | enable=0 flag; threshold=1e-08; signal=0 minus; compare=0 two
Piezo.Tilt | x=0.0; y=0.0
Piezo.XYZLimits | enable=0 flag; x_lo=-10.0; x_hi=10.0; y_lo=-10.0; y_hi=10.0; z_lo=-10.0; z_hi=10.0
UserIn.Calibr by index 1 16 | per_volt=1.0; offset=0.0
UserOut.Mode by index 1 16 | mode=0
UserOut.MonitorCh by index 1 16 | signal=0
UserOut.Val by index 1 16 | value=0.0
UserOut.Calibr by index 1 16 | per_volt=1.0; offset=0.0
UserOut.Limits by index 1 16 | upper=10.0; lower=-10.0
LockIn.ModOnOff by mod 1 8 | on=1
LockIn.ModSignal by mod 1 8 | signal=24
LockIn.ModPhasReg by mod 1 8 | reg=1
LockIn.ModHarmonic by mod 1 8 | harmonic=1
LockIn.ModPhas by mod 1 8 | phase=0.0
LockIn.ModAmp by mod 1 8 | amp=0.01
LockIn.ModPhasFreq by mod 1 8 | freq=777.0
LockIn.DemodSignal by demod 1 8 | signal=0
LockIn.DemodHarmonic by demod 1 8 | harmonic=1
LockIn.DemodHPFilter by demod 1 8 | order=1 minus; cutoff=100.0 zero
LockIn.DemodLPFilter by demod 1 8 | order=4 minus; cutoff=20.0 zero
LockIn.DemodPhasReg by demod 1 8 | reg=1
LockIn.DemodPhas by demod 1 8 | phase=0.0
LockIn.DemodSyncFilter by demod 1 8 | on=0
LockIn.DemodRTSignals by demod 1 8 | kind=0
Util.RTFreq | freq=10000.0
Util.AcqPeriod | period=0.02
Util.RTOversampl | oversampling=10
Pattern.Grid | nx=4; ny=4; cx=0.0; cy=0.0; width=1e-08; height=1e-08; angle=0.0
Pattern.Props | selected='Bias Spectroscopy' empty; base='grid' empty; vi_path='' empty;
    delay=0.0; save_scan=0
"""
