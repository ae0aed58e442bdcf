"""Commands of utilities, marks, atom tracking, patterns and the data logger."""

TABLE = """
Util.SessionPathGet | - | path:str
Util.SessionPathSet | path:str; save_previous:I | -
Util.SettingsLoad | path:str; session:I | -
Util.SettingsSave | path:str; session:I | -
Util.LayoutLoad | path:str; session:I | -
Util.LayoutSave | path:str; session:I | -
Util.Lock | - | -
Util.UnLock | - | -
Util.RTFreqSet | freq:f Hz | -
Util.RTFreqGet | - | freq:f Hz
Util.AcqPeriodSet | period:f s | -
Util.AcqPeriodGet | - | period:f s
Util.RTOversamplSet | oversampling:i | -
Util.RTOversamplGet | - | oversampling:i
Util.Quit | stored:I; settings:str; layout:str; save_signals:I | -
Util.VersionGet | - | product:str; version:str; host_release:I; rt_release:I
Marks.PointDraw | x:f m; y:f m; text:str; color:I | -
Marks.LineDraw | x0:f m; y0:f m; x1:f m; y1:f m; color:I | -
Marks.PointsErase | index:i | -
Marks.LinesErase | index:i | -
Marks.PointsVisibleSet | index:i; hide:H | -
Marks.LinesVisibleSet | index:i; hide:H | -
Marks.PointsDraw | n:i; x:*f; y:*f; text:items; color:*I | -
Marks.PointsGet | - | n:i; x:*f; y:*f; text:*strs; color:*I; visible:*I
Marks.LinesGet | - | n:i; x0:*f; y0:*f; x1:*f; y1:*f; color:*I; visible:*I
AtomTrack.CtrlSet | what:H; on:H | -
AtomTrack.StatusGet | what:H | on:H
AtomTrack.PropsSet | i_gain:f; freq:f Hz; amp:f m; phase:f deg; off_delay:f s | -
AtomTrack.PropsGet | - | i_gain:f; freq:f Hz; amp:f m; phase:f deg; off_delay:f s
AtomTrack.QuickCompStart | what:H | -
AtomTrack.DriftComp | - | -
Pattern.ExpOpen | - | -
Pattern.ExpStart | pattern:H | -
Pattern.ExpPause | pause:I | -
Pattern.ExpStop | - | -
Pattern.ExpStatusGet | - | running:I
Pattern.GridSet | activate:I; nx:i; ny:i; as_frame:I; cx:f m; cy:f m; width:f m; height:f m;
    angle:f deg | -
Pattern.GridGet | - | nx:i; ny:i; cx:f m; cy:f m; width:f m; height:f m; angle:f deg
Pattern.PropsSet | experiment:str; base:str; vi_path:str; delay:f s; save_scan:I | -
Pattern.PropsGet | - | experiments:strs; selected:str; vi_path:str; delay:f s; save_scan:I
TCPLog.Start | - | -
TCPLog.Stop | - | -
TCPLog.ChsSet | channels:ai | -
TCPLog.OversamplSet | value:i | -
TCPLog.StatusGet | - | status:i
"""
