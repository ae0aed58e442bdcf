"""Where: at which places something is done: where the probe is, at one place, or at drawn ones."""

from collections.abc import Sequence

from ..common.fields import QuantityField, written
from ..common.selection import Place, Selection
from .panel import Panel
from .rows import Row

HERE, ONE, DRAWN = "where the probe is", "at one place", "at drawn places"


class Where:
    """A choice of places, as rows of a panel.

    Args:
        panel: Which one.
        selection: Where places that were clicked or drawn come from.
        has_drawn: Whether it may be done at many places.
    """

    def __init__(self, panel: Panel, selection: Selection, has_drawn: bool) -> None:
        self._panel = panel
        self._drawn: tuple[Place, ...] = ()
        choices = [HERE, ONE, DRAWN] if has_drawn else [HERE, ONE]
        self._box = panel.add_choice(
            "where", choices, "Click a place in an image, or draw points, a line or a grid there"
        )
        self.x = panel.add("x", QuantityField("x", "m"), "Where on the sample, along x")
        self.x.field.setPlaceholderText("click a place in an image")
        self.y = panel.add("y", QuantityField("y", "m"), "Where on the sample, along y")
        selection.place_chosen.connect(self.set_place)
        selection.forgotten.connect(self.forget)
        if has_drawn:
            selection.pattern_drawn.connect(self.set_drawn)
            self._take_drawn(selection.pattern)
        self._use_rows()
        self._box.currentIndexChanged.connect(self._choose)

    @property
    def choice(self) -> str:
        """Which of the three."""
        return (HERE, ONE, DRAWN)[self._box.currentIndex()]

    @property
    def rows(self) -> tuple[Row, Row]:
        """The rows of the one place."""
        return self.x, self.y

    @property
    def fields(self) -> list[QuantityField]:
        """The fields of the one place."""
        return [self.x.field, self.y.field]

    def choose(self, choice: str) -> None:
        """Choose one of the three."""
        self._box.setCurrentIndex((HERE, ONE, DRAWN).index(choice))

    def places(self) -> Sequence[Place]:
        """Return the places (x, y) [m].

        Raises:
            ValueError: There are none.
        """
        match self.choice:
            case "at drawn places":
                if not self._drawn:
                    raise ValueError("no places are drawn: draw points, a line or a grid")
                return self._drawn
            case "at one place":
                x, y = self.x.field.value(), self.y.field.value()
                if x is None or y is None:
                    raise ValueError("there is no place: click one in an image, or type it")
                return ((x, y),)
        status = self._panel.known.status
        if status is None:
            raise ValueError("nobody can tell where the probe is: choose a place")
        return (status.position,)

    def in_words(self) -> str:
        """Say where that is."""
        places = self.places()
        if len(places) > 1:
            return f"at {len(places)} places"
        return "at ({}, {})".format(*(written(v, "m", 4) for v in places[0]))

    def set_place(self, x: float, y: float) -> None:
        """Take in a place that was clicked."""

        def write() -> None:
            self.x.field.set_value(x)
            self.y.field.set_value(y)
            self.choose(ONE)

        self._panel.fill(write)

    def forget(self) -> None:
        """Forget the place: it was one of a run that is not shown any more."""

        def write() -> None:
            for field in self.fields:
                field.set_value(None)
            if self.choice == ONE:
                self.choose(HERE)

        self._panel.fill(write)

    def set_drawn(self, pattern: Sequence[Place]) -> None:
        """Take in places that were drawn."""
        self._take_drawn(pattern)
        self._panel.review()

    def _take_drawn(self, pattern: Sequence[Place]) -> None:
        self._drawn = tuple(pattern)
        self._box.setItemText(2, f"{DRAWN} ({len(self._drawn)})")
        if self._drawn:
            self._box.setCurrentIndex(2)
        elif self.choice == DRAWN:
            self._box.setCurrentIndex(0)

    def _choose(self) -> None:
        self._use_rows()
        self._panel.review()

    def _use_rows(self) -> None:
        for row in self.rows:
            row.use(self.choice == ONE)
