"""M5 defect_map: which places of a superconductor belong to which kind of defect?"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import AcquireSpectrum, BiasWaveform, FloatArray, Scan, ScanFrame, Spectrum
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from .shiba import NORMAL
from .stage import Stage, mount, site_labels, sites

SIDE = 100e-9  # of the sample [m]
SITES = 48  # along each side
ADATOMS = 24
SAMPLE = {
    "size": f"{SIDE} m",
    "adatoms": ADATOMS,
    "magnetic": 0.5,
    "screening": "8 nm",
    "field": "1 T",
    "temperature": "0.4 K",
}
OVERVIEW_PIXELS = 192  # along each side
OVERVIEW_RATE = 0.8  # lines per second [Hz]
SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=91)
STATE = 0.25  # conductance in the gap, in units of the normal one, that makes a magnetic adatom
FILLED = 0.15  # conductance at 0 V that makes a core
WITHIN = 0.6  # of the gap, where states are looked for: farther out a vortex has narrowed it
CENTRAL = 0.2e-3  # half the window around 0 V in which a core shows [V]
REACH = 4e-9  # up to which a spectrum speaks for the sites around it [m]
PLAIN, CORE, MAGNETIC = range(3)
KINDS = {CORE: "core", MAGNETIC: "magnetic"}


class DefectMap(Task):
    """Draw the map of magnetic adatoms and cores of vortices on 100 x 100 nm by 160 spectra.

    Half of the 24 adatoms are magnetic; in the topograph all look the same, and vortices do not
    show at all. A spectrum gets the label of what its gap holds: nothing, states at 0 V (a core) or
    beside it (a magnetic adatom). The reward is the highest conductance within the
    gap in units of the normal one.

    The judge gives each of the 48 x 48 sites the label of the nearest spectrum, up to 4 nm away,
    and takes all others for plain. The regret is what is missing of a perfect score (F1) of both
    kinds of defects, in the mean; what is true is the label that a perfect microscope gives.

    Args:
        sites: Along each side of the sample.
    """

    id = "M5"
    name = "defect_map"
    question = "Which places of a superconductor belong to which kind of defect?"
    unit = "1"
    budget = 800.0
    acts = 160

    def __init__(self, sites: int = SITES) -> None:
        self._sites = sites
        self._labels: dict[int, NDArray[np.int64]] = {}

    def _begin(self, seed: int, level: int) -> "DefectMapEpisode":
        sample = SuperconductorSettings.model_validate(SAMPLE)
        settings = SimulatorSettings(sample=sample, level=level)
        stage = mount(settings, seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (self._sites, self._sites)))
        gap = sample.material.gap
        if seed not in self._labels:
            perfect = mount(settings.model_copy(update={"level": 0}), seed)
            found = [label(spectrum_at(perfect, *at), gap)[0] for at in points.tolist()]
            self._labels[seed] = np.array(found)
        frame = ScanFrame((0.0, 0.0), (SIDE, SIDE), (OVERVIEW_PIXELS, OVERVIEW_PIXELS))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
            overview=stage.image(Scan(frame, ("height",), OVERVIEW_RATE)),
        )
        return DefectMapEpisode(self, choices, stage, self._labels[seed], gap)


class DefectMapEpisode(Episode):
    """One surface with its defects.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        labels: What a perfect microscope says of each site, shape (n,).
        gap: Of the bare surface [eV].
    """

    def __init__(
        self,
        task: Task,
        choices: Choices,
        stage: Stage,
        labels: NDArray[np.int64],
        gap: float,
    ) -> None:
        super().__init__(task, choices, stage.clock)
        self._stage = stage
        self._true = labels
        self._gap = gap
        self._map = np.full(len(choices), PLAIN)
        self._away = np.full(len(choices), REACH)
        self._spectra = dict.fromkeys((PLAIN, CORE, MAGNETIC), 0)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        kind, state = label(spectrum_at(self._stage, x, y), self._gap)
        if math.isnan(state):
            return math.nan, math.nan
        away = np.hypot(*(self.choices.points[:, :2] - (x, y)).T)
        nearer = away < self._away
        self._away[nearer] = away[nearer]
        self._map[nearer] = kind
        self._spectra[kind] += 1
        return state, math.nan

    def regret(self) -> float:
        """Return what is missing of a perfect F1 of both kinds."""
        return 1 - sum(self._f1(kind) for kind in KINDS) / len(KINDS)

    def metrics(self) -> Mapping[str, float]:
        """Return the F1 of each kind, of both, and how many spectra showed a defect."""
        each = {f"F1 of {name}": self._f1(kind) for kind, name in KINDS.items()}
        on_defects = float(sum(self._spectra[kind] for kind in KINDS))
        return {"F1": 1 - self.regret(), **each, "on defects": on_defects}

    def oracle(self) -> int | None:
        """Go where the map that it has would gain most sites if the label there were known."""
        wrong = (self._map != self._true).astype(float)
        if not wrong.any():
            return None
        free = np.flatnonzero(self._free & (wrong > 0))
        if len(free) == 0:
            return None
        return int(free[np.argmax(self._gains(free))])

    def _gains(self, free: NDArray[np.int64]) -> FloatArray:
        """Return by how many sites the map would be better with the true label of some sites."""
        points = self.choices.points[:, :2]
        away = np.hypot(*(points[free, None] - points[None]).transpose(2, 0, 1))
        nearer = away < self._away
        was = (self._map == self._true).astype(float)
        would = (self._true[free, None] == self._true[None]).astype(float)
        rarity = 1 / np.maximum(np.bincount(self._true, minlength=3), 1)[self._true]
        return np.asarray((np.where(nearer, would - was, 0.0) * rarity).sum(axis=1))

    def _f1(self, kind: int) -> float:
        said, true = self._map == kind, self._true == kind
        whole = int(said.sum() + true.sum())
        return 2 * int((said & true).sum()) / whole if whole else 1.0


def spectrum_at(stage: Stage, x: float, y: float) -> Spectrum:
    """Take a spectrum at a place [m]."""
    return stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))


def label(spectrum: Spectrum, gap: float) -> tuple[int, float]:
    """Say what a spectrum is one of.

    Args:
        spectrum: With dI/dV.
        gap: Of the bare surface [eV].

    Returns:
        The kind, and the highest conductance within the gap in units of the normal one, NaN without
        a normal one.
    """
    bias, didv = spectrum.bias, spectrum.channel("didv")
    normal = float(np.median(didv[np.abs(bias) > NORMAL]))
    if not normal > 0:
        return PLAIN, math.nan
    inside = didv[np.abs(bias) < WITHIN * gap] / normal
    # of five neighbours the middle one, so that no single point makes a state
    runs = np.lib.stride_tricks.sliding_window_view(inside, 5)
    state = float(np.max(np.median(runs, axis=1)))
    if float(np.mean(didv[np.abs(bias) < CENTRAL])) / normal > FILLED:
        return CORE, state
    return (MAGNETIC if state > STATE else PLAIN), state
