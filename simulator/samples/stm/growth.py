"""Where accidents put things: steps that wander, and points that keep their distance."""

import math

import numpy as np

from spm_auto.errors import InstrumentError
from spm_auto.instrument import FloatArray
from spm_auto.units import format

from .landscape import Steps

CLOSEST_STEPS = 0.15  # of the sample's size between two steps
TRIES = 50  # places looked at for each feature before there is said to be no room
WANDER_POINTS = 513


def scatter(
    count: int, size: float, apart: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Throw points on a square centred on 0 so that none lies too near to another.

    Args:
        count: How many.
        size: Side of the square [m].
        apart: Smallest distance [m].
        rng: Where chance comes from.

    Returns:
        x and y [m], each of shape (count,).

    Raises:
        InstrumentError: So many have no room.
    """
    points = np.empty((0, 2))
    for _ in range(TRIES * max(count, 1)):
        if len(points) == count:
            break
        point = rng.uniform(-size / 2, size / 2, 2)
        if not len(points) or np.min(np.hypot(*(points - point).T)) >= apart:
            points = np.concatenate([points, point[np.newaxis]])
    if len(points) < count:
        raise InstrumentError(
            f"{count} features that keep {format(apart, 'm')} apart have no room on a sample of "
            f"{format(size, 'm')}"
        )
    return points[:, 0].copy(), points[:, 1].copy()


def wandering_steps(
    count: int, height: float, size: float, roughness: float, rng: np.random.Generator
) -> Steps:
    """Lay parallel steps across a sample, each wandering about its line.

    Args:
        count: How many steps.
        height: Of each [m].
        size: Side of the sample [m].
        roughness: Standard deviation of the wandering [m].
        rng: Where chance comes from.

    Raises:
        InstrumentError: So many steps have no room.
    """
    angle = rng.uniform(0, 2 * math.pi)
    room = 0.8 * size - count * CLOSEST_STEPS * size
    if count and room <= 0:
        raise InstrumentError(f"{count} steps have no room on a sample of {format(size, 'm')}")
    gaps = np.sort(rng.uniform(0, max(room, 0.0), count)) if count else np.empty(0)
    at = gaps - 0.4 * size + CLOSEST_STEPS * size * (np.arange(count) + 0.5)
    along = np.linspace(-1, 1, WANDER_POINTS) * size
    waves = np.zeros((count, WANDER_POINTS))
    for harmonic in range(1, 9):  # amplitudes fall as those of a line with tension
        phase = rng.uniform(0, 2 * math.pi, (count, 1))
        wave = np.cos(math.pi * harmonic * along / size + phase)
        waves += wave * rng.standard_normal((count, 1)) / harmonic
    return Steps(
        angle=angle,
        at=at,
        height=np.full(count, height),
        wander=roughness * waves if count else np.zeros((0, 2)),
        pitch=float(along[1] - along[0]),
    )
