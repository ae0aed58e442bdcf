"""Layout: where the parts of the window stand, kept from one time to the next."""

from PyQt6.QtCore import QByteArray, QSettings, QSize, Qt
from PyQt6.QtGui import QScreen
from PyQt6.QtWidgets import (
    QDockWidget,
    QFrame,
    QHBoxLayout,
    QMainWindow,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QTabWidget,
    QToolBar,
    QWidget,
)

from .window_parts import Parts

_VERSION = 1  # of the docks: a layout that was kept by another one is left aside
_GEOMETRY, _STATE, _SPLIT = "geometry", "state", "split"  # keys of the settings
_SIZE = (1600, 960)  # [pixels] at the first time
_LEFT, _RIGHT = 380, 400  # [pixels] width of the docks at the first time
_BELOW = 0.25  # share of the height that the log gets at the first time
# [pixels] the least that each part is given, so that all of them fit on 1366 x 768
_LEAST = {
    "image": (320, 200),
    "profile": (320, 90),
    "range": (260, 150),
    "spectra": (300, 140),
    "history": (260, 100),
    "log": (260, 100),
    "agent": (420, 250),
    "start": (420, 250),
}


class Layout:
    """Puts the parts of a window into docks and tabs.

    The bar with the button that withdraws the tip is no dock: it can be neither hidden nor moved.

    Args:
        window: The window.
        parts: What stands in it.
        settings: Where it is kept how they stand.
    """

    def __init__(self, window: QMainWindow, parts: Parts, settings: QSettings) -> None:
        self._window, self._parts, self._settings = window, parts, settings
        window.setDockNestingEnabled(True)
        for name, least in _LEAST.items():
            part: QWidget = getattr(parts, name)
            part.setMinimumSize(*least)
        # else the map wants so much that what stands below it must be scrolled to
        ignored = QSizePolicy.Policy.Ignored
        parts.proposals.area.setSizePolicy(QSizePolicy.Policy.Expanding, ignored)
        window.setTabPosition(Qt.DockWidgetArea.AllDockWidgetAreas, QTabWidget.TabPosition.North)
        self._add_bar()
        self.tabs = self._tabs()
        window.setCentralWidget(self.tabs)
        areas = Qt.DockWidgetArea
        self.docks: dict[str, QDockWidget] = {}
        left, right, below = (
            areas.LeftDockWidgetArea,
            areas.RightDockWidgetArea,
            areas.BottomDockWidgetArea,
        )
        self._add("range", "Piezo range", parts.range, left)
        self._add("parameters", "By hand", parts.parameters, left)
        self._add("proposals", "Your say", parts.proposals, right)
        self._add("log", "Log", parts.log, below)
        self._add("history", "History", parts.history, below)
        self._add("spectra", "Spectra", parts.spectra, below)
        window.tabifyDockWidget(self.docks["log"], self.docks["history"])
        self.docks["log"].raise_()
        window.setCorner(Qt.Corner.BottomLeftCorner, left)
        window.setCorner(Qt.Corner.BottomRightCorner, below)
        bar = window.statusBar()
        if bar is not None:
            bar.addPermanentWidget(parts.status, 1)
        window.resize(first_size(window.screen()))
        self._default = window.saveState(_VERSION)
        self._is_kept = self._restore()

    def save(self) -> None:
        """Keep how the parts stand."""
        self._settings.setValue(_GEOMETRY, self._window.saveGeometry())
        self._settings.setValue(_STATE, self._window.saveState(_VERSION))
        self._settings.setValue(_SPLIT, self._split.saveState())

    def settle(self) -> None:
        """Give the docks their sizes at the first time; once the window is shown, not before."""
        if not self._is_kept:
            self._size()

    def reset(self) -> None:
        """Put everything where it stood at the first time."""
        self._window.restoreState(self._default, _VERSION)
        for dock in self.docks.values():
            dock.show()
        self.docks["log"].raise_()
        self._size()

    def show_microscope(self) -> None:
        """Show the live image."""
        self.tabs.setCurrentIndex(0)

    def show_agent(self) -> None:
        """Show what the agent believes."""
        self.tabs.setCurrentIndex(1)

    def show_start(self) -> None:
        """Show what can be started."""
        self.tabs.setCurrentIndex(2)

    def show_editor(self) -> None:
        """Show the recipe that is edited."""
        self.tabs.setCurrentIndex(3)

    def _add_bar(self) -> None:
        bar = QToolBar("Run")
        bar.setObjectName("run")
        bar.setMovable(False)
        bar.setFloatable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        action = bar.toggleViewAction()
        if action is not None:
            action.setVisible(False)
        both = QWidget()
        row = QHBoxLayout(both)
        row.setContentsMargins(4, 2, 8, 2)
        row.addWidget(self._parts.controls, 1)
        row.addWidget(self._parts.withdraw)
        bar.addWidget(both)
        self._window.addToolBar(Qt.ToolBarArea.TopToolBarArea, bar)

    def _tabs(self) -> QTabWidget:
        parts = self._parts
        self._split = QSplitter(Qt.Orientation.Vertical)
        self._split.addWidget(parts.image)
        self._split.addWidget(parts.profile)
        self._split.setStretchFactor(0, 4)
        self._split.setStretchFactor(1, 1)
        self._split.setSizes([640, 160])
        tabs = QTabWidget()
        tabs.setDocumentMode(True)
        tabs.addTab(self._split, "&Microscope")
        tabs.addTab(parts.agent, "&Agent")
        tabs.addTab(parts.start, "S&tart")
        tabs.addTab(parts.editor, "Re&cipe")
        return tabs

    def _add(self, name: str, title: str, part: QWidget, area: Qt.DockWidgetArea) -> None:
        dock = QDockWidget(title, self._window)
        dock.setObjectName(name)
        scrolls = name == "proposals"  # the panels for work by hand scroll by themselves
        if scrolls:  # on a small screen the last field must be reachable, too
            scroll = QScrollArea()
            scroll.setWidgetResizable(True)
            scroll.setFrameShape(QFrame.Shape.NoFrame)
            scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
            scroll.setWidget(part)
        dock.setWidget(scroll if scrolls else part)
        self._window.addDockWidget(area, dock)
        self.docks[name] = dock

    def _size(self) -> None:
        window, docks = self._window, self.docks
        flat, high = Qt.Orientation.Horizontal, Qt.Orientation.Vertical
        window.resizeDocks([docks["range"], docks["proposals"]], [_LEFT, _RIGHT], flat)
        window.resizeDocks([docks["range"], docks["parameters"]], [310, 530], high)
        window.resizeDocks([docks["log"], docks["spectra"]], [620, 580], flat)
        below = round(_BELOW * window.height())
        window.resizeDocks([docks["log"], docks["spectra"]], [below, below], high)

    def _restore(self) -> bool:
        """Put everything where it stood when the window was closed; says whether that was kept."""
        geometry, state = self._settings.value(_GEOMETRY), self._settings.value(_STATE)
        split = self._settings.value(_SPLIT)
        if isinstance(geometry, QByteArray):
            self._window.restoreGeometry(geometry)
        if isinstance(split, QByteArray):
            self._split.restoreState(split)
        return isinstance(state, QByteArray) and self._window.restoreState(state, _VERSION)


def first_size(screen: QScreen | None) -> QSize:
    """Return how large the window is at the first time: it lies on the screen with all it has."""
    wanted = QSize(*_SIZE)
    return wanted if screen is None else wanted.boundedTo(screen.availableGeometry().size())
