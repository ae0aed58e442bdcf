"""S3 tip_prep: how often can atomic resolution be recovered from a bad tip?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Self

import numpy as np

from spm_auto.instrument import ConditionTip, FloatArray, Scan, ScanFrame
from spm_auto.tasks import Choices, Episode, Measured, Task

from ..randomness import RandomStreams
from ..samples.stm import HopgSettings
from ..settings import SimulatorSettings
from ..techniques.stm import StmSettings
from ..techniques.stm.technique import StmTechnique
from ..tips import TipLifeSettings, TipLifeState, TipState
from .stage import Stage, mount

LOOK = ScanFrame((0.0, 0.0), (3e-9, 3e-9), (40, 40))  # what is imaged after each treatment
LOOK_RATE = 5.0  # lines per second [Hz]
LATTICE = 0.2461e-9  # distance of equal atoms of graphite [m]
RING = 0.15  # half-width around the lattice's wave number that counts as corrugation
RESOLVED = 0.3  # corrugation that makes atomic resolution, in units of a good tip's
WORN = (3.0, 0.2)  # blur of a bad tip in units of a good one's, and its spread of the logarithm
PLACES = (*((45e-9, turn / 16) for turn in range(16)), *((8e-9, turn / 4) for turn in range(4)))


@dataclass(frozen=True, slots=True)
class Treatment:
    """What can be done to a tip: a pulse or a poke.

    Attributes:
        bias: Of a pulse [V]; 0 for a poke.
        depth: Of a poke [m]; 0 for a pulse.
    """

    bias: float = 0.0
    depth: float = 0.0

    def __str__(self) -> str:
        return f"pulse of {self.bias:g} V" if self.bias else f"poke of {1e9 * self.depth:g} nm"


TREATMENTS = (
    *(Treatment(bias=bias) for bias in (0.5, 1.0, 1.5, 2.0, 3.0, 4.0, 8.0)),
    *(Treatment(depth=1e-9 * depth) for depth in (0.1, 0.2, 0.4, 0.8, 1.6, 2.4, 4.0)),
)
PROMISING = (6, 10, 5, 11)  # which ones are tried by one who sees what comes of them
HARMLESS = (0, 1, 7, 8)  # which ones are too weak to do anything


class ConditionableStm(StmSettings):
    """A tunnelling microscope whose tip can be conditioned at every level."""

    def at_level(self, level: int) -> Self:
        """Return these settings for a level; below 3 the tip does not change by itself."""
        life = self.tip_life
        if level < 3:
            life = TipLifeSettings.model_validate({"change_time": None})
        return super().at_level(level).model_copy(update={"tip_life": life})


class TipPrep(Task):
    """Recover atomic resolution on graphite, again and again, by pulses and pokes.

    A choice is a treatment and a place. Afterwards the same few nanometres are imaged; the reward
    is the corrugation with the lattice's period. When the atoms are resolved, one measures until
    the tip is bad again, which takes no time here, and begins anew.

    A treatment that is too weak does nothing, and one that is too strong ruins the tip; a right one
    helps one time in three. The score is how many tips were recovered, in units of what one could
    have done who knew beforehand what will come of each treatment.
    """

    id = "S3"
    name = "tip_prep"
    question = "Which treatment recovers atomic resolution from a bad tip?"
    unit = "m"
    budget = 700.0
    acts = 45

    def __init__(self) -> None:
        self._possible: dict[tuple[int, int], int] = {}

    def _begin(self, seed: int, level: int) -> "TipPrepEpisode":
        key = seed, level
        if key not in self._possible:
            rehearsal = self._make(seed, level, 1)
            while not rehearsal.is_over:
                rehearsal.act(rehearsal.oracle())
            self._possible[key] = max(rehearsal.recovered, 1)
        return self._make(seed, level, self._possible[key])

    def _make(self, seed: int, level: int, possible: int) -> "TipPrepEpisode":
        sample = HopgSettings.model_validate({"size": "120 nm", "steps": 0, "vacancies": 0})
        settings = SimulatorSettings(sample=sample, technique=ConditionableStm(), level=level)
        stage = mount(settings, seed)
        points, labels, features = [], [], []
        for radius, turn in PLACES:
            x, y = radius * math.cos(2 * math.pi * turn), radius * math.sin(2 * math.pi * turn)
            for treatment in TREATMENTS:
                points.append((x, y, treatment.bias))
                labels.append(f"{treatment} at ({1e9 * x:.0f}, {1e9 * y:.0f}) nm")
                features.append((treatment.bias, 1e9 * treatment.depth, radius > 20e-9))
        timing = stage.microscope.timing
        choices = Choices.of(
            np.array(points),
            labels=labels,
            seconds=timing.conditioning
            + timing.frame_settling
            + 0.1
            + LOOK.pixels[1] * timing.line(LOOK_RATE),
            features=np.array(features, dtype=float),
        )
        return TipPrepEpisode(self, choices, stage, seed, possible)


class TipPrepEpisode(Episode):
    """One day with bad tips.

    Args:
        task: Which game.
        choices: Treatments at places.
        stage: What is played on.
        seed: Of the bad tips.
        possible: How many can be recovered.

    Attributes:
        recovered: How many tips were.
    """

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, seed: int, possible: int
    ) -> None:
        super().__init__(task, choices, stage.clock)
        technique = stage.truth.technique
        if not isinstance(technique, StmTechnique):
            raise TypeError("only a tunnelling tip resolves atoms")
        self.recovered = 0
        self._stage = stage
        self._technique = technique
        self._streams = RandomStreams(seed)
        self._possible = possible
        self._good = self._true_corrugation()
        self._spoil()

    def _act(self, index: int) -> Measured:
        self._treat(index)
        look = self._stage.image(Scan(LOOK, ("height",), LOOK_RATE))
        seen = corrugation(look.channel("height"))
        if self._is_resolved():
            self.recovered += 1
            self._spoil()
        return seen, math.nan

    def regret(self) -> float:
        """Return the share of the tips that could be recovered and were not."""
        return max(1 - self.recovered / self._possible, 0.0)

    def metrics(self) -> Mapping[str, float]:
        """Return how many tips were recovered, and how many could have been."""
        return {"recovered": float(self.recovered), "possible": float(self._possible)}

    def oracle(self) -> int:
        """Try the promising treatments, take one that will help, else one that does least harm."""
        far = np.flatnonzero(self._free & (self.choices.features[:, 2] > 0)).tolist()
        free = far or np.flatnonzero(self._free).tolist()
        first = {index % len(TREATMENTS): index for index in reversed(free)}
        best = [first[i] for i in PROMISING if i in first] or free[:1]
        before = self._stage.truth.snapshot()
        outcomes: dict[int, float] = {}
        for index in best:
            self._treat(index)
            outcomes[index] = self._true_corrugation()
            is_resolved = self._is_resolved()
            self._stage.truth.restore(before)
            if is_resolved:
                return int(index)
        harmless = [first[i] for i in HARMLESS if i in first]
        return int(harmless[0] if harmless else max(outcomes, key=outcomes.__getitem__))

    def _treat(self, index: int) -> None:
        x, y, _ = self.choices.points[index].tolist()
        treatment = TREATMENTS[index % len(TREATMENTS)]
        self._stage.microscope.condition_tip(ConditionTip(x, y, treatment.bias, treatment.depth))

    def _spoil(self) -> None:
        """Let the tip become a bad one."""
        rng = self._streams.stream("bad tip", self.recovered)
        median, spread = WORN
        tip = TipState(blur=median * math.exp(spread * abs(rng.standard_normal())))
        state = self._technique.snapshot()
        self._technique.restore(replace(state, tip=TipLifeState(tip, state.tip.history)))

    def _is_resolved(self) -> bool:
        return self._true_corrugation() > RESOLVED * self._good

    def _true_corrugation(self) -> float:
        """Return what a perfect instrument would see with the tip as it is [m]."""
        x, y = LOOK.positions()
        height, _ = self._technique.over_sample().topography(x, y)
        return corrugation(height)


def corrugation(height: FloatArray) -> float:
    """Return the rms height of what has the period of the lattice in an image of `LOOK` [m].

    Args:
        height: Shape [line, pixel].
    """
    lines, pixels = height.shape
    levelled = height - height.mean(axis=1, keepdims=True)
    window = np.outer(np.hanning(lines), np.hanning(pixels))
    power = np.abs(np.fft.fft2(levelled * window)) ** 2 / np.sum(window**2) / levelled.size
    along = (np.fft.fftfreq(n, pitch) for n, pitch in zip((lines, pixels), LOOK.pitch, strict=True))
    slow, fast = along
    wave_number = np.hypot(slow[:, np.newaxis], fast[np.newaxis, :])
    lattice = 2 / (math.sqrt(3) * LATTICE)
    ring = np.abs(wave_number / lattice - 1) < RING
    return float(np.sqrt(np.sum(power[ring])))
