"""A1 stiff_incl: where are the stiff inclusions of a polymer, and how stiff is each?"""

import math
from collections.abc import Mapping

import numpy as np

from spm_auto.instrument import AcquireForceCurve, Scan
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..forces import fit_force_curve
from ..samples.afm import AfmSample, StiffInclusionsSettings
from ..settings import SimulatorSettings
from ..techniques.afm import AfmSettings
from .stage import Stage, grid_over, mount, site_labels, sites

SITES = 60  # along each side of the sample
OVERVIEW_PIXELS = 128  # along each side
OVERVIEW_RATE = 1.0  # lines per second [Hz]
TRIGGER = 150e-9  # of a force curve [N]
TRAVEL = 30e-9  # of a force curve [m]
POINTS = 200  # of each direction
RATE = 2.0  # force curves per second [Hz]
STIFF = 15e9  # modulus from which on a place counts as stiff [Pa]
USELESS = 0.5  # decades of error from which on a modulus is worth nothing
UNIT = 1e9  # [Pa], of which the reward is the logarithm


class StiffInclusions(Task):
    """Find 38 stiff inclusions, and measure their moduli, with 60 force curves.

    The overview shows where something stands out, wider than it is as the tip has its own width.
    Some of it is sticky and soft. The reward is the logarithm to base 10 of the plane-strain
    modulus in GPa, as fitted with the radius of a new tip.

    An inclusion counts by how well its modulus is known: fully without an error, not at all with
    half a decade. The regret is what is missing from all of them.
    """

    id = "A1"
    name = "stiff_incl"
    question = "Where are the stiff inclusions of a polymer, and how stiff is each?"
    unit = "1"
    budget = 50.0
    acts = 60

    def _begin(self, seed: int, level: int) -> "StiffInclusionsEpisode":
        technique = AfmSettings()
        settings = SimulatorSettings(
            sample=StiffInclusionsSettings(), technique=technique, level=level
        )
        stage = mount(settings, seed)
        overview = stage.image(Scan(grid_over(stage, OVERVIEW_PIXELS), ("height",), OVERVIEW_RATE))
        points = sites(grid_over(stage, SITES))
        choices = Choices.of(
            points,
            labels=site_labels(points),
            seconds=stage.microscope.duration(_curve(0.0, 0.0)),
            overview=overview,
        )
        probe = technique.complete_probe()
        return StiffInclusionsEpisode(self, choices, stage, probe.stiffness, probe.radius)


class StiffInclusionsEpisode(Episode):
    """One sample.

    Args:
        task: Which game.
        choices: Sites.
        stage: What is played on.
        stiffness: Of the cantilever [N/m].
        radius: Of a new tip [m].
    """

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, stiffness: float, radius: float
    ) -> None:
        super().__init__(task, choices, stage.clock)
        sample = stage.truth.sample
        if not isinstance(sample, AfmSample):
            raise TypeError(f"{sample.name} has no inclusions")
        self._stage = stage
        self._sample = sample
        self._stiffness, self._radius = stiffness, radius
        self._probe_modulus = AfmSettings().complete_probe().modulus
        self._inclusions = tuple(spot for spot in sample.spots if spot.is_stiff)
        self._errors: dict[int, list[float]] = {}
        self._false = 0

    def _act(self, index: int) -> Measured:
        x, y, _ = self.choices.points[index].tolist()
        curve = self._stage.microscope.acquire_force_curve(_curve(x, y))
        try:
            fit = fit_force_curve(
                curve.extension,
                curve.approach[0],
                curve.retract[0],
                self._stiffness,
                self._radius,
            )
        except ValueError:  # it pressed on nothing
            return math.nan, math.nan
        if fit.modulus >= self._probe_modulus:
            return math.nan, math.nan
        # what is left when the tip's own compliance is taken off
        modulus = 1 / (1 / fit.modulus - 1 / self._probe_modulus)
        self._note(modulus)
        return math.log10(modulus / UNIT), math.nan

    def regret(self) -> float:
        """Return what is missing from all inclusions, with their moduli."""
        return 1 - sum(self._credit().values()) / len(self._inclusions)

    def metrics(self) -> Mapping[str, float]:
        """Return how many inclusions were found and how well their moduli are known."""
        errors = [abs(float(np.median(errors))) for errors in self._errors.values()]
        return {
            "recall": len(self._errors) / len(self._inclusions),
            "error [decades]": float(np.median(errors)) if errors else math.nan,
            "false": float(self._false),
        }

    def oracle(self) -> int | None:
        """Go from one inclusion to the next."""
        last = self.choices.points[self.chosen[-1], :2] if self.chosen else np.zeros(2)
        off = np.subtract(self._stage.truth.position, last) if self.chosen else np.zeros(2)
        free = np.flatnonzero(self._free)
        there = self.choices.points[free, :2] + off
        for number, spot in enumerate(self._inclusions):
            if number not in self._errors:
                apart = np.hypot(there[:, 0] - spot.x, there[:, 1] - spot.y)
                if apart.min() < 0.9 * spot.radius:
                    return int(free[np.argmin(apart)])
        return None

    def _note(self, modulus: float) -> None:
        """Count a modulus for the inclusion that the tip was really on."""
        if modulus < STIFF:
            return
        x, y = self._stage.truth.position
        true = self._sample.at(x, y).modulus
        for number, spot in enumerate(self._inclusions):
            if math.hypot(x - spot.x, y - spot.y) < spot.radius:
                self._errors.setdefault(number, []).append(math.log10(modulus / true))
                return
        self._false += 1

    def _credit(self) -> dict[int, float]:
        return {
            number: max(1 - abs(float(np.median(errors))) / USELESS, 0.0)
            for number, errors in self._errors.items()
        }


def _curve(x: float, y: float) -> AcquireForceCurve:
    return AcquireForceCurve(x, y, TRIGGER, TRAVEL, POINTS, RATE)
