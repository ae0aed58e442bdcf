"""LogTable: the lines of the log that a filter lets through, as rows; thousands cost little."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from PyQt6.QtCore import QModelIndex, Qt
from PyQt6.QtGui import QColor

from spm_auto.units import format_duration

from ..common.table_rows import TableRows
from ..common.theme import Theme
from ..run.run_model import KEPT_SAYINGS
from ..run.sayings import Saying, Weight

COLUMNS = ("time", "after", "weight", "who", "what")
WHAT = 4  # the column
WORDS = {
    Weight.DETAIL: "detail",
    Weight.NEWS: "news",
    Weight.WARNING: "warning",
    Weight.ALARM: "ALARM",
}


@dataclass(frozen=True, slots=True)
class Filter:
    """Which lines are shown.

    Attributes:
        least: Lines of this weight and above.
        who: Only what this human did; empty for all.
        is_human: Only what some human did.
        words: Only lines that have each of these words, in any case.
    """

    least: Weight = Weight.DETAIL
    who: str = ""
    is_human: bool = False
    words: tuple[str, ...] = ()

    def lets_through(self, saying: Saying) -> bool:
        """Whether a line is shown."""
        if saying.weight < self.least or (self.is_human and not saying.who):
            return False
        if self.who and saying.who != self.who:
            return False
        if not self.words:
            return True
        text = f"{saying.text} {saying.who}".casefold()
        return all(word in text for word in self.words)


class LogTable(TableRows):
    """Rows for a table view; the newest last.

    Attributes:
        start_time: Instrument time at which the run began [s].
        humans: Who has done something.
        n_grave: How many warnings and alarms there were.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, COLUMNS, frozenset(range(len(COLUMNS))))
        self._all: list[Saying] = []
        self._shown: list[Saying] = []
        self._filter = Filter()
        self.humans: set[str] = set()
        self.n_grave = {"warning": 0, "alarm": 0}
        self.start_time = 0.0

    @property
    def n_all(self) -> int:
        """How many lines there are, shown or not."""
        return len(self._all)

    @property
    def shown(self) -> tuple[Saying, ...]:
        """The lines that are shown."""
        return tuple(self._shown)

    def clear(self, start_time: float = 0.0) -> None:
        """Forget all lines; another run begins at this instrument time [s]."""
        self.beginResetModel()
        self._all, self._shown, self.start_time = [], [], start_time
        self.humans.clear()
        self.n_grave = {"warning": 0, "alarm": 0}
        self.endResetModel()

    def take(self, sayings: Iterable[Saying]) -> None:
        """Take in all lines that are kept; those that are known already are passed over."""
        last = self._all[-1].number if self._all else -1
        new: list[Saying] = []
        for saying in reversed(list(sayings)):
            if saying.number <= last:
                break
            new.append(saying)
        new.reverse()
        self._all.extend(new)
        self.humans.update(saying.who for saying in new if saying.who)
        for saying in new:
            self._weigh(saying)
        passed = [saying for saying in new if self._filter.lets_through(saying)]
        if passed:
            first = len(self._shown)
            self.beginInsertRows(QModelIndex(), first, first + len(passed) - 1)
            self._shown.extend(passed)
            self.endInsertRows()
        if len(self._all) > KEPT_SAYINGS:
            self._forget()

    def add(self, weight: Weight, text: str, utc: float, time: float) -> None:
        """Add a line of the window's own: of what it was refused, or of a fault of its own.

        Args:
            weight: How much it matters.
            text: What it says.
            utc: When [s since 1970].
            time: Instrument time [s].
        """
        saying = Saying(self._all[-1].number if self._all else -1, utc, time, weight, text)
        self._all.append(saying)
        self._weigh(saying)
        if self._filter.lets_through(saying):
            self.beginInsertRows(QModelIndex(), len(self._shown), len(self._shown))
            self._shown.append(saying)
            self.endInsertRows()

    def set_filter(self, wanted: Filter) -> None:
        """Show other lines."""
        if wanted == self._filter:
            return
        self.beginResetModel()
        self._filter = wanted
        self._shown = [saying for saying in self._all if wanted.lets_through(saying)]
        self.endResetModel()

    @property
    def n_rows(self) -> int:
        """How many lines are shown."""
        return len(self._shown)

    def text(self, saying: Saying, column: int) -> str:
        """Return what stands in a column of a line."""
        match column:
            case 0:
                return local_time(saying.utc)
            case 1:
                return format_duration(saying.time - self.start_time)
            case 2:
                return WORDS[saying.weight]
            case 3:
                return saying.who
            case _:
                return saying.text

    def data(self, index: QModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        """Return what stands in a cell."""
        if not index.isValid():
            return None
        saying = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self.text(saying, index.column())
        if role == Qt.ItemDataRole.ToolTipRole:
            return f"{datetime.fromtimestamp(saying.utc):%Y-%m-%d %H:%M:%S}\n{saying.text}"
        if role == Qt.ItemDataRole.ForegroundRole:
            return self._colour(saying, index.column())
        return None

    def _weigh(self, saying: Saying) -> None:
        if saying.weight is Weight.WARNING:
            self.n_grave["warning"] += 1
        elif saying.weight is Weight.ALARM:
            self.n_grave["alarm"] += 1

    def _colour(self, saying: Saying, column: int) -> QColor | None:
        match saying.weight:
            case Weight.ALARM:
                return QColor(self.theme.alarm)
            case Weight.WARNING:
                return QColor(self.theme.warning)
        if saying.weight is Weight.DETAIL or column < 3:
            return QColor(self.theme.faint)
        return None

    def _forget(self) -> None:
        """Forget the oldest lines; the journal has them."""
        self._all = self._all[-KEPT_SAYINGS:]
        first = self._all[0].number
        gone = next((n for n, s in enumerate(self._shown) if s.number >= first), len(self._shown))
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._shown[:gone]
            self.endRemoveRows()


def local_time(utc: float) -> str:
    """Return when it was, on the clock of this place, with the day of the week."""
    return f"{datetime.fromtimestamp(utc):%a %H:%M:%S}"
