"""S6 release: where are the hills of a gap, for agents that stay on the first one they climb?"""

from collections.abc import Mapping

import numpy as np

from spm_auto.instrument import AcquireSpectrum, FloatArray, ScanFrame
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..samples.stm import SuperconductorSettings
from ..settings import SimulatorSettings
from .gap_hunt import SWEEP, read
from .onlookers import Releaser
from .stage import Stage, mount, site_labels, sites

SIDE = 160e-9  # of the sample [m]
SITES = 32  # along each side
GAP_LENGTH = 16e-9  # over which the gap changes [m]
HILLS = 5  # that are sought
FOOT = 15e-9  # distance from its top at which a place still belongs to a hill [m]
LOW = 0.8  # share of all places that are lower than the foot of a hill
PATIENCE = 6  # acts after which the human looks whether they lie together
NEAR = 15e-9  # how near to their middle [m]
CLOSED = 20e-9  # radius of what he closes [m]


class Release(Task):
    """Find the tops of the five highest hills of the gap on 160 x 160 nm with 60 spectra of 4 s.

    A topograph shows none of them. An agent that goes where it expects most climbs the first hill
    that it finds, and stays there. A human looks on: when six acts lie together and found nothing
    better than those before, he closes their region.

    The reward is the gap in meV, as read at half the normal conductance. The regret is the mean
    over the hills of what their best measured place lacks of the top, in units of what a place at
    its foot lacks, which four fifths of all places do not reach; 1 for a hill where nothing was
    measured, or nothing above its foot.
    """

    id = "S6"
    name = "release"
    question = "Where are the five highest hills of a superconductor's gap?"
    unit = "1"
    budget = 245.0
    acts = 60

    def _begin(self, seed: int, level: int) -> "ReleaseEpisode":
        sample = SuperconductorSettings.model_validate(
            {"field": "0 T", "adatoms": 0, "size": f"{SIDE} m", "gap_length": f"{GAP_LENGTH} m"}
        )
        stage = mount(SimulatorSettings(sample=sample, level=level), seed)
        points = sites(ScanFrame((0.0, 0.0), (SIDE, SIDE), (SITES, SITES)))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(AcquireSpectrum(0.0, 0.0, SWEEP)),
        )
        return ReleaseEpisode(self, choices, stage)


class ReleaseEpisode(Episode):
    """One superconductor."""

    def __init__(self, task: Task, choices: Choices, stage: Stage) -> None:
        super().__init__(task, choices, stage.clock)
        sample = stage.superconductor
        self._stage = stage
        x, y = choices.points[:, 0], choices.points[:, 1]
        self._gap = sample.gap_at(x, y, sample.temperature)
        self._tops = tops(choices.points[:, :2], self._gap)
        self.human = Releaser(PATIENCE, NEAR, CLOSED)

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        gap, filling = read(self._stage.microscope.acquire_spectrum(AcquireSpectrum(x, y, SWEEP)))
        return (gap / 1e-3 if np.isfinite(filling) else np.nan), np.nan

    def regret(self) -> float:
        """Return what the hills lack on average."""
        return float(np.mean(self._lacks()))

    def oracle(self) -> int | None:
        """Measure one top after the other."""
        left = [top for top in self._tops if self._free[top]]
        return left[0] if left else None

    def metrics(self) -> Mapping[str, float]:
        """Return how many hills were climbed, and how far the path went.

        A hill is climbed when less than a tenth is lacking; the path's extent is the deviation of
        its places from their middle over that of all places.
        """
        places = self.choices.points[self.chosen, :2]
        extent = np.sqrt(np.var(places, axis=0).sum()) if len(places) else 0.0
        whole = np.sqrt(np.var(self.choices.points[:, :2], axis=0).sum())
        climbed = sum(1 for lack in self._lacks() if lack < 0.1)
        return {"hills climbed": float(climbed), "extent of the path": float(extent / whole)}

    def _lacks(self) -> list[float]:
        good = [i for i, r in zip(self.chosen, self.rewards, strict=True) if np.isfinite(r)]
        places = self.choices.points[good, :2]
        foot = float(np.quantile(self._gap, LOW))
        lacks = []
        for top in self._tops:
            near = np.hypot(*(places - self.choices.points[top, :2]).T) <= FOOT
            best = float(self._gap[good][near].max(initial=foot))
            lacks.append((float(self._gap[top]) - best) / (float(self._gap[top]) - foot))
        return lacks


def tops(places: FloatArray, gap: FloatArray) -> list[int]:
    """Return the highest places that are no two on the same hill, the highest first.

    Args:
        places: x and y [m], shape (n, 2).
        gap: At each, shape (n,).
    """
    left, found = gap.copy(), []
    for _ in range(HILLS):
        top = int(np.argmax(left))
        found.append(top)
        left[np.hypot(*(places - places[top]).T) <= 2 * FOOT] = -np.inf
    return found
