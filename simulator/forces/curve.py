"""Force curves of a tip on a spring: snap-in and snap-off without stepping through time."""

import math
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import FloatArray

from .contact import CUT_OFF, ContactLaw

CONTACT_NODES = 600  # along the contact branch: the load between two is off by 1e-4 of the pull-off
DISTANT_NODES = 800  # along the attraction before the contact
FAR = 2.0  # the branch ends at this multiple of the largest base position


@dataclass(frozen=True, slots=True)
class Meniscus:
    """A water bridge that forms on contact and holds the tip until it breaks.

    F = 4 pi R gamma cos(theta) at contact, falling off linearly to the distance of rupture.

    Attributes:
        force: At contact [N].
        length: Gap at which it breaks [m].

    Source:
        J. Israelachvili, Intermolecular and Surface Forces (2011), section 17.11, for the force.
    """

    force: float
    length: float

    def attraction(self, gap: FloatArray) -> FloatArray:
        """Return its force on the tip at a gap [N], negative; gaps are not below zero."""
        return np.asarray(-self.force * np.maximum(1 - gap / self.length, 0.0))


@dataclass(frozen=True, slots=True, eq=False)
class _Branches:
    """Equilibria of the tip from deep in the sample to far away, shape (n,) each [m], [N]."""

    gap: FloatArray
    force: FloatArray

    def base(self, stiffness: float) -> FloatArray:
        """Return where the cantilever's base stands, measured as a gap [m]."""
        return self.gap - self.force / stiffness


def force_curve(
    law: ContactLaw, stiffness: float, base: FloatArray, meniscus: Meniscus | None = None
) -> tuple[FloatArray, FloatArray]:
    """Return the force on the tip against the position of the base, there and back.

    For every gap d there is one base position of equilibrium, Z(d) = d - F(d)/k; where that folds
    back, the tip jumps. On the way in it follows the outer branch to its last point: the running
    minimum of Z from far away. On the way out it follows the inner one: the running maximum.

    Args:
        law: Of the contact, of numbers.
        stiffness: Of the cantilever [N/m].
        base: Gap that there would be if the cantilever did not bend [m], shape (n,).
        meniscus: Water bridge that forms when tip and sample touch; None in dry surroundings.

    Returns:
        Approach and retract [N], each of shape (n,), positive where the tip is pushed away.
    """
    margin = meniscus.force if meniscus is not None else 0.0
    contact = _contact(law, float(np.min(base)), stiffness, margin)
    distant = _distant(law, float(np.max(base)))
    inward = _joined(contact, distant, meniscus, is_wet_outside=False)
    outward = _joined(contact, distant, meniscus, is_wet_outside=True)
    way_in = np.minimum.accumulate(inward.base(stiffness)[::-1])[::-1]
    way_out = np.maximum.accumulate(outward.base(stiffness))
    approach = np.interp(base, way_in, inward.force)
    return approach, np.interp(base, way_out, outward.force)


def base_at(law: ContactLaw, stiffness: float, load: float) -> float:
    """Return the base position at which the cantilever presses with a load [m]."""
    return float(law.gap(law.at_load(load))) - load / stiffness


def _contact(law: ContactLaw, deepest: float, stiffness: float, margin: float) -> _Branches:
    """Return the contact branch, from beyond the deepest base position to where it breaks.

    Args:
        law: Of the contact.
        deepest: Lowest base position [m].
        stiffness: Of the cantilever [N/m].
        margin: Attraction that comes on top of the law's own [N].
    """
    # two bounds hold: the cantilever bends no more, and the tip goes no deeper, than the base goes
    way = max(-deepest, 0.0) - float(law.indentation(law.end)) + CUT_OFF
    attraction = float(law.pull_off) + margin
    by_load = float(law.at_load(stiffness * way + attraction))
    depth = way + attraction / stiffness
    by_depth = max((2 * depth * law.radius) ** 0.75, 2 * float(law.pull) * law.radius)
    v = np.linspace(min(by_load, by_depth), float(law.end), CONTACT_NODES)
    return _Branches(law.gap(v), law.load(v))


def _distant(law: ContactLaw, farthest: float) -> _Branches:
    touching = float(law.touching)
    farther = math.log(max(FAR * farthest / touching, FAR))
    gap = touching * np.exp(np.linspace(0.0, farther, DISTANT_NODES))
    return _Branches(gap, law.attraction(gap))


def _joined(
    contact: _Branches, distant: _Branches, meniscus: Meniscus | None, is_wet_outside: bool
) -> _Branches:
    inside, outside = contact.force, distant.force
    if meniscus is not None:
        inside = inside + meniscus.attraction(np.maximum(contact.gap, 0.0))
        if is_wet_outside:
            outside = outside + meniscus.attraction(distant.gap)
    return _Branches(np.concatenate([contact.gap, distant.gap]), np.concatenate([inside, outside]))
