"""Commands that move the probe in the plane, and scan."""

TABLE = """
FolMe.XYPosSet | x:d m; y:d m; wait:I | -
FolMe.XYPosGet | newest:I | x:d m; y:d m
FolMe.SpeedSet | speed:f m/s; custom:I | -
FolMe.SpeedGet | - | speed:f m/s; custom:I
FolMe.OversamplSet | oversampling:i | -
FolMe.OversamplGet | - | oversampling:i; rate:f S/s
FolMe.Stop | - | -
FolMe.PSOnOffGet | - | on:I
FolMe.PSOnOffSet | on:I | -
FolMe.PSExpGet | - | exp:H; list:strs
FolMe.PSExpSet | exp:H | -
FolMe.PSPropsGet | - | auto_resume:I; own_base:I; base:str; vi_path:str; delay:f s
FolMe.PSPropsSet | auto_resume:I; own_base:I; base:str; vi_path:str; delay:f s | -
TipRec.BufferSizeSet | size:i | -
TipRec.BufferSizeGet | - | size:i
TipRec.BufferClear | - | -
TipRec.DataGet | - | channels:ai; data:mat
TipRec.DataSave | clear:I; base:str | -
Scan.Action | action:H; direction:I | -
Scan.StatusGet | - | running:I
Scan.WaitEndOfScan | timeout:i ms | timed_out:I; path:str
Scan.WaitEndOfLine | timeout:i ms | timed_out:I; line:i; movement:H; pass:i
Scan.FrameSet | cx:f m; cy:f m; width:f m; height:f m; angle:f deg | -
Scan.FrameGet | - | cx:f m; cy:f m; width:f m; height:f m; angle:f deg
Scan.BufferSet | channels:ai; pixels:i; lines:i | -
Scan.BufferGet | - | channels:ai; pixels:i; lines:i
Scan.PropsSet | continuous:I; bouncy:I; autosave:I; series:str; comment:str; modules:strs;
    autopaste:I | -
Scan.PropsGet | - | continuous:I; bouncy:I; autosave:I; series:str; comment:str; modules:strs;
    n_params:ai; params:smat; autopaste:I
Scan.SpeedSet | fwd_speed:f m/s; bwd_speed:f m/s; fwd_time:f s; bwd_time:f s; keep:H; ratio:f |
    -
Scan.SpeedGet | - | fwd_speed:f m/s; bwd_speed:f m/s; fwd_time:f s; bwd_time:f s; keep:H;
    ratio:f
Scan.FrameDataGrab | channel:I; forward:I | name:str; data:mat; direction:I
Scan.XYPosGet | newest:I | x:f m; y:f m
Scan.Save | wait:I; timeout:i ms | timed_out:I
Scan.BackgroundPaste | wait:I; timeout:i ms | timed_out:I
Scan.BackgroundDelete | wait:I; timeout:i ms; which:I | timed_out:I
"""
