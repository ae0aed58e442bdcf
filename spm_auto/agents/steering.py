"""Steering: what a human may ask of an agent while it works, as values that can be written down."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Protocol, get_args, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from .. import units
from ..errors import AgentError
from ..instrument import FloatArray

Position = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Rescalarize:
    """Judge spectra by another scalarizer from now on, and all earlier ones anew.

    Attributes:
        scalarizer: Name of the scalarizer, a plugin.
    """

    kind: ClassVar[str] = "rescalarize"
    scalarizer: str

    def __str__(self) -> str:
        return f"judge all spectra by {self.scalarizer}"


@dataclass(frozen=True, slots=True)
class ForcePoint:
    """Measure next what lies nearest to a point, even if it was measured before.

    Attributes:
        x: Where [m].
        y: Where [m].
        bias: Amplitude of the bias window that comes nearest [V]; NaN leaves it open.
    """

    kind: ClassVar[str] = "force_point"
    x: float
    y: float
    bias: float = math.nan

    def __post_init__(self) -> None:
        _check_position((self.x, self.y))

    def __str__(self) -> str:
        bias = "" if math.isnan(self.bias) else f" with {units.format(self.bias, 'V', 4)}"
        return f"measure at {_place((self.x, self.y))}{bias}"


@dataclass(frozen=True, slots=True)
class Region:
    """A part of the sample: a circle, or a rectangle along x and y.

    Attributes:
        center: Its middle (x, y) [m].
        size: Extent along x and y of a rectangle [m].
        radius: Of a circle [m].
    """

    center: Position
    size: tuple[float, float] | None = None
    radius: float | None = None

    def __post_init__(self) -> None:
        _check_position(self.center)
        lengths = [*(self.size or ()), *(() if self.radius is None else (self.radius,))]
        if (self.size is None) == (self.radius is None) or not all(
            0 < length < math.inf for length in lengths
        ):
            raise ValueError(
                "a region needs either a size (two lengths) or a radius, positive and finite; "
                f"got size {self.size} and radius {self.radius}"
            )

    def contains(self, x: FloatArray, y: FloatArray) -> NDArray[np.bool_]:
        """Say which points lie in it; its edge belongs to it.

        Args:
            x: Sample coordinates [m], shape (n,).
            y: Sample coordinates [m], shape (n,).
        """
        across, up = np.abs(x - self.center[0]), np.abs(y - self.center[1])
        if self.size is not None:
            inside = (across <= self.size[0] / 2) & (up <= self.size[1] / 2)
        else:
            inside = np.hypot(across, up) <= self.radius
        return np.asarray(inside, dtype=bool)

    @property
    def words(self) -> str:
        """What and where, for people."""
        if self.size is not None:
            width, height = (units.format(length, "m", 3) for length in self.size)
            return f"{width} x {height} around {_place(self.center)}"
        assert self.radius is not None
        return f"{units.format(self.radius, 'm', 3)} around {_place(self.center)}"


@dataclass(frozen=True, slots=True)
class ForbidRegion(Region):
    """Measure nowhere in a region any more; what was found there is kept."""

    kind: ClassVar[str] = "forbid_region"

    def __str__(self) -> str:
        return f"stay out of {self.words}"


@dataclass(frozen=True, slots=True)
class AllowRegion(Region):
    """Take back that a region is forbidden."""

    kind: ClassVar[str] = "allow_region"

    def __str__(self) -> str:
        return f"{self.words} may be measured again"


@dataclass(frozen=True, slots=True)
class SetExploration:
    """Give what is not known another weight.

    Attributes:
        weight: How many standard deviations an unknown is worth; 0 is greedy.
    """

    kind: ClassVar[str] = "set_exploration"
    weight: float

    def __post_init__(self) -> None:
        if not 0 <= self.weight < math.inf:
            raise ValueError(f"the weight must be finite and not negative, got {self.weight:g}")

    def __str__(self) -> str:
        return f"weigh what is not known by {self.weight:g}"


@dataclass(frozen=True, slots=True)
class Prefer:
    """Answer "A or B?": one measured point is better than another.

    Attributes:
        better: The better one, as a candidate or as a position (x, y) [m]; of a position the
            nearest candidate that was measured is meant.
        worse: The other one.
    """

    kind: ClassVar[str] = "prefer"
    better: int | Position
    worse: int | Position

    def __post_init__(self) -> None:
        for point in (self.better, self.worse):
            if isinstance(point, tuple):
                _check_position(point)

    def __str__(self) -> str:
        better, worse = (
            _place(point) if isinstance(point, tuple) else f"candidate {point}"
            for point in (self.better, self.worse)
        )
        return f"{better} is better than {worse}"


Steering = Rescalarize | ForcePoint | ForbidRegion | AllowRegion | SetExploration | Prefer
_KINDS: Mapping[str, Any] = {cls.kind: cls for cls in get_args(Steering)}


@dataclass(frozen=True, slots=True)
class Order:
    """An intervention with who wants it, and why.

    Attributes:
        steering: What shall be done.
        who: Who wants it.
        why: Why, in words; empty when nothing was said.
    """

    steering: Steering
    who: str
    why: str = ""

    @property
    def values(self) -> dict[str, Any]:
        """What shall be done as a flat table of plain values, those that say something."""
        given = asdict(self.steering)
        return {name: value for name, value in given.items() if _is_given(value)}


@runtime_checkable
class SteeringWatch(Protocol):
    """What a watch has besides `Watch` when humans can step in through it."""

    def orders(self) -> "tuple[Order, ...]":
        """Record and hand over what was ordered since the last call, in order."""

    def steered(self, order: Order) -> None:
        """An order is about to be carried out."""

    def alarmed(self, message: str, cause: str) -> None:
        """Something happened that a human should know of."""


def steering_of(kind: str, values: Mapping[str, Any]) -> Steering:
    """Make an intervention again from what was recorded of it.

    Raises:
        AgentError: The record says nothing that this version could do.
    """
    if kind not in _KINDS:
        raise AgentError(f"there is no intervention {kind!r} (known: {', '.join(_KINDS)})")
    given = {
        name: tuple(value) if isinstance(value, list) else value for name, value in values.items()
    }
    try:
        steering: Steering = _KINDS[kind](**given)
    except (TypeError, ValueError) as error:
        raise AgentError(f"intervention {kind!r} with {dict(values)}: {error}") from error
    return steering


def _is_given(value: Any) -> bool:
    return value is not None and not (isinstance(value, float) and math.isnan(value))


def _check_position(point: Position) -> None:
    if not all(math.isfinite(value) for value in point):
        raise ValueError(f"a position needs finite coordinates, got {point}")


def _place(point: Position) -> str:
    x, y = (units.format(value, "m", 4) for value in point)
    return f"({x}, {y})"
