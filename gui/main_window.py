"""MainWindow: puts the views together, and asks the session ten times a second what is new."""

from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from PyQt6.QtCore import QSettings, QTimer
from PyQt6.QtGui import QCloseEvent, QShowEvent
from PyQt6.QtWidgets import QApplication, QMainWindow

from spm_auto.errors import SpmError
from spm_auto.lab import read_lab

from .common.selection import Selection
from .common.theme import THEMES, Theme, dress
from .layout import Layout
from .menus import Menus
from .questions import ask_file, ask_folder, ask_text
from .run.orders import Outcome, StartOrder
from .run.run_model import Part
from .run.sayings import Weight
from .run.server_link import announcements
from .run.session import Session
from .run.wishes import Annotate, Finish, Interrupt, Perform
from .start.catalogue import BY_HAND as BY_HAND_RECIPE
from .status.run_controls import AFTER_EMERGENCY
from .window_parts import Parts

TICK = 100  # [ms] between two looks at what is new
_BEHIND = 5  # [ms] to the next look while there is more in the journal than was read
_AT_MOST, _AT_ONCE = 0.02, 0.06  # [s] for reading at a tick; the latter while there is more
_SHOWN_EVERY = 32  # so many of those ticks go by before what was read is shown: two seconds
_THEME = "theme"  # key of the settings
_SAID = 10_000  # [ms] that a message stands in the status bar
_UNDER_WAY = ("loading", "running", "paused")  # states of a run that somebody may have resumed
_BEGUN = "what was begun by hand goes on"
BY_HAND = "by_hand"  # kind of the question that work by hand answers


class MainWindow(QMainWindow):
    """The window of an operator. It owns no run: closing it never touches one.

    Args:
        session: The run that is shown, and the way to it.
        theme: The colours.
        settings: Where the layout is kept.

    Attributes:
        parts: All views.
    """

    def __init__(self, session: Session, theme: Theme, settings: QSettings) -> None:
        super().__init__()
        self.session, self.theme, self._settings = session, theme, settings
        self.selection = Selection()
        self.parts = Parts(self.selection, theme, session.withdrawal)
        self._owed = dict.fromkeys(self.parts.views, Part.NOTHING)  # what was hidden meanwhile
        self._about: object = None
        self._is_settled = False
        self._model = session.model
        self.setWindowTitle("spm_auto")
        self.layout_ = Layout(self, self.parts, settings)
        self.menus = Menus(self)
        self._connect()
        self._n_behind = 0
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.tick)
        self._timer.start(TICK)

    def begin_by_hand(self, lab: Path | None = None) -> None:
        """Begin to work by hand on the simulator, or with a lab file.

        Where something real would move, everything is chosen, and the human presses Start.
        """
        if lab is not None and not _is_simulated(lab):
            self.parts.start.set_recipe(BY_HAND_RECIPE)
            self.parts.start.set_lab(lab)
            self.layout_.show_start()
            return
        self.begin(self.parts.start.by_hand_order(lab))

    def begin(self, order: StartOrder) -> None:
        """Start a run in a process of its own, and show it."""
        try:
            self.session.start(order)
        except SpmError as error:
            self.tell(f"refused: {error}")
            self.parts.log.add(Weight.WARNING, f"refused: {error}")
            return
        self._show_run()
        self.layout_.show_microscope()

    def attach(self, folder: Path, is_looking: bool = False) -> None:
        """Show the run of a folder.

        Args:
            folder: Of the run.
            is_looking: Whether nothing can be done to it from here.
        """
        self.session.attach(folder, is_looking)
        self._show_run()
        self.layout_.show_microscope()

    def open_recipe(self, recipe: Path) -> None:
        """Put a recipe into the editor, and show it."""
        self.parts.editor.open_file(recipe)
        self.layout_.show_editor()

    def tell(self, text: str) -> None:
        """Say something in the status bar for a while."""
        bar = self.statusBar()
        if bar is not None:
            bar.showMessage(text, _SAID)

    def tell_fault(self, text: str, details: str) -> None:
        """Say that the window itself has a fault; the run goes on."""
        self.tell(f"fault of this window, not of the run: {text}")
        self.parts.log.add(Weight.ALARM, f"fault of this window: {text}\n{details}")

    def tick(self) -> None:
        """Look at what is new, and have it shown; a fault in one part keeps no other from it."""
        _do_all(self._read, self._show)

    def _read(self) -> None:
        changed = self.session.tick(_AT_ONCE if self.session.is_behind else _AT_MOST)
        if self.session.model is not self._model:
            self._model, changed = self.session.model, Part.ALL
        for view in self._owed:
            self._owed[view] |= changed

    def _show(self) -> None:
        is_behind = self.session.is_behind
        self._n_behind = self._n_behind + 1 if is_behind else 0
        self._timer.setInterval(_BEHIND if is_behind else TICK)
        if self._n_behind % _SHOWN_EVERY == 0:
            _do_all(self._show_owed, self._show_link)

    def set_theme(self, name: str) -> None:
        """Change the colours of everything."""
        self.theme = THEMES[name]
        application = QApplication.instance()
        if isinstance(application, QApplication):
            dress(application, self.theme)
        for view in self.parts.views:
            view.set_theme(self.theme)
        self._settings.setValue(_THEME, name)
        self._owed = dict.fromkeys(self.parts.views, Part.ALL)
        self._show_owed()

    def open_folder(self) -> None:
        """Let a human choose the folder of a run, and attach to it."""
        ask_folder(self, "Folder of a run", self.session.out, self.attach)

    def open_server(self) -> None:
        """Let a human choose an instrument server, to look at it."""
        title, kinds = "The file in which a server says where it listens", "server (*.json)"
        ask_file(self, title, announcements(), kinds, self.attach_server)

    def attach_server(self, announced: Path) -> None:
        """Show an instrument server, to look at it and to withdraw its tip."""
        try:
            self.session.attach_server(announced)
        except SpmError as error:
            self.tell(f"refused: {error}")
            self.parts.log.add(Weight.WARNING, f"refused: {error}")
        self._show_run()

    def detach(self) -> None:
        """Let go of the run, which goes on."""
        self.session.detach()
        self._show_run()

    def annotate(self) -> None:
        """Let a human write something into the run's record."""
        label = "To be written down with the run:"
        ask_text(self, "Note", label, lambda text: self.session.wish(Annotate(text)))

    def interrupt(self) -> None:
        """End what was begun by hand."""
        self.session.wish(Interrupt())

    def finish_by_hand(self) -> None:
        """Let the run go on with its next step."""
        self.session.wish(Finish())

    def shut(self) -> None:
        """Let go of the run and of all threads; safe to call twice."""
        self._timer.stop()
        self.parts.shut()
        self.session.close()

    def showEvent(self, event: QShowEvent | None) -> None:  # noqa: N802 - Qt's name
        """Give everything its size at the first time."""
        super().showEvent(event)
        if not self._is_settled:
            self._is_settled = True
            QTimer.singleShot(0, self.layout_.settle)

    def closeEvent(self, event: QCloseEvent | None) -> None:  # noqa: N802 - Qt's name
        """Keep the layout, and close; the run goes on."""
        self.layout_.save()
        self._settings.sync()
        self.shut()
        super().closeEvent(event)

    def _connect(self) -> None:
        parts = self.parts
        for view in parts.views:
            view.wished.connect(self.session.wish)
        parts.start.set_runs_folder(self.session.out)
        parts.start.ordered.connect(self.begin)
        parts.start.edit_wished.connect(self.open_recipe)
        parts.editor.recipe_ready.connect(self._use_recipe)
        parts.history.set_runs_folder(self.session.out)
        parts.history.run_opened.connect(self.attach)
        parts.controls.resume_wished.connect(self.begin)

    def _use_recipe(self, recipe: Path) -> None:
        self.parts.start.set_recipe(recipe)
        self.layout_.show_start()

    def _show_run(self) -> None:
        """Show the run that is attached now, in place of the one before."""
        self._model, self._about = self.session.model, None
        self.selection.forget()
        self._owed = dict.fromkeys(self.parts.views, Part.ALL)
        name = "" if self.session.folder is None else f" - {self.session.folder.name}"
        self.setWindowTitle(f"spm_auto{name}")
        self.parts.history.set_run_folder(self.session.folder)
        self._show_owed()
        self._show_link()

    def _show_owed(self) -> None:
        """Show what has changed in the views that are seen; the others are told once they are."""
        shown = {view: owed for view, owed in self._owed.items() if owed and view.isVisible()}
        self._owed.update(dict.fromkeys(shown, Part.NOTHING))
        _do_all(*(partial(view.show_run, self._model, owed) for view, owed in shown.items()))

    def _show_link(self) -> None:
        """Show what the run answers, and what came of wishes."""
        session, parts = self.session, self.parts
        look, standing = session.look, session.standing
        _do_all(
            *(partial(view.show_look, look) for view in parts.views),
            partial(parts.withdraw.show_look, look),
            partial(parts.controls.show_standing, standing),
            partial(parts.status.show_standing, standing),
            self._show_about,
            partial(parts.agent.show_question, session.view),
            partial(parts.proposals.show_question, session.view, session.is_looking),
            partial(parts.parameters.set_ready, *self._readiness()),
            *(partial(self._tell_outcome, each) for each in session.take_outcomes()),
        )

    def _show_about(self) -> None:
        if self.session.about is not self._about:
            self._about = self.session.about
            self.parts.parameters.set_about(self.session.about)

    def _tell_outcome(self, outcome: Outcome) -> None:
        if isinstance(outcome.wish, Perform):
            self.parts.parameters.show_answer(outcome.error)
        if outcome.error:
            self.tell(f"refused: {outcome.error}")
            self.parts.log.add(Weight.WARNING, f"refused: {outcome.error}")

    def _readiness(self) -> tuple[bool, str]:
        """Say whether the run waits for instructions by hand, and why not."""
        session, finished = self.session, self.session.model.finished
        if session.standing.server is not None:
            return False, "an instrument server is only looked at from here"
        if session.folder is None:
            return False, "no run is open: begin by hand (Ctrl+N)"
        if session.is_looking:
            return False, "this window only looks"
        if session.is_starting:
            return False, "the run is being started"
        if finished is not None and session.tip:
            return False, f"tip: {session.tip}. Look at it, then press: {AFTER_EMERGENCY}"
        if finished is not None:
            return False, f"the run is over: {finished.reason}; begin by hand anew (Ctrl+N)"
        view, ends = session.view, f"tip: {session.tip}; the run ends"
        if view is None:
            return False, ends if session.tip else session.fault or "the run has not answered yet"
        question = view.question
        if question is not None and question.ask.kind == BY_HAND:
            is_new = question.number != session.performed
            return is_new, "" if is_new else _BEGUN
        if session.tip and view.state not in _UNDER_WAY:
            return False, ends
        step = session.model.step
        if step is not None and step.kind == BY_HAND:
            return False, _BEGUN
        return False, f"the run is busy{'' if step is None else f' with {step.kind}'}"


def _do_all(*calls: Callable[[], object]) -> None:
    """Make all calls in order, also after one that has failed; its error is raised at the end."""
    with ExitStack() as stack:
        for call in reversed(calls):
            stack.callback(call)


def _is_simulated(lab: Path) -> bool:
    """Whether nothing real moves in a laboratory; one that cannot be read is refused later."""
    try:
        return read_lab(lab)[0].instrument.is_simulated
    except SpmError:
        return False
