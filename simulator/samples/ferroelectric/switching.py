"""Switching under the tip: the phase field of a patch of film, with walls that stick.

A cell moves with dp/dt = sign(F) max(|F| - f_pin, 0), where
F = p (a - p^2) + g lap p + h + V t. Here a is the local barrier, h the built-in field, t the field
of the tip at 1 V and f_pin a dry friction: a wall that is not pushed hard enough stays where it is,
so what was written remains. All in reduced units; the cells at the border of the patch are held.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from ...compiled import compiled

TIME_STEP = 0.2  # reduced time of one step
STABLE = 1.9  # an explicit step times the steepest slope of the force must stay below 2
STEPS_BETWEEN_CHECKS = 64  # how often a long pulse is asked whether anything still moves
AT_REST = 1e-12  # change of the polarisation per step below which nothing moves any more
FULL_PINNING = 16  # steps of a pulse before the pinning begins to yield
LONGEST = 256  # steps that are taken at one pinning: what still moves then goes on at the next


@dataclass(frozen=True, slots=True, eq=False)
class Medium:
    """What a piece of film does to its polarisation; arrays of one shape, in reduced units.

    Attributes:
        barrier: Local height a of the double well, 1 in the perfect film.
        built_in: Built-in field h.
        pinning: Dry friction f_pin.
        gradient: Stiffness g against changes from cell to cell.
    """

    barrier: FloatArray
    built_in: FloatArray
    pinning: FloatArray
    gradient: float


@dataclass(frozen=True, slots=True, eq=False)
class Tip:
    """What the tip does to the patch and sees of it; arrays of the patch's shape.

    Attributes:
        field: Field of the tip at 1 V [1/V].
        weights: How much each cell counts in the reading; their sum is 1.
    """

    field: FloatArray
    weights: FloatArray


def sweep(
    polarization: FloatArray,
    medium: Medium,
    tip: Tip,
    bias: FloatArray,
    steps_on: int,
    steps_off: int,
    creep: float = 0.0,
) -> FloatArray:
    """Step the bias, and read the polarisation after each pulse with the bias off.

    Args:
        polarization: Of the patch; changed in place.
        medium: Of the patch.
        tip: Above the patch.
        bias: Of each pulse in order [V], shape (n,).
        steps_on: Steps during a pulse.
        steps_off: Steps between the end of a pulse and the reading.
        creep: Share of the pinning that is lost in each decade of time during a pulse.

    Returns:
        The polarisation that the tip sees after each pulse, shape (n,).
    """
    readings = np.empty(len(bias))
    steps, pinning = yielding(steps_on, creep)
    compiled(_sweep)(
        polarization,
        medium.barrier - 4 * medium.gradient,
        medium.built_in,
        medium.pinning,
        medium.gradient,
        tip.field,
        tip.weights,
        np.asarray(bias, dtype=float),
        steps,
        pinning,
        steps_off,
        _finer(medium, tip, bias),
        readings,
    )
    return readings


def settle(polarization: FloatArray, medium: Medium, steps: int) -> FloatArray:
    """Let a whole periodic film come to rest without a tip.

    A cell feels only its neighbours in one step, so a margin as wide as the number of steps, taken
    from the other side of the film, makes the held border of no consequence.

    Args:
        polarization: Of the film, shape (cells, cells); left as it is.
        medium: Of the film.
        steps: How many steps.

    Returns:
        The polarisation at rest, shape (cells, cells).
    """

    def wide(field: FloatArray) -> FloatArray:
        return np.pad(field, steps, mode="wrap")

    patch = wide(polarization)
    medium = Medium(
        wide(medium.barrier), wide(medium.built_in), wide(medium.pinning), medium.gradient
    )
    nothing = np.zeros_like(patch)
    sweep(patch, medium, Tip(nothing, nothing), np.zeros(1), steps, 0)
    return np.ascontiguousarray(patch[steps:-steps, steps:-steps])


def _finer(medium: Medium, tip: Tip, bias: FloatArray) -> FloatArray:
    """Return how many times more steps each pulse needs to stay stable, 1 or more, shape (n,).

    The polarisation grows to the root of p^3 - a p = E, where the well is as steep as 3 p^2 - a;
    the gradient adds up to 8 g. A high bias makes it so steep that an uncut step would overshoot.
    """
    barrier = float(np.max(medium.barrier))
    field = float(np.max(np.abs(medium.built_in))) + np.abs(bias) * float(np.max(tip.field))
    p = np.empty(len(bias))
    compiled(_saturated)(barrier, field, p)
    lying = max(0.0, -float(np.min(medium.barrier)))  # no double well at all: only steeper
    steepest = 3 * p**2 - barrier + lying + 8 * medium.gradient
    return np.asarray(np.maximum(TIME_STEP * steepest / STABLE, 1.0))


def yielding(steps: int, creep: float) -> tuple[NDArray[np.int64], FloatArray]:
    """Cut a pulse into parts of constant pinning, which falls with the logarithm of time.

    f_pin(t) = f_pin (1 - c)^log10(t / t0) from t0 = 16 steps on, in octaves. A wall at rest at one
    pinning waits for the next, so long parts are cut short: a pulse costs the logarithm of its
    length.

    Args:
        steps: Of the pulse.
        creep: Share c that is lost in each decade.

    Returns:
        The steps of each part, and its pinning in units of that at the beginning.
    """
    if not creep or steps <= FULL_PINNING:
        return np.array([steps]), np.ones(1)
    parts, pinning = [FULL_PINNING], [1.0]
    done = FULL_PINNING
    while done < steps:
        end = min(2 * done, steps)
        decades = math.log10(math.sqrt(done * end) / FULL_PINNING)
        parts.append(min(end - done, LONGEST))
        pinning.append((1 - creep) ** decades)
        done = end
    return np.array(parts), np.array(pinning)


def _saturated(barrier: float, field: FloatArray, p: FloatArray) -> None:
    """Fill in the largest root of p^3 - a p = E for fields E that are not negative; compiled."""
    for k in range(field.size):
        root = 1 + math.sqrt(max(barrier, 0.0)) + field[k] ** (1 / 3)  # above the root
        for _ in range(20):  # Newton comes down to it
            excess = root * (root * root - barrier) - field[k]
            root -= excess / (3 * root * root - barrier)
        p[k] = root


def _sweep(
    polarization: FloatArray,
    slope: FloatArray,
    built_in: FloatArray,
    pinning: FloatArray,
    gradient: float,
    tip_field: FloatArray,
    weights: FloatArray,
    bias: FloatArray,
    steps_on: NDArray[np.int64],
    yielding: FloatArray,
    steps_off: int,
    finer: FloatArray,
    readings: FloatArray,
) -> None:
    rows, columns = polarization.shape
    now, after = polarization.copy(), polarization.copy()
    field, held = built_in.copy(), pinning.copy()
    for k in range(bias.size):
        for part in range(steps_on.size + 1):
            on = part < steps_on.size
            planned = steps_on[part] if on else steps_off
            steps = int(np.ceil(planned * finer[k])) if on else planned
            time_step = TIME_STEP * planned / max(steps, 1)
            volts = bias[k] if on else 0.0
            kept = yielding[part] if on else 1.0
            for i in range(rows):
                for j in range(columns):
                    field[i, j] = built_in[i, j] + volts * tip_field[i, j]
                    held[i, j] = kept * pinning[i, j]
            for step in range(steps):
                for i in range(1, rows - 1):
                    for j in range(1, columns - 1):
                        p = now[i, j]
                        around = now[i - 1, j] + now[i + 1, j] + now[i, j - 1] + now[i, j + 1]
                        force = p * (slope[i, j] - p * p) + gradient * around + field[i, j]
                        pin = held[i, j]
                        after[i, j] = p + time_step * (force - min(max(force, -pin), pin))
                now, after = after, now
                if (step + 1) % STEPS_BETWEEN_CHECKS == 0:
                    change = 0.0
                    for i in range(rows):
                        for j in range(columns):
                            change = max(change, abs(now[i, j] - after[i, j]))
                    if change < AT_REST:
                        break
        seen = 0.0
        for i in range(rows):
            for j in range(columns):
                seen += weights[i, j] * now[i, j]
        readings[k] = seen
    for i in range(rows):
        for j in range(columns):
            polarization[i, j] = now[i, j]
