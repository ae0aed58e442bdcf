"""Whether the window keeps up: figures of a real window on a screen that nobody sees: some minutes.

    python benchmarks/gui.py [--parts opening memory painting training withdraw] [--seconds 30]

- opening: a journal of 100,000 records, from attaching until all of it is taken in and painted.
- memory: what the process grows by over 10,000 updates, each painted, after those that fill what
  the window keeps (images up to `run_model.KEPT_BYTES`).
- painting: a process writes ten lines of 512 pixels a second, a spectrum and a fit each second. The
  image (512 x 512), its profile, three maps (256 x 256), the learning curve and the spectra are
  shown at 10 Hz in one window: share of one core, and time until a line is on the screen.
- training: the same window watches a run whose deep kernel is trained again and again.
- withdraw: that run is told to withdraw again and again, over the line that the button has.

Time until a line is painted is counted from its being read (`Session.lines_at`) and, beside it,
from its being written by the other process. A tick is all that Qt's thread does of its own accord
ten times a second: reading, putting together, handing to the views; and painting is counted too.
"""

import argparse
import gc
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import numpy as np
from gui_made import MadeRun, long_run
from PyQt6.QtCore import QEvent, QEventLoop, QObject, QSettings, QTimer
from PyQt6.QtWidgets import QApplication, QGridLayout, QWidget
from tables import table

from spm_auto.data import FILE_NAME, Journal
from spm_auto.gui.agent.agent_view import AgentView
from spm_auto.gui.application import collect_less
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, dress
from spm_auto.gui.curves.spectrum_view import SpectrumView
from spm_auto.gui.main_window import TICK, MainWindow
from spm_auto.gui.microscope.image_view import ImageView
from spm_auto.gui.microscope.profile_view import ProfileView
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.run.session import Session

PIXELS, CELLS = 512, 256
LINES_PER_SECOND = 10
WARM_UP = 3.0  # [s] before anything counts
N_RECORDS = 100_000
N_UPDATES = 10_000
UPDATES_A_SPECTRUM = 20  # so that a spectrum takes two seconds
PATIENCE = 120.0  # [s] for a model to be fitted
PRESSES = 100
BETWEEN = 1.3  # [s] between two presses; a new connection stands after one
Row = tuple[str, str, str]


class Board(QWidget):
    """The views that cost most, side by side, driven as the window drives them.

    Args:
        session: The run.
    """

    def __init__(self, session: Session) -> None:
        super().__init__()
        self.session = session
        selection = Selection()
        self.views = [
            kind(selection, DARK) for kind in (ImageView, AgentView, ProfileView, SpectrumView)
        ]
        layout = QGridLayout(self)
        for number, view in enumerate(self.views):
            layout.addWidget(view, number // 2, number % 2)
        self.ticks: list[float] = []  # how long each took [s]
        self._timer = QTimer(self)
        self._timer.setInterval(TICK)
        self._timer.timeout.connect(self.tick)

    def begin(self) -> None:
        """Begin to tick."""
        self._timer.start()

    def end(self) -> None:
        """Tick no more, and let go of the run."""
        self._timer.stop()
        self.session.close()
        self.close()

    def tick(self) -> None:
        """Take in what is new and show it."""
        start = time.perf_counter()
        changed = self.session.tick()
        if changed is not Part.NOTHING:
            for view in self.views:
                view.show_run(self.session.model, changed)
        for view in self.views:
            view.show_look(self.session.look)
        self.ticks.append(time.perf_counter() - start)


class Painted(QObject):
    """Takes the time of painting, and from a line to the screen.

    Args:
        window: What is painted.
        session: Tells when the newest line was read.
    """

    def __init__(self, window: QWidget, session: Session) -> None:
        super().__init__()
        self._session = session
        self._seen = self._began = 0.0
        self.since_read: list[float] = []  # [s]
        self.since_written: list[float] = []  # [s]
        self.took: list[float] = []  # [s]
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject | None, event: QEvent | None) -> bool:  # noqa: N802, ARG002
        """Note that everything is about to be painted; what follows in the queue comes after."""
        if event is not None and event.type() == QEvent.Type.UpdateRequest:
            self._began = time.perf_counter()
            QTimer.singleShot(0, self._note)
        return False

    def _note(self) -> None:
        self.took.append(time.perf_counter() - self._began)
        at = self._session.lines_at
        if at > self._seen:
            self._seen = at
            self.since_read.append(time.monotonic() - at)
            self.since_written.append(time.time() - self._session.model.utc)

    def forget(self) -> None:
        """Count from here."""
        self.since_read.clear()
        self.since_written.clear()
        self.took.clear()


def opening(application: QApplication, folder: Path, _: float) -> Iterator[Row]:
    """Open a journal of many records."""
    clock = iter(range(10**9))
    with Journal(folder / FILE_NAME, lambda: float(next(clock))) as journal:
        for event in long_run(N_RECORDS):
            journal.append(event)
    size = (folder / FILE_NAME).stat().st_size / 1e6
    model = RunModel()
    session = Session("benchmark", folder)
    with window(session, folder) as shown:
        start, used = time.perf_counter(), time.process_time()
        shown.attach(folder, is_looking=True)
        while session.model.n_records < N_RECORDS or session.is_behind:
            application.processEvents()
        shown.tick()
        application.processEvents()
        took, used = time.perf_counter() - start, time.process_time() - used
        model = session.model
    what = f"{model.n_records:,} records, {size:.0f} MB"
    yield what + ": open and painted", f"{took:.2f} s (processor {used:.2f} s)", "< 3 s"


def memory(application: QApplication, folder: Path, _: float) -> Iterator[Row]:
    """Paint many updates."""
    run, clock = MadeRun(PIXELS, CELLS), iter(range(10**9))
    session = Session("benchmark", folder)
    board = Board(session)
    board.resize(1600, 1000)
    board.show()
    with Journal(folder / FILE_NAME, lambda: float(next(clock))) as journal:
        for event in run.begin():
            journal.append(event)
        session.attach(folder, is_looking=True)
        full = 6 * PIXELS
        for update in range(full + N_UPDATES):
            at = update % (PIXELS + 1)
            journal.append(next(run.scan()) if at == 0 else run.line(at - 1))
            if update % UPDATES_A_SPECTRUM == 0:
                for event in run.spectrum(1e5 + update):
                    journal.append(event)
                journal.append(run.fit(update // UPDATES_A_SPECTRUM + 1))
            if update == full:
                before = resident()
            board.tick()
            application.processEvents()
    grown = (resident() - before) / 1e6
    n_spectra = len(session.model.spectra) * N_UPDATES // (N_UPDATES + full)
    board.end()
    yield (
        f"growth over {N_UPDATES:,} updates ({n_spectra:,} spectra kept)",
        f"{grown:.1f} MB",
        "< 20 MB",
    )


def painting(application: QApplication, folder: Path, seconds: float) -> Iterator[Row]:
    """Show what another process writes."""
    command = [sys.executable, __file__, "--write", str(folder), "--seconds", str(seconds + 10)]
    with process(command):
        session = Session("benchmark", folder)
        board = Board(session)
        board.resize(1600, 1000)
        board.show()
        painted = Painted(board, session)
        session.attach(folder, is_looking=True)
        board.begin()
        spin(application, WARM_UP)
        painted.forget()
        board.ticks.clear()
        start, used = time.perf_counter(), time.process_time()
        spin(application, seconds)
        share = (time.process_time() - used) / (time.perf_counter() - start)
        ticks = list(board.ticks)
        board.grab().save(str(folder / "board.png"))
        board.end()
    rate = len(painted.took) / seconds
    yield f"one core, at {rate:.1f} paintings a second", f"{100 * share:.0f} %", "< 40 %"
    yield "a tick, p95", ms(ticks, 95), ""
    yield "painting, p95", ms(painted.took, 95), ""
    yield "from a line read to the pixel, p95", ms(painted.since_read, 95), "< 150 ms"
    yield "from a line written to the pixel, p95", ms(painted.since_written, 95), ""


def training(application: QApplication, folder: Path, seconds: float) -> Iterator[Row]:
    """Watch a run that trains a deep kernel."""
    with trained_run(folder) as out:
        session = Session("benchmark", folder)
        with window(session, folder) as shown:
            ticks = timed(shown)
            late = Late(application)
            session.attach(out)
            wait_for_fit(application, session)
            ticks.clear()
            before = session.model.n_fits
            late.begin()
            spin(application, seconds)
            fits, gaps = session.model.n_fits - before, late.end()
    yield f"a tick while a deep kernel is trained ({fits} fits), p95", ms(ticks, 95), "< 60 ms"
    yield "a timer of 20 ms beside it, p95 of its interval", ms(gaps, 95), ""
    yield "the same, longest", ms(gaps, 100), ""


def withdraw(application: QApplication, folder: Path, _: float) -> Iterator[Row]:
    """Have the tip withdrawn while everything is shown and a model is trained."""
    with trained_run(folder) as out:
        session = Session("benchmark", folder)
        board = Board(session)
        board.resize(1600, 1000)
        board.show()
        session.attach(out)
        board.begin()
        wait_for_fit(application, session)
        taken = []
        for _ in range(PRESSES):
            session.withdrawal.forget()  # of what was confirmed before
            session.withdrawal.press()
            spin(application, BETWEEN)
            taken.append(session.withdrawal.said.seconds)
        fits = session.model.n_fits
        board.end()
    missing = int(np.sum(~np.isfinite(taken)))
    yield f"WITHDRAW, {PRESSES} presses, {fits} fits: not confirmed", str(missing), "0"
    good = [seconds for seconds in taken if np.isfinite(seconds)]
    yield "pressed until confirmed, median", ms(good, 50), ""
    yield "pressed until confirmed, p99", ms(good, 99), "< 200 ms"
    yield "pressed until confirmed, longest", ms(good, 100), ""


class Late:
    """A timer of 20 ms that notes how long it was really waited for."""

    def __init__(self, parent: QObject) -> None:
        self._timer = QTimer(parent)
        self._timer.setInterval(20)
        self._timer.timeout.connect(self._note)
        self._last = 0.0
        self._gaps: list[float] = []

    def begin(self) -> None:
        """Begin."""
        self._last = time.perf_counter()
        self._timer.start()

    def end(self) -> list[float]:
        """Return the intervals [s]."""
        self._timer.stop()
        return self._gaps

    def _note(self) -> None:
        now = time.perf_counter()
        self._gaps.append(now - self._last)
        self._last = now


PARTS: dict[str, Callable[[QApplication, Path, float], Iterator[Row]]] = {
    "opening": opening,
    "memory": memory,
    "painting": painting,
    "training": training,
    "withdraw": withdraw,
}


def write(folder: Path, seconds: float) -> None:
    """Write a journal at the pace of a fast microscope."""
    run, rng, begun = MadeRun(PIXELS, CELLS), np.random.default_rng(2), time.monotonic()
    with Journal(folder / FILE_NAME, time.monotonic) as journal:
        for event in run.begin():
            journal.append(event)
        number = 0
        while (late := time.monotonic() - begun) < seconds:
            at = number % (PIXELS + 1)
            journal.append(next(run.scan()) if at == 0 else run.line(at - 1))
            if number % LINES_PER_SECOND == 0:
                for event in run.spectrum(time.monotonic()):
                    journal.append(event)
                journal.append(run.fit(number // LINES_PER_SECOND + 1))
            number += 1
            due = (number + rng.uniform()) / LINES_PER_SECOND  # in no step with the window's ticks
            time.sleep(max(0.0, due - late))


@contextmanager
def window(session: Session, folder: Path) -> Iterator[MainWindow]:
    """Open the window of an operator."""
    settings = QSettings(str(folder / "window.ini"), QSettings.Format.IniFormat)
    shown = MainWindow(session, DARK, settings)
    shown.resize(1600, 1000)
    shown.show()
    try:
        yield shown
    finally:
        shown.shut()
        shown.close()


@contextmanager
def process(command: list[str]) -> Iterator["subprocess.Popen[bytes]"]:
    """Start a process, and end it."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as started:
        try:
            yield started
        finally:
            started.kill()


@contextmanager
def trained_run(folder: Path) -> Iterator[Path]:
    """Start a run that trains a deep kernel again and again; gives its folder."""
    out, host = folder / "run", Path(__file__).with_name("gui_host.py")
    with process([sys.executable, str(host), str(out)]):
        yield out


def wait_for_fit(application: QApplication, session: Session) -> None:
    """Wait until the run's model was fitted, so that it is trained from now on."""
    until = time.monotonic() + PATIENCE
    while session.model.n_fits == 0:
        if time.monotonic() > until:
            raise SystemExit(f"the run fitted no model: {session.fault}")
        spin(application, 0.2)


def timed(shown: MainWindow) -> list[float]:
    """Have the ticks of a window timed [s]."""
    ticks: list[float] = []
    tick = shown.tick

    def tick_timed() -> None:
        start = time.perf_counter()
        tick()
        ticks.append(time.perf_counter() - start)

    for timer in shown.findChildren(QTimer):
        if timer.interval() == TICK:
            timer.timeout.disconnect()
            timer.timeout.connect(tick_timed)
    return ticks


def spin(application: QApplication, seconds: float) -> None:
    """Let Qt do its work for so long."""
    loop = QEventLoop(application)
    QTimer.singleShot(round(1e3 * seconds), loop.quit)
    loop.exec()


def ms(values: list[float], percent: float) -> str:
    """Return a percentile as text."""
    return f"{1e3 * np.percentile(values, percent):.0f} ms" if values else "none"


def resident() -> float:
    """Return the memory that the process holds [bytes]."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * float(os.sysconf("SC_PAGE_SIZE"))


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.write is not None:
        write(given.write, given.seconds)
        return
    application = QApplication(["benchmark"])
    dress(application, DARK)
    collect_less()

    def rows() -> Iterator[Row]:
        for part in given.parts:
            with tempfile.TemporaryDirectory() as folder:
                yield from PARTS[part](application, Path(folder), given.seconds)

    for line in table(("what", "measured", "wanted"), rows()):
        print(line, flush=True)


if __name__ == "__main__":
    main()
