"""Tapping mode by harmonic balance: where the feedback holds the tip, and with what phase."""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from .contact import ContactLaw

Regime = Literal["attractive", "repulsive"]

PHASES = 96  # points of half an oscillation; they crowd where the tip is close to the sample
BRANCH_NODES = 300  # of the tabulated contact
GAPS = 160  # lowest points of the oscillation that are tried
HIGHEST = 5e-9  # [m], the highest of them: nothing is felt there
FINEST = 0.3e-9  # [m], scale below which they are evenly spaced


@dataclass(frozen=True, slots=True)
class Oscillation:
    """A cantilever driven at its resonance, and the amplitude that the feedback holds.

    Attributes:
        stiffness: k [N/m].
        resonance: f0 [Hz].
        quality: Q, without the sample.
        free: Amplitude A0 far away [m].
        setpoint: Amplitude A that the feedback holds [m], below the free one.
    """

    stiffness: float
    resonance: float
    quality: float
    free: float
    setpoint: float


@dataclass(frozen=True, slots=True, eq=False)
class Balance:
    """What an oscillation of the set amplitude feels at various heights.

    Attributes:
        gap: Lowest point of the oscillation over the surface [m], shape (n,), falling.
        virial: V = (2 / k A) <F cos>, shape (n,): positive where attraction prevails.
        adhesive: Energy lost by the hysteresis of the contact [J], shape (n,).
        viscous: Energy lost per viscosity [J/(Pa s)], shape (n,).
    """

    gap: FloatArray
    virial: FloatArray
    adhesive: FloatArray
    viscous: FloatArray


@dataclass(frozen=True, slots=True, eq=False)
class Rest:
    """Where the feedback comes to rest; arrays of the shape of the viscosities.

    Attributes:
        gap: Lowest point of the oscillation [m], negative where the sample is indented.
        phase: Of the oscillation behind its drive [rad], pi/2 far away.
        dissipation: Energy lost in each period [J].
    """

    gap: FloatArray
    phase: FloatArray
    dissipation: FloatArray


def balance(law: ContactLaw, oscillation: Oscillation) -> Balance:
    """Average the force over oscillations of the set amplitude at all heights that matter.

    The tip touches where van der Waals attraction equals the pull-off and lets go where a contact
    at fixed distance breaks: between the two the ways in and out differ, which costs energy. The
    drag of a viscous contact is eta a v with contact radius a and velocity v.

    Source:
        A. San Paulo, R. Garcia, Phys. Rev. B 64, 193411 (2001) for the virial.
    """
    amplitude = oscillation.setpoint
    angle = (np.arange(PHASES) + 0.5) * np.pi / PHASES
    cosine = np.cos(angle)
    gap = _lowest_points(2 * amplitude)
    distance = gap[:, np.newaxis] + amplitude * (1 + cosine)
    inward, outward, radius = _forces(law, distance)
    # 2 <F cos> over a whole period; the hysteresis as the area between the two ways
    virial = (inward + outward) @ cosine / (PHASES * oscillation.stiffness * amplitude)
    sine = np.sin(angle)
    adhesive = (inward - outward) @ sine * (amplitude * np.pi / PHASES)
    speed = 2 * math.pi * oscillation.resonance * amplitude
    viscous = radius @ sine**2 * (2 * np.pi / PHASES) * speed * amplitude
    return Balance(gap, virial, adhesive, viscous)


def rest(
    balance: Balance, oscillation: Oscillation, viscosity: FloatArray, regime: Regime = "repulsive"
) -> Rest:
    """Find where the amplitude is the one set: A^2 [(1/Q + E/(pi k A^2))^2 + V^2] = (A0/Q)^2.

    Args:
        balance: Of the contact.
        oscillation: The same as there.
        viscosity: Of the sample [Pa s], any shape.
        regime: Which solution where there are two; the attractive one, if there is one at all, is
            the first on the way down.

    Raises:
        ValueError: The amplitude is nowhere reduced to the set-point.

    Source:
        J. Cleveland et al., Appl. Phys. Lett. 72, 2613 (1998) for the phase.
    """
    amplitude, quality = oscillation.setpoint, oscillation.quality
    viscosity = np.asarray(viscosity, dtype=float)
    lost = balance.adhesive + viscosity[..., np.newaxis] * balance.viscous
    damping = 1 / quality + lost / (math.pi * oscillation.stiffness * amplitude**2)
    excess = damping**2 + balance.virial**2 - (oscillation.free / (amplitude * quality)) ** 2
    place = _first_crossing(excess) if regime == "attractive" else _last_crossing(excess)
    gap, virial, energy = (
        _between(values, place) for values in (balance.gap, balance.virial, lost)
    )
    real = 1 / quality + energy / (math.pi * oscillation.stiffness * amplitude**2)
    return Rest(gap=gap, phase=np.arctan2(real, -virial), dissipation=energy)


def regime_on_approach(law: ContactLaw, oscillation: Oscillation, viscosity: float) -> Regime:
    """Return on which branch the set-point is met when the tip comes down.

    While the amplitude falls from the free one, the tip stays where attraction alone reduces it,
    as long as that is enough; then it jumps to where it hits the sample.
    """
    for share in np.linspace(1.0, oscillation.setpoint / oscillation.free, 12)[1:].tolist():
        smaller = Oscillation(
            oscillation.stiffness,
            oscillation.resonance,
            oscillation.quality,
            oscillation.free,
            share * oscillation.free,
        )
        felt = balance(law, smaller)
        first = rest(felt, smaller, np.array(viscosity), "attractive")
        if float(first.phase) < math.pi / 2:
            return "repulsive"
    return "attractive"


def _lowest_points(deepest: float) -> FloatArray:
    """Return lowest points of the oscillation from high to deep, close together at the surface."""
    high, deep = (math.asinh(end / FINEST) for end in (HIGHEST, -deepest))
    return np.asarray(FINEST * np.sinh(np.linspace(high, deep, GAPS)))


def _forces(law: ContactLaw, distance: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the force on the way in and out [N] and the mean contact radius [m] at distances."""
    touching = float(law.touching)
    breaking = max(float(law.gap(law.end)), touching)
    deepest = -float(distance.min())
    depth = max(2 * (deepest + touching) * law.radius, 0.0) ** 0.75
    v = np.linspace(float(law.end), max(depth, 2 * float(law.pull) * law.radius), BRANCH_NODES)
    gaps, loads, radii = law.gap(v)[::-1], law.load(v)[::-1], np.cbrt(v)[::-1] ** 2
    apart = law.attraction(np.maximum(distance, touching))
    held = np.interp(distance, gaps, loads)
    radius = np.interp(distance, gaps, radii)
    is_in, is_held = distance <= touching, distance < breaking
    return (
        np.where(is_in, held, apart),
        np.where(is_held, held, apart),
        np.where(is_held, np.where(is_in, radius, radius / 2), 0.0),
    )


def _first_crossing(excess: FloatArray) -> FloatArray:
    """Return the fractional index of the first zero along the last axis, from high to deep."""
    above = excess >= 0
    if not above.any(axis=-1).all():
        raise ValueError(_TOO_SOFT)
    return _crossing(excess, np.argmax(above, axis=-1))


def _last_crossing(excess: FloatArray) -> FloatArray:
    """Return the fractional index of the last zero along the last axis, from high to deep."""
    below = excess[..., ::-1] < 0
    if below[..., 0].any():
        raise ValueError(_TOO_SOFT)
    return _crossing(excess, excess.shape[-1] - np.argmax(below, axis=-1))


_TOO_SOFT = "the sample is too soft: the amplitude never falls to the set-point"


def _crossing(excess: FloatArray, after: NDArray[np.intp]) -> FloatArray:
    high, low = _at(excess, after), _at(excess, after - 1)
    return np.asarray(after - high / (high - low))


def _between(values: FloatArray, place: FloatArray) -> FloatArray:
    """Interpolate along the last axis at fractional indices."""
    index = np.minimum(place.astype(int), values.shape[-1] - 2)
    share = place - index
    return np.asarray(_at(values, index) * (1 - share) + _at(values, index + 1) * share)


def _at(values: FloatArray, index: NDArray[np.intp]) -> FloatArray:
    """Return the values at indices along the last axis, for each row its own."""
    if values.ndim == 1:
        return np.asarray(values[index])
    return np.asarray(np.take_along_axis(values, index[..., np.newaxis], axis=-1)[..., 0])
