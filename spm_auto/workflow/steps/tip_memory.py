"""What a run remembers of what it did to its tip: what helped, what it cost, and where it was done.

The choice of what to do next is Thompson's (W. R. Thompson, Biometrika 25, 285, 1933): for each
action a chance of success is drawn from what is known of it, and the one whose drawn gain for its
time is largest is taken. So what has helped is done again, and what is hardly known is tried.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from ...agents import ForbidRegion
from ...instrument import ConditionTip, FloatArray, ScanImage
from ...units import format as format_quantity

Place = tuple[float, float]

PRIOR = 0.5  # of success and of failure: that of Jeffreys, Proc. R. Soc. A 186, 453, 1946


@dataclass(frozen=True, slots=True)
class TipAction:
    """What can be done to a tip: a bias pulse or a poke.

    Attributes:
        bias: Of the pulse [V]; 0 for a poke.
        depth: Of the poke [m]; 0 for a pulse.
        duration: Of either [s].
    """

    bias: float
    depth: float
    duration: float

    def at(self, place: Place) -> ConditionTip:
        """Return the instruction for a place [m]."""
        return ConditionTip(*place, bias=self.bias, depth=self.depth, duration=self.duration)

    def __str__(self) -> str:
        if self.bias:
            return f"a pulse of {format_quantity(self.bias, 'V')}"
        return f"a poke of {format_quantity(self.depth, 'm')}"


@dataclass(slots=True)
class Experience:
    """What came of an action.

    Attributes:
        helped: How often the tip was good after it.
        failed: How often it was not.
        harm: By how much it got worse on average when it was not, in units of what is good; less
            than nothing where it got better.
        seconds: What it takes on average, looking included [s]; 0 before it was done.
    """

    helped: int = 0
    failed: int = 0
    harm: float = 0.0
    seconds: float = 0.0

    @property
    def tried(self) -> int:
        """How often it was done."""
        return self.helped + self.failed

    def learn(self, has_helped: bool, change: float, seconds: float) -> None:
        """Hear what came of it once more.

        Args:
            has_helped: Whether the tip is good.
            change: Of the tip's quality, in units of what is good.
            seconds: What it took [s].
        """
        self.seconds += (seconds - self.seconds) / (self.tried + 1)
        if has_helped:
            self.helped += 1
        else:
            self.failed += 1
            self.harm += (-change - self.harm) / self.failed


@dataclass(slots=True)
class TipMemory:
    """What was done in a run, and what came of it.

    Attributes:
        known: What came of each action.
        used: Where it was done [m].
        first: The first look of the run, for those who judge by it.
    """

    known: dict[TipAction, Experience] = field(default_factory=dict)
    used: list[Place] = field(default_factory=list)
    first: ScanImage | None = None

    def of(self, action: TipAction) -> Experience:
        """Return what is known of an action."""
        return self.known.setdefault(action, Experience())

    def choose(
        self, actions: Sequence[TipAction], gap: float, patience: int, rng: np.random.Generator
    ) -> tuple[TipAction, dict[str, FloatArray]]:
        """Choose what to do next.

        Args:
            actions: From the gentlest to the strongest; a stronger one is open only when each that
                is gentler has failed so many times more often than it has helped.
            gap: What is missing, in units of what is good.
            patience: How many times.
            rng: Where chance comes from.

        Returns:
            The action, and what it was chosen by: chance and gain per second [1/s] that were drawn
            for each that is open.
        """
        n_open = 1
        for action in actions[:-1]:
            known = self.of(action)
            if known.failed - known.helped < patience:
                break
            n_open += 1
        known_ones = [self.of(action) for action in actions[:n_open]]
        usual = [known.seconds for known in known_ones if known.tried]
        default = float(np.mean(usual)) if usual else 1.0
        chances = np.array([rng.beta(PRIOR + k.helped, PRIOR + k.failed) for k in known_ones])
        harms = np.array([max(k.harm, 0.0) for k in known_ones])
        seconds = np.array([k.seconds if k.tried else default for k in known_ones])
        gains = (chances * gap - (1 - chances) * harms) / np.maximum(seconds, 1e-9)
        return actions[int(np.argmax(gains))], {"chances": chances, "gains": gains}


def spots(
    area: ForbidRegion, spacing: float, forbidden: Sequence[ForbidRegion], used: Sequence[Place]
) -> FloatArray:
    """Return the places of an area at which nothing was done yet, [m], shape (n, 2).

    They lie on a hexagonal grid, those nearest to the area's middle first.

    Args:
        area: Where conditioning does no harm.
        spacing: Least distance from one place to another and to what was used before [m].
        forbidden: What must not be touched.
        used: Where something was done before [m].
    """
    x, y = area.center
    reach = area.radius if area.radius is not None else max(area.size or (0.0, 0.0)) / 2
    n = math.ceil(reach / spacing) + 1
    rows, columns = np.mgrid[-2 * n : 2 * n + 1, -2 * n : 2 * n + 1]
    grid = np.column_stack(
        [
            x + spacing * (columns + rows / 2).ravel(),
            y + spacing * math.sqrt(3) / 2 * rows.ravel(),
        ]
    )
    left = area.contains(*grid.T)
    for region in forbidden:
        left &= ~region.contains(*grid.T)
    free = grid[left]
    for place in used:
        away = np.hypot(*(free - np.array(place)).T)
        free = free[away >= spacing * (1 - 1e-9)]
    order = np.lexsort((free[:, 0], free[:, 1], np.round(np.hypot(*(free - (x, y)).T), 12)))
    return np.asarray(free[order])
