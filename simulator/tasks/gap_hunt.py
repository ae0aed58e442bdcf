"""S1 gap_hunt: where is the gap of a superconductor largest, and where are its vortices?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, ScanFrame, Spectrum
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from .stage import Stage, mount, site_labels, sites

SIDE = 128e-9  # of the sample [m]
SITES = 32  # along each side
FIELD = "1 T"
SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=91)
IN_GAP = 0.2e-3  # half the window around 0 V in which a core shows [V]
NORMAL = 2.5e-3  # from here on the density is that of the normal state [V]
CORE = 0.3  # conductance at 0 V, in units of the normal one, that makes a vortex
REACH = 6e-9  # distance at which a claim belongs to a vortex [m]
APART = 15e-9  # least distance of two claims [m]


class GapHunt(Task):
    """Find the largest gap and all vortices of 128 x 128 nm with 80 spectra of 4 s.

    A topograph shows neither. The reward is by how much the gap is larger than usual, as a share of
    it, or twice the conductance at 0 V in units of the normal one, whichever is larger. The latter
    makes a vortex stand out; it does not count within 15 nm of one that was claimed already.

    Half of the regret is that of the largest gap, half of it what is missing from a perfect score
    (F1) of the vortices claimed. A claim is a place with a third of the normal conductance at 0 V.
    """

    id = "S1"
    name = "gap_hunt"
    question = "Where is the gap of a superconductor largest, and where are its vortices?"
    unit = "1"
    budget = 340.0
    acts = 80

    def _begin(self, seed: int, level: int) -> "GapHuntEpisode":
        sample = SuperconductorSettings.model_validate({"field": FIELD, "adatoms": 0})
        stage = mount(SimulatorSettings(sample=sample, level=level), seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
        )
        return GapHuntEpisode(self, choices, stage)


@dataclass(frozen=True, slots=True)
class Found:
    """What a spectrum said.

    Attributes:
        index: Choice.
        at: Where the tip truly was [m].
        gap: Half the width of the gap at half the normal conductance [V].
        filling: Conductance at 0 V in units of the normal one.
    """

    index: int
    at: tuple[float, float]
    gap: float
    filling: float


class GapHuntEpisode(Episode):
    """One superconductor."""

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        super().__init__(task, choices, stage.clock)
        sample = stage.superconductor
        self._stage = stage
        self._found: list[Found] = []
        x, y = choices.points[:, 0], choices.points[:, 1]
        self._gap = sample.gap_at(x, y, sample.temperature)
        inside = np.maximum(np.abs(sample.vortex_x), np.abs(sample.vortex_y)) < SIDE / 2
        self._vortices = np.column_stack([sample.vortex_x[inside], sample.vortex_y[inside]])
        self._usual = float(sample.settings.material.gap)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))
        gap, filling = read(spectrum)
        if math.isnan(filling):
            return math.nan, math.nan
        is_known = any(self._apart(index, claim.index) < APART for claim in self._claims())
        self._found.append(Found(index, self._stage.truth.position, gap, filling))
        excess = gap / self._usual - 1
        return (excess if is_known else max(excess, 2 * filling)), math.nan

    def regret(self) -> float:
        """Return half the regret of the gap and half of what is missing of the vortices."""
        return (self._gap_regret() + 1 - self._f1()) / 2

    def metrics(self) -> Mapping[str, float]:
        """Return both halves, and how many vortices there are and were claimed."""
        return {
            "gap regret": self._gap_regret(),
            "F1 of vortices": self._f1(),
            "claimed": float(len(self._claims())),
            "vortices": float(len(self._vortices)),
        }

    def oracle(self) -> int | None:
        """Measure the largest gap, then each vortex."""
        free = np.flatnonzero(self._free)
        if not self.chosen:
            return int(np.argmax(self._gap))
        hit = [vortex for claim in self._claims() for vortex in self._near(claim.at)]
        for number, (x, y) in enumerate(self._vortices.tolist()):
            if number not in hit:
                # where it is sent so that it comes to stand there, by its error at the last place
                last = self.choices.points[self.chosen[-1], :2]
                off = np.subtract(self._stage.truth.position, last)
                apart = np.hypot(*(self.choices.points[free, :2] + off - (x, y)).T)
                if apart.min() > REACH:
                    continue
                return int(free[np.argmin(apart)])
        return None

    def _gap_regret(self) -> float:
        whole = [found for found in self._found if found.filling < CORE]
        if not whole:
            return 1.0
        best = max(whole, key=lambda found: found.gap)
        most = float(self._gap.max())
        return (most - float(self._gap[best.index])) / (most - float(np.median(self._gap)))

    def _f1(self) -> float:
        claims = self._claims()
        true = len({vortex for claim in claims for vortex in self._near(claim.at)})
        # several claims of one vortex count once
        return 2 * true / (len(claims) + len(self._vortices))

    def _claims(self) -> list[Found]:
        claims: list[Found] = []
        for found in sorted(self._found, key=lambda each: -each.filling):
            is_new = all(self._apart(found.index, claim.index) > APART for claim in claims)
            if found.filling > CORE and is_new:
                claims.append(found)
        return claims

    def _near(self, at: tuple[float, float]) -> list[int]:
        distance = np.hypot(*(self._vortices - at).T)
        return [int(i) for i in np.flatnonzero(distance < REACH)]

    def _apart(self, one: int, other: int) -> float:
        points = self.choices.points
        return math.dist(points[one, :2].tolist(), points[other, :2].tolist())


def read(spectrum: Spectrum) -> tuple[float, float]:
    """Read gap and filling from dI/dV.

    Returns:
        Half the width of the gap at half the normal conductance [V] and the conductance at 0 V in
        units of the normal one; NaN where there is no normal conductance.
    """
    bias, didv = spectrum.bias, spectrum.channel("didv")
    normal = float(np.median(didv[np.abs(bias) > NORMAL]))
    if not normal > 0:
        return math.nan, math.nan
    relative = didv / normal
    filling = float(np.mean(relative[np.abs(bias) < IN_GAP]))
    return (edge(bias, relative) + edge(-bias[::-1], relative[::-1])) / 2, filling


def edge(bias: FloatArray, relative: FloatArray) -> float:
    """Return the positive bias at which the conductance first exceeds half the normal one [V]."""
    positive = bias >= 0
    x, y = bias[positive], relative[positive]
    above = np.flatnonzero(y > 0.5)
    if len(above) == 0 or above[0] == 0:
        return 0.0
    i = int(above[0])
    return float(np.interp(0.5, y[i - 1 : i + 1], x[i - 1 : i + 1]))
