"""P3 choose_V: where, how high and how long must a pulse be to write a domain of 60 nm?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices, Measured, Task

from ..samples import FerroelectricFilmSettings
from ..settings import SimulatorSettings
from ..truth import FilmTruth
from .search import SearchEpisode
from .stage import WIDE_DOMAINS, Stage, film_overview, mount
from .wall_law import seen_distance

TARGET = 60e-9  # diameter of the domain that is wanted [m]
ZONE = 160e-9  # diameter of what is looked at around a site [m]
SITES = 12
PIXELS = 256  # of the overview, along each side
BIASES = np.arange(4.0, 14.1, 1.0)  # [V]
PULSES = (2e-3, 8e-3, 32e-3, 128e-3)  # [s], half of it with the bias on
BIAS_COST = 0.02  # worth of 1 V less, in areas of the target [1/V]
LOOK_PIXELS = 32
LOOK_RATE = 10.0  # [Hz]


class ChooseBias(Task):
    """Write a round domain of 60 nm with as little bias as will do.

    A choice is a site in the middle of a domain that stands down, a bias and a pulse length. After
    the pulse the site is imaged. The worth of a choice is minus the area that is not as it should
    be, missing or switched too much, in units of the wanted area, less 0.02 for each volt.

    Below a threshold that differs from site to site nothing happens at all; above it the domain
    grows with bias and time. A site can be written once: what is done there afterwards tells
    nothing, and the measurement fails. What a pulse switches outside the wanted domain cannot be
    taken back: its mean over all pulses is added to the regret.
    """

    id = "P3"
    name = "choose_V"
    question = "Where, how high and how long must a pulse be to write a 60 nm domain?"
    unit = "1"
    budget = 180.0
    acts = 36

    def __init__(self) -> None:
        self._worths: dict[tuple[int, int], FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "ChooseBiasEpisode":
        sample = FerroelectricFilmSettings.model_validate(WIDE_DOMAINS)
        stage = mount(SimulatorSettings(sample=sample, level=level), seed)
        overview = film_overview(stage, PIXELS)
        line, pixel = _middles(seen_distance(overview), round(ZONE / overview.frame.pitch[0]))
        x, y = overview.frame.to_sample(line, pixel)
        site, bias, pulse = (
            each.ravel()
            for each in np.meshgrid(np.arange(len(x)), BIASES, np.array(PULSES), indexing="ij")
        )
        points = np.column_stack([x[site], y[site], bias])
        choices = Choices.of(
            points,
            labels=[
                f"site {s}, {v:g} V, {1e3 * t:g} ms"
                for s, v, t in zip(site.tolist(), bias.tolist(), pulse.tolist(), strict=True)
            ],
            seconds=1.0 + LOOK_PIXELS / LOOK_RATE + pulse,
            features=np.column_stack([bias, np.log10(pulse)]),
            overview=overview,
        )
        key = seed, level  # noise and drift put the sites elsewhere
        if key not in self._worths:
            self._worths[key] = true_worths(stage.truth.film, points, pulse)
        return ChooseBiasEpisode(self, choices, stage, self._worths[key], site, pulse)


class ChooseBiasEpisode(SearchEpisode):
    """One film.

    Args:
        task: Which game.
        choices: Pulses.
        stage: What is played on.
        worths: What each choice is truly worth, shape (n,).
        site: At which site each choice is, shape (n,).
        pulse: How long each pulse is [s], shape (n,).
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: Stage,
        worths: FloatArray,
        site: NDArray[np.int64],
        pulse: FloatArray,
    ) -> None:
        super().__init__(task, choices, stage.clock, worths)
        self._stage = stage
        self._site = site
        self._pulse = pulse
        self._spoiled: set[int] = set()
        self._collateral: list[float] = []

    def _act(self, index: int) -> Measured:
        x, y, bias = self.choices.points[index].tolist()
        waveform = BiasWaveform((bias,), dwell=float(self._pulse[index]))
        before = self._stage.truth.film.polarization > 0
        self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, waveform))
        self._note_collateral(before, x, y)
        frame = ScanFrame((x, y), (ZONE, ZONE), (LOOK_PIXELS, LOOK_PIXELS))
        look = self._stage.image(Scan(frame, ("phase",), LOOK_RATE))
        domain = written(np.cos(look.channel("phase")) > 0, *frame.to_frame(*frame.positions()))
        site = int(self._site[index])
        was_spoiled = site in self._spoiled
        if domain.switched:
            self._spoiled.add(site)
        return (math.nan if was_spoiled else worth(domain, bias)), math.nan

    def regret(self) -> float:
        """Return the simple regret, and on top of it what a pulse switched elsewhere on average."""
        collateral = float(np.mean(self._collateral)) if self._collateral else 0.0
        return super().regret() + collateral / self._scale

    def metrics(self) -> Mapping[str, float]:
        """Return the worth of the answer on the untouched film, and what all pulses spoiled."""
        figures = {"collateral": float(np.mean(self._collateral)) if self._collateral else 0.0}
        if self.answer is not None:
            figures["worth"] = float(self._values[self.answer])
            figures["bias [V]"] = float(self.choices.points[self.answer, 2])
        return figures

    def _note_collateral(self, before: NDArray[np.bool_], x: float, y: float) -> None:
        """Note the area that was switched outside the wanted domain, in units of that."""
        film = self._stage.truth.film
        columns, rows = film.coordinates
        switched = (film.polarization > 0) != before
        outside = np.hypot(columns - x, rows - y) > TARGET / 2
        cell = float(columns[0, 1] - columns[0, 0])
        area = cell**2 * int(np.count_nonzero(switched & outside))
        self._collateral.append(area / (math.pi * (TARGET / 2) ** 2))


@dataclass(frozen=True, slots=True)
class Domain:
    """What was written around a site.

    Attributes:
        switched: Area that stands up [m^2].
        wrong: Area that differs from the wanted domain, missing or too much [m^2].
    """

    switched: float
    wrong: float


def written(stands_up: NDArray[np.bool_], u: FloatArray, v: FloatArray) -> Domain:
    """Compare what stands up around a site with what is wanted.

    Args:
        stands_up: Points on a square grid, any shape.
        u: Their distance from the site along x [m].
        v: And along y [m].
    """
    squared = u**2 + v**2
    zone, target = squared < (ZONE / 2) ** 2, squared < (TARGET / 2) ** 2
    area = math.pi * (ZONE / 2) ** 2 / np.count_nonzero(zone)
    return Domain(
        switched=area * int(np.count_nonzero(stands_up & zone)),
        wrong=area * int(np.count_nonzero((stands_up ^ target) & zone)),
    )


def worth(domain: Domain, bias: float) -> float:
    """Return minus the wrong area in units of the wanted one, less the cost of the bias."""
    return -domain.wrong / (math.pi * (TARGET / 2) ** 2) - BIAS_COST * bias


def true_worths(film: FilmTruth, points: FloatArray, pulse: FloatArray) -> FloatArray:
    """Return what each pulse is worth on the untouched film.

    Args:
        film: As it is at first; it stays so.
        points: x [m], y [m] and bias [V] of each, shape (n, 3).
        pulse: Length of each [s], shape (n,).

    Returns:
        Shape (n,).
    """
    x, y = film.coordinates
    worths = []
    for (x0, y0, bias), seconds in zip(points.tolist(), pulse.tolist(), strict=True):
        after = film.after(x0, y0, BiasWaveform((bias,), dwell=seconds))
        near = (np.abs(x - x0) < ZONE / 2) & (np.abs(y - y0) < ZONE / 2)
        domain = written(after[near] > 0, x[near] - x0, y[near] - y0)
        worths.append(worth(domain, bias))
    return np.array(worths)


def _middles(distance: FloatArray, apart: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return line and pixel of the sites that are farthest from all walls, and from one another.

    Args:
        distance: From the nearest wall, shape [line, pixel].
        apart: Least distance of two sites, and of a site from the edge [pixel].
    """
    left = np.zeros_like(distance)
    inside = np.s_[apart // 2 : -(apart // 2), apart // 2 : -(apart // 2)]
    left[inside] = distance[inside]
    lines, pixels = np.indices(distance.shape)
    found = []
    for _ in range(SITES):
        line, pixel = np.unravel_index(np.argmax(left), left.shape)
        found.append((int(line), int(pixel)))
        left[np.hypot(lines - line, pixels - pixel) < apart] = 0.0
    at = np.array(found)
    return at[:, 0], at[:, 1]
