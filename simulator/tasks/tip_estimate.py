"""A2 tip_estimate: how blunt is a tip, and has it two ends, as told by images of bumps?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from spm_auto.instrument import FloatArray, Scan, ScanFrame, ScanImage
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..randomness import RandomStreams
from ..samples.afm import AfmSample, StiffInclusionsSettings
from ..samples.afm.stiff_inclusions import GLASS
from ..scanner import ScannerSettings
from ..settings import SimulatorSettings
from ..techniques.afm import AfmSettings, AfmTechnique
from ..techniques.afm.probe import usual_probe
from ..tips import TipLifeState, Twin
from .stage import Stage, mount, site_labels, sites
from .tip_belief import (
    DISTANCES,
    DROP,
    GROUND,
    LEAST,
    RADII,
    Belief,
    Bump,
    bumps,
    levelled,
    smoothed,
)

SIZE = 1.8e-6  # of the sample [m]
SITES = 40  # along each side, on which looks are centred
MARGIN = 0.13e-6  # between the outermost ones and the edge of the sample [m]
OVERVIEW_PIXELS = 180  # along each side
OVERVIEW_RATE = 1.0  # lines per second [Hz]
NEAR = 25e-9  # distance of a top within which a place is one [m]
LOW, HIGH = 3e-9, 10e-9  # of bumps, as an overview shows them [m]
RADIUS_SHARE = 0.75  # of the regret that the radius makes up


@dataclass(frozen=True, slots=True)
class Look:
    """A way to look at a place.

    Attributes:
        name: For people.
        size: Of the image [m].
        pixels: Along each side.
        rate: Lines per second [Hz].
    """

    name: str
    size: float
    pixels: int
    rate: float

    def at(self, x: float, y: float) -> Scan:
        """Return the scan around a point [m]."""
        frame = ScanFrame((x, y), (self.size, self.size), (self.pixels, self.pixels))
        return Scan(frame, ("height",), self.rate)


LOOKS = (Look("close look", 70e-9, 35, 2.0), Look("wide look", 200e-9, 50, 0.8))


class TipEstimate(Task):
    """Find out a tip's radius, and whether it has two ends, with a few images of unknown bumps.

    A tip makes each bump look blunter by its own radius. How blunt a bump really is is known only
    within a factor of six, from its height; so low and pointed bumps say most of the radius, and
    there are few. A tip with two ends shows each bump twice, if it is higher than the second end
    and if the image is wide enough for the echo. An echo taken for a bump is misleading. What the
    overview shows of the tip is for the player to guess from; only the looks count as evidence.

    The reward is what was learned: the loss of entropy of what is believed. An image without a bump
    that can be read gives none. Three quarters of the regret are how far the radius is believed to
    be off, on a logarithmic scale and in units of what was believed at first; one quarter is four
    times the square of how wrong one is about the second end.
    """

    id = "A2"
    name = "tip_estimate"
    question = "How blunt is a tip, and has it two ends?"
    unit = "1"
    budget = 220.0
    acts = 16

    def _begin(self, seed: int, level: int) -> "TipEstimateEpisode":
        stage = stage_with_tip(seed, level)
        frame = ScanFrame((0.0, 0.0), (SIZE, SIZE), (OVERVIEW_PIXELS, OVERVIEW_PIXELS))
        overview = stage.image(Scan(frame, ("height",), OVERVIEW_RATE))
        room = SIZE - 2 * MARGIN
        place = sites(ScanFrame((0.0, 0.0), (room, room), (SITES, SITES)))
        points = np.repeat(place, len(LOOKS), axis=0)
        look = np.tile(np.arange(len(LOOKS)), len(place))
        near, high = (np.repeat(each, len(LOOKS)) for each in near_tops(overview, place))
        durations = [stage.microscope.duration(each.at(0.0, 0.0)) for each in LOOKS]
        choices = Choices.of(
            points,
            labels=[
                f"{LOOKS[i].name} at {where}"
                for i, where in zip(look.tolist(), site_labels(points), strict=True)
            ],
            seconds=np.array(durations)[look],
            features=np.column_stack([look, near, np.log(high)]),
            # low bumps from near, and high ones from afar
            ranking=near * np.where(look == 0, 1 / (1 + high / LOW), 0.5 * (high > HIGH)),
            overview=overview,
        )
        return TipEstimateEpisode(self, choices, stage)


class TipEstimateEpisode(Episode):
    """One tip.

    Args:
        task: Which game.
        choices: Looks.
        stage: What is played on.
    """

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        super().__init__(task, choices, stage.clock)
        sample, technique = stage.truth.sample, stage.truth.technique
        if not (isinstance(sample, AfmSample) and isinstance(technique, AfmTechnique)):
            raise TypeError(f"{sample.name} is not measured with an AFM")
        self._stage = stage
        self._tip = technique.tip
        self._spots = sample.spots
        self.belief = Belief()

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        seen = bumps(self._stage.image(LOOKS[index % len(LOOKS)].at(x, y)))
        if not seen:
            return math.nan, math.nan
        before, self.belief = self.belief.entropy, self.belief.after(seen)
        return before - self.belief.entropy, math.nan

    def regret(self) -> float:
        """Return how wrong the belief is, of radius and second end."""
        return self._regret_of(self.belief)

    def metrics(self) -> Mapping[str, float]:
        """Return the relative error of the radius, and how sure one is of the truth otherwise."""
        tip = self._tip.tip
        double = self.belief.double
        return {
            "error of R": abs(self.belief.radius / tip.radius - 1),
            "belief in its ends": double if tip.twin is not None else 1 - double,
            "bumps": float(len(self.belief.bumps)),
        }

    def oracle(self) -> int | None:
        """Look where a perfect image would leave the least regret for the time that it takes."""
        best, most = None, 0.0
        for index in self._near_spots():
            after = self.belief.after(self._would_show(index))
            gain = self.regret() - self._regret_of(after)
            rate = gain / float(self.choices.seconds[index])
            if rate > most:
                best, most = index, rate
        return best

    def _regret_of(self, belief: Belief) -> float:
        tip = self._tip.tip
        wrong = belief.double - (tip.twin is not None)
        off = belief.spread_around(tip.radius) / Belief().spread_around(tip.radius)
        return RADIUS_SHARE * off + (1 - RADIUS_SHARE) * 4 * wrong**2

    def _near_spots(self) -> list[int]:
        """Return the free choices that are nearest to each spot."""
        near = []
        for spot in self._spots:
            points = self.choices.points[:: len(LOOKS), :2]
            site = int(np.argmin(np.hypot(*(points - (spot.x, spot.y)).swapaxes(0, 1))))
            near += [len(LOOKS) * site + i for i in range(len(LOOKS))]
        return [index for index in near if self._free[index]]

    def _would_show(self, index: int) -> list[Bump]:
        """Return what a perfect image would show of all spots, and of their echoes."""
        tip, (x, y, _) = self._tip.tip, self.choices.points[index].tolist()
        look, shown = LOOKS[index % len(LOOKS)], []
        ends = [Twin(0.0, 0.0, 0.0), *([tip.twin] if tip.twin is not None else [])]
        for spot, end in product(self._spots, ends):
            at_x, at_y, height = spot.x - end.dx, spot.y - end.dy, spot.height - end.dz
            radius = tip.radius + spot.radius**2 / (2 * spot.height)
            room = look.size / 2 - max(abs(at_x - x), abs(at_y - y))
            bump = Bump(at_x, at_y, max(height, 0.0), radius, 0.02 * radius, room)
            fits = bump.reach < room and math.sqrt(2) * bump.reach < GROUND * look.size / 2
            if fits and height > 1.5 * LEAST:
                shown.append(bump)
        return shown


def near_tops(overview: ScanImage, points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return how near each point is to a top on the overview, 0 to 1, and how high that is [m].

    Args:
        overview: Of the sample.
        points: x and y [m], shape (n, 2).
    """
    height = levelled(overview.channel("height"))
    smooth, tops = smoothed(height, overview.frame.pitch[0])
    at = np.argwhere(tops)
    x, y = overview.frame.to_sample(at[:, 0], at[:, 1])
    distance = np.hypot(points[:, :1] - x, points[:, 1:] - y)
    nearest = np.argmin(distance, axis=1)
    near = np.exp(-((distance[np.arange(len(points)), nearest] / NEAR) ** 2))
    return near, smooth[tops][nearest]


def stage_with_tip(seed: int, level: int) -> Stage:
    """Mount hard bumps of one material, with a tip of some radius that may have two ends."""
    rng = RandomStreams(seed).stream("tip to be estimated")
    radius = math.exp(rng.uniform(*np.log(RADII)))
    angle, distance = 2 * math.pi * rng.random(), rng.uniform(*DISTANCES)
    twin = Twin(distance * math.cos(angle), distance * math.sin(angle), DROP * rng.random())
    is_double = rng.random() < 0.5
    sample = StiffInclusionsSettings.model_validate(
        {
            "matrix": GLASS,
            "inclusions": GLASS,
            "size": f"{SIZE} m",
            "cells": 768,
            "count": 20,
            "decoy_count": 0,
            "radius": "25 nm",
            "radius_spread": 0.7,
            "stiffness_spread": 0.0,
            "modulus_spread": 0.0,
            "roughness": "0.2 nm",
        }
    )
    probe = usual_probe("tapping").model_copy(update={"radius": radius})
    # a perfect instrument has a tip of some size, too
    technique = AfmSettings(probe=probe, kelvin=None).at_level(level)
    technique = technique.model_copy(update={"is_sharp": False})
    scanner = ScannerSettings.perfect() if level < 2 else None
    settings = SimulatorSettings(
        sample=sample, technique=technique, scanner=scanner, level=max(level, 2)
    )
    stage = mount(settings, seed)
    if is_double and isinstance(stage.truth.technique, AfmTechnique):
        life = stage.truth.technique.tip
        life.restore(TipLifeState(replace(life.tip, twin=twin)))
    return stage
