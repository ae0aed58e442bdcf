"""S2 shiba: which adatoms on a superconductor are magnetic?"""

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    FloatArray,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from .stage import Stage, mount, site_labels, sites

SIDE = 80e-9  # of the sample [m]
ADATOMS = 50
MAGNETIC = 0.12  # share of the adatoms
TEMPERATURE = "0.4 K"
OVERVIEW_PIXELS = 256  # along each side
OVERVIEW_RATE = 0.8  # lines per second [Hz]
BETWEEN = 18  # sites along each side, between the adatoms
HIGHEST = 50e-12  # height above its surroundings that makes an adatom [m]
SWEEP = BiasWaveform.sweep(-3e-3, 3e-3, points=91)
GAP_SHARE = 0.8  # of the gap that is looked into for states
NORMAL = 2.5e-3  # from here on the density is that of the normal state [V]
STATE = 0.3  # conductance in the gap, in units of the normal one, that makes an adatom magnetic
ON = 2e-9  # distance from an adatom up to which a spectrum is one of it [m]


class Shiba(Task):
    """Find the magnetic ones among 50 adatoms with 30 spectra; one in eight is.

    In the topograph all adatoms look the same. A magnetic one binds states in the gap, which fade
    over a few nanometres: a spectrum between several adatoms says whether one of them is magnetic,
    but not which. The reward is the highest conductance in the gap in units of the normal one.

    An adatom is claimed to be magnetic by a spectrum on it that shows a state. The regret is what
    is missing from a perfect score (F1) of the claims.
    """

    id = "S2"
    name = "shiba"
    question = "Which adatoms on a superconductor are magnetic?"
    unit = "1"
    budget = 125.0
    acts = 30

    def _begin(self, seed: int, level: int) -> "ShibaEpisode":
        sample = SuperconductorSettings.model_validate(
            {
                "size": f"{SIDE} m",
                "adatoms": ADATOMS,
                "magnetic": MAGNETIC,
                "field": "0 T",
                "temperature": TEMPERATURE,
            }
        )
        stage = mount(SimulatorSettings(sample=sample, level=level), seed)
        frame = ScanFrame((0.0, 0.0), (SIDE, SIDE), (OVERVIEW_PIXELS, OVERVIEW_PIXELS))
        adatoms = bumps(stage.image(Scan(frame, ("height",), OVERVIEW_RATE)))
        between = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (BETWEEN, BETWEEN)))
        points = np.concatenate([adatoms, between])
        apart = np.hypot(*(points[:, np.newaxis] - adatoms[np.newaxis]).transpose(2, 0, 1))
        is_adatom = np.arange(len(points)) < len(adatoms)
        what = np.where(is_adatom, "adatom", "between")
        choices = Choices.of(
            points,
            labels=[
                f"{kind} {i} at {where}"
                for i, (kind, where) in enumerate(zip(what, site_labels(points), strict=True))
            ],
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
            # how many adatoms a spectrum there might feel
            features=np.column_stack([is_adatom, np.exp(-apart / 2e-9).sum(axis=1)]),
            ranking=is_adatom.astype(float),
        )
        return ShibaEpisode(self, choices, stage)


class ShibaEpisode(Episode):
    """One surface with its adatoms."""

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        super().__init__(task, choices, stage.clock)
        sample = stage.superconductor
        self._stage = stage
        self._place = np.column_stack([sample.adatom_x, sample.adatom_y])
        self._is_magnetic = sample.is_magnetic
        self._gap = sample.settings.material.gap
        self._claimed: set[int] = set()
        self._wrong = 0

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        spectrum = self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP))
        state = in_gap(spectrum, self._gap)
        is_adatom = bool(self.choices.features[index, 0])
        if is_adatom and state > STATE:
            self._claim(np.array(self._stage.truth.position))
        return state, math.nan

    def regret(self) -> float:
        """Return what is missing of a perfect F1."""
        return 1 - self._f1()

    def metrics(self) -> Mapping[str, float]:
        """Return how many adatoms were claimed, how many rightly, and how many there are."""
        right = sum(1 for adatom in self._claimed if self._is_magnetic[adatom])
        return {
            "claimed": float(len(self._claimed) + self._wrong),
            "right": float(right),
            "magnetic": float(np.count_nonzero(self._is_magnetic)),
        }

    def oracle(self) -> int | None:
        """Go from one magnetic adatom to the next, as the topograph shows them."""
        # the scanner's error where it stands now is nearly that at an adatom
        last = self.choices.points[self.chosen[-1], :2] if self.chosen else (0.0, 0.0)
        off = np.subtract(self._stage.truth.position, last) if self.chosen else np.zeros(2)
        usable = np.flatnonzero(self._free & (self.choices.features[:, 0] > 0))
        for adatom in np.flatnonzero(self._is_magnetic).tolist():
            if adatom in self._claimed or len(usable) == 0:
                continue
            there = self.choices.points[usable, :2] + off
            apart = np.hypot(*(there - self._place[adatom]).T)
            if apart.min() < 2 * ON:
                return int(usable[np.argmin(apart)])
        return None

    def _claim(self, at: FloatArray) -> None:
        apart = np.hypot(*(self._place - at).T)
        if apart.min() < ON:
            self._claimed.add(int(np.argmin(apart)))
        else:
            self._wrong += 1

    def _f1(self) -> float:
        figures = self.metrics()
        return 2 * figures["right"] / (figures["claimed"] + figures["magnetic"])


def bumps(overview: ScanImage) -> FloatArray:
    """Return where a topograph shows adatoms [m], shape (n, 2); with a blunt tip there are none."""
    from scipy.ndimage import gaussian_filter, label, maximum_position

    image = overview.channel("height")
    along = np.arange(image.shape[1]) - (image.shape[1] - 1) / 2
    # each line is levelled on its own, as the sample is tilted and the lines jump
    slope = image @ along / np.sum(along**2)
    image = image - slope[:, np.newaxis] * along
    image = image - np.median(image, axis=1, keepdims=True)
    high = gaussian_filter(image, 0.6) > HIGHEST
    labels, n = label(high)
    if n == 0:
        return np.empty((0, 2))  # as after a tip change in the middle of it
    at: NDArray[np.int64] = np.array(maximum_position(image, labels, np.arange(1, n + 1)))
    return np.column_stack(overview.frame.to_sample(at[:, 0], at[:, 1]))


def in_gap(spectrum: Spectrum, gap: float) -> float:
    """Return the highest conductance within the gap in units of the normal one, NaN without that.

    Args:
        spectrum: With dI/dV.
        gap: Of the bare surface [eV].
    """
    bias, didv = spectrum.bias, spectrum.channel("didv")
    normal = float(np.median(didv[np.abs(bias) > NORMAL]))
    if not normal > 0:
        return math.nan
    inside = didv[np.abs(bias) < GAP_SHARE * gap] / normal
    # of five neighbours the middle one, so that no single point makes a state
    runs = np.lib.stride_tricks.sliding_window_view(inside, 5)
    return float(np.max(np.median(runs, axis=1)))
