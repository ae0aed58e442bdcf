"""S5 distinct: how many different kinds of spectra does a superconductor show?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices, Detail, Episode, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from ..techniques.stm.technique import StmTechnique
from .gap_hunt import NORMAL, SIDE, SITES, SWEEP
from .stage import Stage, mount, site_labels, sites

FIELD = "1 T"
ADATOMS = 40
MAGNETIC = 0.5  # share of the adatoms
KINDS = 20
PIXELS = 64  # of the overview, along each side
RATE = 2.0  # of the overview [Hz]
REACH = 8e-9  # distance at which two places are as unlike as by a deviation of the height [m]
NUGGET = 0.1  # variance of a spectrum for itself, in units of that from place to place


class Distinct(Task):
    """Find 20 kinds of spectra on 128 x 128 nm with 40 spectra of 4 s.

    There are vortices, which a topograph does not show, adatoms, of which half are magnetic, each
    with a state in the gap at an energy of its own, and a gap that varies. The reward is how unlike
    all earlier ones a spectrum is: the root mean square of the difference, in units of the normal
    conductance, to the one that is nearest. So it can be had by who looks for what is new.

    The kinds are those spectra that are farthest from one another, on a perfect instrument: begun
    with the most common one, each is the one that is farthest from all before. A kind is found when
    a place was measured whose true spectrum is as near to it as the last kind is to the others. The
    regret is the share of kinds that were not found.
    """

    id = "S5"
    name = "distinct"
    question = "How many different kinds of spectra does a superconductor show?"
    unit = "1"
    budget = 165.0
    acts = 40

    def _begin(self, seed: int, level: int) -> "DistinctEpisode":
        sample = SuperconductorSettings.model_validate(
            {"field": FIELD, "adatoms": ADATOMS, "magnetic": MAGNETIC}
        )
        stage = mount(SimulatorSettings(sample=sample, level=level), seed)
        frame = ScanFrame((0.0, 0.0), (SIDE, SIDE), (PIXELS, PIXELS))
        overview = stage.image(Scan(frame, ("height",), RATE))
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
            overview=overview,
        )
        return DistinctEpisode(self, choices, stage)


@dataclass(frozen=True, slots=True, eq=False)
class Kinds:
    """Spectra that are far from one another.

    Attributes:
        rows: Which ones, the most common one first, shape (k,).
        radius: How near a spectrum must be to one of them to be of its kind.
    """

    rows: NDArray[np.int64]
    radius: float


class DistinctEpisode(Episode):
    """One superconductor."""

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        super().__init__(task, choices, stage.clock)
        technique = stage.truth.technique
        if not isinstance(technique, StmTechnique):
            raise TypeError("only a tunnelling microscope takes these spectra")
        self._stage = stage
        x, y = choices.points[:, 0], choices.points[:, 1]
        self._true = relative(technique.cits(x, y, SWEEP.bias)[1])
        kinds = kinds_of(self._true)
        apart = np.array([distances(self._true, self._true[row]) for row in kinds.rows])
        self._is_of = apart <= kinds.radius  # shape (kinds, n)
        self._looks = _looks(choices)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))
        found = relative(spectrum.channel("didv"))
        if not np.isfinite(found).all():
            return math.nan, math.nan
        before = [each.spectrum for each in self.details if each.spectrum is not None]
        self._detail = Detail(spectrum=found)
        return (float(distances(np.array(before), found).min()) if before else 0.0), math.nan

    def regret(self) -> float:
        """Return the share of kinds that were not found."""
        return 1.0 - float(self._found.mean())

    def oracle(self) -> int | None:
        """Measure the place that shows most kinds of those that are missing."""
        missing = self._is_of[~self._found].sum(axis=0) * self._free
        return int(np.argmax(missing)) if missing.any() else None

    def metrics(self) -> Mapping[str, float]:
        """Return how many kinds were found, and how well all spectra are known from those taken.

        What a place shows is guessed from those measured by how near they are in place and height,
        by a Gaussian process with a fixed kernel around their mean: the same for all players. The
        error is in units of that of the mean of all true spectra.
        """
        return {"kinds": float(self._found.sum()), "error of all spectra": self._error()}

    @property
    def _found(self) -> NDArray[np.bool_]:
        good = [i for i, r in zip(self.chosen, self.rewards, strict=True) if math.isfinite(r)]
        return np.asarray(self._is_of[:, good].any(axis=1))

    def _error(self) -> float:
        spectra = {
            i: each.spectrum
            for i, each in zip(self.chosen, self.details, strict=True)
            if each.spectrum is not None
        }
        if not spectra:
            return math.nan
        known, found = self._looks[list(spectra)], np.array(list(spectra.values()))
        middle = found.mean(axis=0)
        own = _alike(known, known) + NUGGET * np.eye(len(known))
        guess = middle + _alike(self._looks, known) @ np.linalg.solve(own, found - middle)
        usual = float(np.mean((self._true - self._true.mean(axis=0)) ** 2))
        return math.sqrt(float(np.mean((guess - self._true) ** 2)) / usual)


def relative(didv: FloatArray) -> FloatArray:
    """Return dI/dV in units of the normal conductance, NaN where there is none, [..., point]."""
    normal = np.median(didv[..., np.abs(SWEEP.bias) > NORMAL], axis=-1, keepdims=True)
    return np.asarray(didv / np.where(normal > 0, normal, np.nan))


def distances(spectra: FloatArray, one: FloatArray) -> FloatArray:
    """Return the root mean square difference of each spectrum to one, shape (n,)."""
    return np.asarray(np.sqrt(np.mean((spectra - one) ** 2, axis=-1)))


def kinds_of(spectra: FloatArray, count: int = KINDS) -> Kinds:
    """Return spectra that are far from one another; each is the farthest from all before.

    Args:
        spectra: Shape (n, p).
        count: How many.

    Source:
        T. F. Gonzalez, Theor. Comput. Sci. 38, 293 (1985).
    """
    rows = [int(np.argmin(distances(spectra, np.median(spectra, axis=0))))]
    apart = distances(spectra, spectra[rows[0]])
    while len(rows) < count:
        rows.append(int(np.argmax(apart)))
        apart = np.minimum(apart, distances(spectra, spectra[rows[-1]]))
    return Kinds(np.array(rows), float(apart.max()))


def _alike(one: FloatArray, other: FloatArray) -> FloatArray:
    """Return how alike places are by how they look, 1 for the same, shape (n, m)."""
    squares = np.sum((one[:, np.newaxis] - other[np.newaxis]) ** 2, axis=2)
    return np.asarray(np.exp(-squares / 2))


def _looks(choices: Choices) -> FloatArray:
    """Return place and height of each choice, each in its own unit, shape (n, 3)."""
    overview = choices.overview
    assert overview is not None  # this task has one
    height = overview.channel("height")
    height = (height - np.median(height, axis=1, keepdims=True)) / float(np.std(height))
    seen = height[choices.rows[:, 0], choices.rows[:, 1]]
    return np.column_stack([choices.points[:, :2] / REACH, seen])
