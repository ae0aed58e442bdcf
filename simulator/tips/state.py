"""TipState: what a tip is at one moment."""

import math
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Twin:
    """A second apex beside the first.

    Attributes:
        dx: Where it is, seen from the first apex [m].
        dy: Likewise along y [m].
        dz: How much higher above the surface it ends [m], not negative.
    """

    dx: float
    dy: float
    dz: float

    def __post_init__(self) -> None:
        if not 0 <= self.dz < math.inf:
            raise ValueError(f"a second apex must end above the first, got dz = {self.dz:g} m")


@dataclass(frozen=True, slots=True)
class TipState:
    """A tip between two events; a technique takes from it what matters for its contrast.

    Attributes:
        radius: Of the apex [m].
        offset: Height by which everything appears shifted since the first tip [m].
        gain: Sensitivity in units of a good tip's.
        phase: Shift of a lock-in's phase [rad].
        blur: Width of what the tip averages over, in units of a good tip's.
        exponent: Decay of the current with distance in units of a good tip's: its work function
            and the orbital at its end.
        twin: A second apex, if there is one.
    """

    radius: float = 25e-9
    offset: float = 0.0
    gain: float = 1.0
    phase: float = 0.0
    blur: float = 1.0
    exponent: float = 1.0
    twin: Twin | None = None

    def __post_init__(self) -> None:
        for name, unit in (("radius", " m"), ("gain", ""), ("blur", ""), ("exponent", "")):
            value = getattr(self, name)
            if not 0 < value < math.inf:
                raise ValueError(f"a tip's {name} must be positive, got {value:g}{unit}")
