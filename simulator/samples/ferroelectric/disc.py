"""Switching in closed form: under the tip a disc flips, as far as the field overcomes the pinning.

A site switches at V+ = min(V_nucleation, V_wall(d)): either the tip makes a domain of its own or it
draws the nearest wall, at a distance d, to itself. Then everything nearer than r flips with
(1 + r^2 / R^2)^(-3/2) E V = f_pin - h. Below zero likewise with the opposite built-in field. Used
where no compiled code can be had, for maps of many sites at once, and to judge the phase field.
"""

import math

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import FloatArray

from .switching import Medium, Tip

INTRINSIC = 2 / (3 * math.sqrt(3))  # coercive field of a single domain
NUCLEATION = 2.77  # by how much the finite tip needs more than that; fitted to the phase field
PULL = 2.4  # field under the tip that draws a wall right beside it, in units of the pinning; fitted
REACH = 1.4  # distance over which a wall feels the tip, in radii of the tip; fitted

BoolArray = NDArray[np.bool_]


def switching_bias(
    barrier: FloatArray,
    built_in: FloatArray,
    pinning: FloatArray,
    distance: FloatArray,
    field: float,
    radius: float,
) -> FloatArray:
    """Return the bias at which a site switches up [V]; down is the same with -built_in, negated.

    Args:
        barrier: Local barrier, any shape.
        built_in: Built-in field.
        pinning: Dry friction.
        distance: To the nearest wall [m]; infinite without one.
        field: Of the tip at 1 V, right below it [1/V].
        radius: Of the tip [m].
    """
    nucleation = NUCLEATION * INTRINSIC * np.maximum(barrier, 0.0) ** 1.5 + pinning - built_in
    pulling = PULL * pinning * (1 + (distance / (REACH * radius)) ** 2) ** 1.5 - built_in
    return np.asarray(np.minimum(nucleation, pulling) / field)


def sweep(
    polarization: FloatArray,
    medium: Medium,
    tip: Tip,
    distance: FloatArray,
    radius: float,
    bias: FloatArray,
) -> FloatArray:
    """Step the bias over a patch, and read after each pulse, as `switching.sweep` does.

    Args:
        polarization: Of the patch; changed in place.
        medium: Of the patch.
        tip: Above the patch.
        distance: Of each cell from the tip [m], of the patch's shape.
        radius: Of the tip [m].
        bias: Of each pulse in order [V], shape (n,).

    Returns:
        The polarisation that the tip sees after each pulse, shape (n,).
    """
    stands = medium.barrier > 0
    stands[[0, -1], :] = stands[:, [0, -1]] = False  # the border is held

    def under_tip(values: FloatArray) -> FloatArray:
        return np.array([np.sum(tip.weights * values)])

    up = (polarization > 0)[np.newaxis, stands]
    seen = tip.weights[stands]
    resting = float(np.sum((tip.weights * polarization)[~stands]))
    full = np.sqrt(medium.barrier[stands])
    readings, now = loops(
        under_tip(medium.barrier),
        under_tip(medium.built_in),
        under_tip(medium.pinning),
        up,
        distance[stands],
        seen * full,
        float(tip.field.max()),
        radius,
        bias,
    )
    flipped = now[0] != up[0]
    values = polarization[stands]
    values[flipped] = np.where(now[0], full, -full)[flipped]
    polarization[stands] = values
    return np.asarray(readings[0] + resting)


def loops(
    barrier: FloatArray,
    built_in: FloatArray,
    pinning: FloatArray,
    up: BoolArray,
    distance: FloatArray,
    weights: FloatArray,
    field: float,
    radius: float,
    bias: FloatArray,
) -> tuple[FloatArray, BoolArray]:
    """Step the bias over many sites at once, each with its surroundings in cells or rings.

    Args:
        barrier: At each site, shape (n,).
        built_in: Likewise.
        pinning: Likewise.
        up: Which surroundings point up at first, shape (n, k).
        distance: Of the surroundings from the tip [m], shape (k,).
        weights: How much each counts in the reading, shape (k,).
        field: Of the tip at 1 V, right below it [1/V].
        radius: Of the tip [m].
        bias: Of each pulse in order [V], shape (m,).

    Returns:
        The readings, shape (n, m), and which surroundings point up in the end, shape (n, k).
    """
    spread = (1 + (distance / radius) ** 2) ** 1.5 / field
    readings = np.empty((len(barrier), len(bias)))
    up = up.copy()
    nearest = np.argmin(distance)
    for k, volts in enumerate(np.asarray(bias, dtype=float).tolist()):
        sign = 1.0 if volts > 0 else -1.0
        there = up if volts > 0 else ~up
        away = np.where(there, distance, np.inf).min(axis=1)
        helped = sign * built_in
        onset = switching_bias(barrier, helped, pinning, away, field, radius)
        begins = there[:, nearest] | (sign * volts >= onset)
        flips = sign * volts >= (pinning - helped)[:, np.newaxis] * spread
        if volts:
            up[begins[:, np.newaxis] & flips] = volts > 0
        readings[:, k] = np.where(up, weights, -weights).sum(axis=1)
    return readings, up
