"""first_scan: a tilted surface with a few bumps; how tilted, how rough, how high and how wide?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from spm_auto.instrument import FloatArray
from spm_auto.lessons import Answer, Lesson, Question, Tolerance
from spm_auto.settings import parse_toml, validate

from ..randomness import RandomStreams
from ..samples.afm import AfmSample, Spot, StiffInclusionsSettings
from ..samples.afm.surface import middles
from .behind import behind, chance

STEEPEST = 2.0  # tilt along each axis, at most [deg]
LEAST_TILT = 0.4  # and at least [deg]
ROUGHNESS = (1.0e-9, 3.0e-9)  # [m]
RADII = (0.13e-6, 0.2e-6)  # median radius of the bumps [m]
BUMPS = (5, 9)
MORE = 20  # bumps that are added if none is where it is asked for
INSIDE = 1.5e-6  # a bump that is asked for lies so near to the middle, along x and y [m]

_LAB = """\
schema_version = 1
laboratory = "first scan"

[instrument]
kind = "simulator"
level = 2
sample = {{ kind = "stiff_inclusions", size = "4 um", count = {bumps}, decoy_count = 0, \
radius = "{radius:.2f} nm", radius_spread = 0.3, roughness = "{roughness:.4f} nm" }}
technique = {{ kind = "afm" }}
scanner = {{ preset = "perfect", tilt_x = "{tilt_x:.4f} deg", tilt_y = "{tilt_y:.4f} deg" }}

[limits]
scan_speed = "50 um/s"

[clock]
kind = "instant"
"""


class FirstScan(Lesson):
    """The first image of a sample that nobody has put in straight."""

    number = 1
    name = "first_scan"
    title = "A first scan"
    questions: ClassVar[Mapping[str, Question]] = {
        "tilt": Question(
            "By how much does the sample rise along x, and along y (slopes, with sign)?",
            unit="rad",
            size=2,
        ),
        "roughness": Question(
            "What is the rms roughness of the flat part, without tilt and bumps?", unit="m"
        ),
        "highest": Question(
            "Of the bumps whose middle is within 1.5 um of the origin along x and along y: where "
            "is the top of the highest one?",
            unit="m",
            size=2,
        ),
        "height": Question("How high does it stand over the flat part around it?", unit="m"),
        "width": Question("How wide is it at its foot?", unit="m"),
    }
    tolerances: ClassVar[Mapping[str, Tolerance]] = {
        "tilt": Tolerance(0.05, is_share=True),
        "roughness": Tolerance(0.15, is_share=True),
        "highest": Tolerance(40e-9),
        "height": Tolerance(0.08, is_share=True),
        "width": Tolerance(0.12, is_share=True),
    }

    def lab(self, seed: int) -> str:
        """Return the lab file: tilt, roughness, number and size of the bumps are drawn."""
        rng = chance(self, seed)
        tilts = rng.uniform(LEAST_TILT, STEEPEST, 2) * rng.choice([-1, 1], 2)
        drawn = {
            "radius": 1e9 * float(rng.uniform(*RADII)),
            "roughness": 1e9 * float(rng.uniform(*ROUGHNESS)),
            "tilt_x": tilts[0],
            "tilt_y": tilts[1],
        }
        least = int(rng.integers(*BUMPS, endpoint=True))
        labs = (_LAB.format(bumps=bumps, **drawn) for bumps in range(least, least + MORE))
        return next(lab for lab in labs if any(map(is_inside, spots(lab, seed))))

    def truth(self, seed: int) -> Mapping[str, Answer]:
        """Return tilt, roughness, and the bump around the middle that stands highest."""
        truth = behind(self, seed).truth
        scanner, bump = truth.scanner.settings, highest_bump(truth.sample)
        return {
            "tilt": (math.tan(scanner.tilt_x), math.tan(scanner.tilt_y)),
            "roughness": bump.roughness,
            "highest": (bump.x, bump.y),
            "height": bump.height,
            "width": bump.width,
        }


@dataclass(frozen=True, slots=True)
class Bump:
    """The highest bump around the middle of a sample.

    Attributes:
        x: Of its top [m].
        y: Of its top [m].
        height: Of its top over the flat part [m].
        width: At its foot [m].
        roughness: Of the flat part around all bumps, rms [m].
    """

    x: float
    y: float
    height: float
    width: float
    roughness: float


def is_inside(spot: Spot) -> bool:
    """Say whether a bump is one of those that are asked for."""
    return max(abs(spot.x), abs(spot.y)) < INSIDE


def spots(lab: str, seed: int) -> tuple[Spot, ...]:
    """Return the bumps of the sample of a lab file."""
    table = parse_toml(lab, "lab")["instrument"]["sample"]
    sample = validate(StiffInclusionsSettings, table, "sample")
    return sample.build(RandomStreams(seed)).spots


def highest_bump(sample: object) -> Bump:
    """Find it in the sample itself.

    Raises:
        TypeError: The sample has no bumps.
    """
    if not isinstance(sample, AfmSample):
        raise TypeError("only a sample of an AFM has bumps")
    height = sample.fields.height
    along = middles(sample.size, len(height))
    y, x = np.meshgrid(along, along, indexing="ij")
    away = [_distance(x, y, spot, sample.size) / spot.radius for spot in sample.spots]
    flat = np.min(away, axis=0) > 1.1
    inside = [
        (np.where(at < 1, height, -np.inf), spot)
        for at, spot in zip(away, sample.spots, strict=True)
        if is_inside(spot)
    ]
    rise, spot = max(inside, key=lambda each: float(each[0].max()))
    top = np.unravel_index(int(np.argmax(rise)), rise.shape)
    level = float(np.median(height[flat]))
    return Bump(
        x=float(x[top]),
        y=float(y[top]),
        height=float(height[top]) - level,
        width=2 * spot.radius,
        roughness=float(np.std(height[flat])),
    )


def _distance(x: FloatArray, y: FloatArray, spot: Spot, size: float) -> FloatArray:
    """Return how far places are from the middle of a spot [m]; the sample goes on periodically."""
    right, up = np.abs(x - spot.x), np.abs(y - spot.y)
    return np.hypot(np.minimum(right, size - right), np.minimum(up, size - up))
