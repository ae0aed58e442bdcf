"""Selection: what is pointed at, chosen or proposed in one view, and shown in all others."""

from PyQt6.QtCore import QObject, pyqtSignal

from spm_auto.instrument import ScanFrame

Place = tuple[float, float]  # sample coordinates (x, y) [m]


class Selection(QObject):
    """What the views have in common beside the run. Nothing here reaches an instrument.

    Signals:
        cursor_moved: The mouse is over a place of the sample: x and y [m].
        scan_chosen: A scan is to be looked at: its index in `RunModel.scans`; -1 follows the run.
        channel_chosen: A channel of the images is to be looked at: its name.
        spectra_chosen: Spectra are to be looked at: a tuple of indices in `RunModel.spectra`.
        frame_proposed: A frame was drawn that might be scanned next: a `ScanFrame`.
        pattern_drawn: Places were drawn where spectra might be taken: a tuple of (x, y) [m].
        place_chosen: A place was clicked: x and y [m].
        settings_recalled: What was done before is to be done like that again: an `Instruction`,
            whose settings belong into the panels.
        forgotten: Another run is shown: places and spectra of the one before mean nothing in it.
    """

    cursor_moved = pyqtSignal(float, float)
    scan_chosen = pyqtSignal(int)
    channel_chosen = pyqtSignal(str)
    spectra_chosen = pyqtSignal(object)
    frame_proposed = pyqtSignal(object)
    pattern_drawn = pyqtSignal(object)
    place_chosen = pyqtSignal(float, float)
    settings_recalled = pyqtSignal(object)
    forgotten = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.frame: ScanFrame | None = None
        self.pattern: tuple[Place, ...] = ()
        self.frame_proposed.connect(self._keep_frame)
        self.pattern_drawn.connect(self._keep_pattern)

    def forget(self) -> None:
        """Forget what was pointed at, chosen and drawn in a run that is not shown any more."""
        self.pattern_drawn.emit(())
        self.spectra_chosen.emit(())
        self.forgotten.emit()

    def _keep_frame(self, frame: ScanFrame) -> None:
        self.frame = frame

    def _keep_pattern(self, pattern: tuple[Place, ...]) -> None:
        self.pattern = pattern
