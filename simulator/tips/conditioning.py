"""What becomes of a tip: how another one is drawn, and what conditioning does to tip and surface.

All functions draw the same number of random numbers whatever comes of it.
"""

import math
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from .settings import TipLifeSettings
from .state import TipState, Twin

MEMORY = 0.5  # how much of the old radius's logarithm stays at a change: blunt tips stay blunt
KINSHIP = 0.6  # correlation of blur and radius
GOOD = 0.4  # spreads of a well conditioned tip in units of those of any
RARE = 0.25  # chance of a second end of a well conditioned tip, likewise
TWIN_SPREAD = 0.5  # of the logarithm of the distance between two ends
ENOUGH = 2.0  # strength from which an attempt is as good as it gets
TOO_MUCH = 4.0  # strength beyond which it does ever more harm ...
RUINOUS = 8.0  # ... until it does nothing else
PIT = 0.1  # depth of what a crash or a pulse leaves, in radii


@dataclass(frozen=True, slots=True)
class Damage:
    """What is left on the surface around a point.

    Attributes:
        radius: Of the pit or mound [m].
        depth: In its middle [m]; negative for a mound.
    """

    radius: float
    depth: float


class Outcome(StrEnum):
    """What an attempt to make a better tip came to."""

    NOTHING = "nothing"
    BETTER = "better"
    WORSE = "worse"


def changed(
    tip: TipState,
    good: TipState,
    settings: TipLifeSettings,
    rng: np.random.Generator,
    blunting: float = 0.0,
) -> TipState:
    """Draw the tip that another becomes.

    Radius and blur wander around those of a good tip, remembering half of where they were.

    Args:
        tip: As it was.
        good: What it would be if it were good.
        settings: How much changes.
        rng: Where chance comes from.
        blunting: Mean rise of the logarithm of radius and blur.
    """
    return _drawn(tip, good, settings, rng, MEMORY, blunting, 1.0, settings.twin)


def sharpened(
    tip: TipState, good: TipState, settings: TipLifeSettings, rng: np.random.Generator
) -> TipState:
    """Draw a well conditioned tip: near a good one, rarely with two ends."""
    return _drawn(tip, good, settings, rng, 0.0, 0.0, GOOD, RARE * settings.twin)


def attempted(
    strength: float, success: float, settings: TipLifeSettings, rng: np.random.Generator
) -> Outcome:
    """Draw what comes of an attempt.

    Args:
        strength: In units of the least that does anything.
        success: Chance of a good tip if strong enough.
        settings: Of the tip's life.
        rng: Where chance comes from.
    """
    draw = rng.random()
    effect = min(max((strength - 1) / (ENOUGH - 1), 0.0), 1.0)
    excess = min(max((strength - TOO_MUCH) / (RUINOUS - TOO_MUCH), 0.0), 1.0)
    better = success * effect * (1 - excess)
    worse = settings.worsening * effect
    if success or settings.worsening:
        worse += (1 - worse) * excess
    if draw < better:
        return Outcome.BETTER
    return Outcome.WORSE if draw > 1 - worse else Outcome.NOTHING


def damaged(strength: float, settings: TipLifeSettings, depth: float | None = None) -> Damage:
    """Return what an attempt or a crash does to the surface.

    Args:
        strength: As in `attempted`; below 1 nothing happens.
        settings: Of the tip's life.
        depth: Of what is left [m]; None: in proportion to its radius.
    """
    if strength < 1 or settings.damage == 0:
        return Damage(0.0, 0.0)
    radius = settings.damage * min(strength, 4.0)
    return Damage(radius, PIT * radius if depth is None else depth)


def _drawn(
    tip: TipState,
    good: TipState,
    settings: TipLifeSettings,
    rng: np.random.Generator,
    memory: float,
    blunting: float,
    width: float,
    twin_share: float,
) -> TipState:
    normal = rng.standard_normal(6)
    uniform = rng.random(4)
    drop = rng.exponential()
    sigma = width * settings.spread

    def wandered(now: float, mean: float, deviation: float) -> float:
        return mean * math.exp(memory * math.log(now / mean) + blunting + sigma * deviation)

    blur = KINSHIP * normal[0] + math.sqrt(1 - KINSHIP**2) * normal[1]
    gains = math.log(settings.lowest_gain), math.log(settings.highest_gain)
    twin = None
    if uniform[2] < twin_share:
        distance = settings.twin_distance * math.exp(TWIN_SPREAD * normal[4])
        angle = 2 * math.pi * uniform[3]
        twin = Twin(
            distance * math.cos(angle), distance * math.sin(angle), settings.twin_drop * drop
        )
    return replace(
        tip,
        radius=wandered(tip.radius, good.radius, float(normal[0])),
        blur=wandered(tip.blur, good.blur, float(blur)),
        offset=tip.offset + settings.offset * float(normal[2]),
        exponent=good.exponent * math.exp(width * settings.exponent * float(normal[3])),
        gain=good.gain * math.exp(width * (gains[0] + (gains[1] - gains[0]) * float(uniform[0]))),
        phase=good.phase + width * settings.phase * (2 * float(uniform[1]) - 1),
        twin=twin,
    )
