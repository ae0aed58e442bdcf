"""Place panels: where the probe shall go, and where the coarse stage; and readying the tip."""

import math
from collections.abc import Sequence

from PyQt6.QtWidgets import QLineEdit

from spm_auto.ear import Look
from spm_auto.instrument import Instruction, Load, MoveStage, PositionProbe

from ..common.fields import QuantityField, written
from ..common.selection import Selection
from ..common.theme import Theme
from ..run.run_model import Part, RunModel
from .panel import Panel
from .rows import UNKNOWN, Row, words

Place = tuple[float, float]


class PlacePanel(Panel):
    """A place (x, y) with what is read back beside it, and a button that writes it into the fields.

    Args:
        theme: The colours.
        verb: On the button that asks for it.
        names: What x and y are called, as the limits do.
        tip: What they are, for the tool tips.
    """

    def __init__(self, theme: Theme, verb: str, names: tuple[str, str], tip: str) -> None:
        super().__init__(theme, verb, "read back")
        self.x_row: Row = self.add(names[0], QuantityField(names[0], "m"), f"{tip}, along x")
        self.y_row: Row = self.add(names[1], QuantityField(names[1], "m"), f"{tip}, along y")
        self.here: Place | None = None
        self.offer(self._use_here, "Write the place that is read back into the fields")
        self.heading.setEnabled(False)

    @property
    def place(self) -> Place | None:
        """The place in the fields; None where there is none."""
        x, y = self.x_row.field.value(), self.y_row.field.value()
        return None if x is None or y is None else (x, y)

    def set_place(self, x: float, y: float) -> None:
        """Write a place into the fields; nothing moves."""

        def write() -> None:
            self.x_row.field.set_value(x)
            self.y_row.field.set_value(y)

        self.fill(write)

    def show_here(self, here: Place | None) -> None:
        """Show what is read back."""
        self.here = here
        self.heading.setEnabled(here is not None)
        for row, number in ((self.x_row, 0), (self.y_row, 1)):
            row.show_read(UNKNOWN if here is None else written(here[number], "m", 4))

    def blamed(self, quantity: str) -> Sequence[QuantityField]:
        """Return the fields that stand for a quantity of the limits."""
        if quantity in ("distance to no-go zone", "step", "stage step"):
            return [self.x_row.field, self.y_row.field]
        return super().blamed(quantity)

    def way(self) -> str:
        """Say how far it is from what is read back."""
        if self.here is None or self.place is None:
            return ""
        return f"{written(math.dist(self.here, self.place), 'm', 4)} from here"

    def _use_here(self) -> None:
        if self.here is not None:
            self.set_place(*self.here)


class ProbePanel(PlacePanel):
    """Sends the probe to a place of the sample.

    Args:
        selection: Where a place that was clicked comes from.
        theme: The colours.
    """

    def __init__(self, selection: Selection, theme: Theme) -> None:
        super().__init__(theme, "Send the probe", ("x", "y"), "Where to, on the sample")
        self.x_row.field.setPlaceholderText("click a place in an image")
        selection.place_chosen.connect(self.set_place)
        self.review()

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the way of the probe."""
        if self.place is None:
            raise ValueError("there is no place: click one in an image, or type it")
        return (PositionProbe(*self.place),)

    def set_limits(self) -> None:
        """Tell the fields what is allowed."""
        limits = self.known.limits
        if limits is not None:
            self.x_row.field.set_allowed(limits.x)
            self.y_row.field.set_allowed(limits.y)

    def show_look(self, look: Look | None) -> None:
        """Show where the probe is."""
        super().show_look(look)
        self.show_here(None if look is None else look.status.position)

    def sum_up(self) -> str:
        """Say how far it goes."""
        return self.way()

    def use(self, instruction: Instruction) -> None:
        """Write the place of an instruction into the fields."""
        if isinstance(instruction, PositionProbe):
            self.set_place(instruction.x, instruction.y)


class StagePanel(PlacePanel):
    """Brings another part of the sample under the scanner, where there is a coarse stage."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(
            theme, "Move the stage", ("stage x", "stage y"), "The middle of the scanner, there"
        )
        self.middle.addWidget(
            words("The tip is withdrawn, the stage moves, and the tip approaches again.", "faint")
        )
        self.review()

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the way of the stage."""
        if self.place is None:
            raise ValueError("there is no place to move to")
        return (MoveStage(*self.place),)

    def set_limits(self) -> None:
        """Tell the fields what is allowed."""
        limits = self.known.limits
        if limits is not None:
            self.x_row.field.set_allowed(limits.stage_x)
            self.y_row.field.set_allowed(limits.stage_y)

    def show_look(self, look: Look | None) -> None:
        """Show where the stage is."""
        super().show_look(look)
        self.show_here(None if look is None else look.status.stage)

    def sum_up(self) -> str:
        """Say how far it goes."""
        return self.way()

    def use(self, instruction: Instruction) -> None:
        """Write the place of an instruction into the fields."""
        if isinstance(instruction, MoveStage):
            self.set_place(instruction.x, instruction.y)


class LoadPanel(Panel):
    """Readies the instrument: the way on after the tip was withdrawn."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Load")
        self.sample = QLineEdit()
        self.sample.setAccessibleName("sample")
        self.sample.setPlaceholderText("as it is mounted")
        self.sample.setToolTip("Name of the sample, for the record; empty keeps the one there is")
        self.sample.textChanged.connect(self.review)
        self.middle.addWidget(words("Sample in, probe tuned, tip at the sample.", "faint"))
        self.middle.addWidget(self.sample)
        self._is_loaded = False
        self.review()

    def instructions(self) -> tuple[Instruction, ...]:
        """Return the loading."""
        return (Load(self.sample.text().strip()),)

    def show_run(self, model: RunModel, changed: Part) -> None:
        """Say whether it was done before."""
        if changed & Part.RUN and model.is_loaded != self._is_loaded:
            self._is_loaded = model.is_loaded
            self.review()

    def sum_up(self) -> str:
        """Say whether that was done before."""
        return "was loaded in this run before" if self._is_loaded else ""
