"""S4 setpoint: which bias, current, gain and speed show atoms best without a crash?"""

import math
from collections.abc import Generator, Mapping
from contextlib import closing
from itertools import product
from typing import Self, cast

import numpy as np

from spm_auto.instrument import FloatArray, Scan, ScanFrame, ScanLine, SetFeedback
from spm_auto.tasks import Choices, Measured, Task

from ..feedback import FeedbackSettings
from ..samples.stm import Au111Settings
from ..scanner import ScannerSettings
from ..settings import SimulatorSettings
from ..techniques.stm import StmSettings
from ..techniques.stm.technique import StmTechnique
from ..tips import TipLifeSettings
from .search import SearchEpisode
from .stage import Stage, mount

FRAME = ScanFrame((0.0, 0.0), (6e-9, 1.5e-9), (80, 20))
ADATOMS = 250  # on the sample, about one in each frame
BIASES = (0.004, 0.02, 0.1, 0.5)  # [V]
CURRENTS = (20e-12, 100e-12, 500e-12, 4e-9)  # [A]
GAINS = (100.0, 300.0, 900.0, 1800.0, 3000.0, 6000.0)  # [1/s]
RATES = (1.0, 4.0, 16.0)  # lines per second [Hz]
WORST = -2.0  # worth of an image during which the tip touched the surface
RING = 0.15  # half-width around the wave number of the lattice that counts as atoms
REPAIR = 60.0  # time to go elsewhere and make the tip anew after that [s]


class CrashingStm(StmSettings):
    """A tunnelling microscope whose loop is real at every level, and whose tip can crash."""

    def at_level(self, level: int) -> Self:
        """Return these settings for a level; below 3 the tip does not change by itself."""
        life = self.tip_life
        if level < 3:
            life = TipLifeSettings.model_validate({"change_time": None})
        changed = {"tip_life": life, "feedback": self.feedback}
        return super().at_level(level).model_copy(update=changed)


class Setpoint(Task):
    """Find bias, current, gain and speed that show the atoms of a gold surface best.

    A low bias and a high current bring the tip near, where the atoms stand out, and where an adatom
    is hit by a loop that is slow. A high gain follows better, up to the edge at which the loop
    oscillates. A fast scan shows more in the same time, but lags and is noisy.

    The worth of a choice is the logarithm to base 10 of the height of the atoms over all that is
    wrong with the image, and half the logarithm of the line rate, as noise averages away with time.
    When the tip touches the surface the scan ends, the worth is -2, and it takes a minute to go on
    with another tip elsewhere; the share of acts that ended so is added to the regret.

    Args:
        gains: That can be chosen [1/s].
        rates: Lines per second that can be chosen [Hz].
    """

    id = "S4"
    name = "setpoint"
    question = "Which bias, current, gain and speed show atoms best without a crash?"
    unit = "1"
    budget = 800.0
    acts = 36

    def __init__(self, gains: tuple[float, ...] = GAINS, rates: tuple[float, ...] = RATES) -> None:
        self._grid = tuple(product(BIASES, CURRENTS, gains, rates))
        self._worths: dict[tuple[int, int], FloatArray] = {}

    def _begin(self, seed: int, level: int) -> "SetpointEpisode":
        settings = np.array(self._grid)
        if (seed, level) not in self._worths:
            self._worths[seed, level] = true_worths(seed, level, settings)
        stage = _mounted(seed, level)
        timing = stage.microscope.timing
        line_times = np.array([timing.line(rate) for rate in settings[:, 3].tolist()])
        nowhere = np.full((len(settings), 2), np.nan)
        choices = Choices.of(
            np.column_stack([nowhere, settings[:, 0]]),
            labels=[
                f"{bias:g} V, {1e12 * current:g} pA, gain {gain:g} /s, {rate:g} lines/s"
                for bias, current, gain, rate in settings.tolist()
            ],
            seconds=timing.frame_settling + FRAME.pixels[1] * line_times,
            features=np.log10(settings),
        )
        return SetpointEpisode(self, choices, stage, self._worths[seed, level], settings)


class SetpointEpisode(SearchEpisode):
    """One surface and tip.

    Args:
        task: Which game.
        choices: Settings of the loop.
        stage: What is played on.
        worths: What each is truly worth with the first tip, shape (n,).
        settings: Bias [V], current [A], gain [1/s] and line rate [Hz] of each, shape (n, 4).
    """

    def __init__(
        self, task: Task, choices: Choices, stage: Stage, worths: FloatArray, settings: FloatArray
    ) -> None:
        super().__init__(task, choices, stage.clock, worths)
        self._stage = stage
        self._settings = settings
        self._fresh = _technique(stage).snapshot()
        self._touches = 0

    def _act(self, index: int) -> Measured:
        heights = look(self._stage, self._settings[index])
        if heights is None:
            self._touches += 1
            _technique(self._stage).restore(self._fresh)
            self._clock.wait(REPAIR)
            return WORST, math.nan
        there, back = heights
        signal = atoms(there, back)
        error = float(np.std(levelled(there - back))) / math.sqrt(2)
        return worth(signal, error, float(self._settings[index, 3])), math.nan

    def regret(self) -> float:
        """Return the simple regret and the share of acts in which the tip touched the surface."""
        return super().regret() + self._touches / max(len(self.chosen), 1)

    def metrics(self) -> Mapping[str, float]:
        """Return how often the tip touched the surface, and the true worth of the answer."""
        figures = {"touches": float(self._touches)}
        if self.answer is not None:
            figures["worth"] = float(self._values[self.answer])
        return figures


def look(stage: Stage, settings: FloatArray) -> tuple[FloatArray, FloatArray] | None:
    """Scan with a bias [V], current [A], gain [1/s] and line rate [Hz].

    Returns:
        The heights forward and backward [m]; None if the tip touched the surface, as the overload
        of the preamplifier says: the scan ends at that line.
    """
    bias, current, gain, rate = settings.tolist()
    stage.microscope.set_feedback(SetFeedback(bias, current, gain))
    before = _crashes(stage)
    there, back = [], []
    lines = stage.microscope.scan(Scan(FRAME, ("height",), rate))
    with closing(cast(Generator[ScanLine], lines)) as scan:
        for line in scan:
            if _crashes(stage) > before:
                return None
            there.append(line.forward[0])
            back.append(line.backward[0])
    return np.array(there), np.array(back)


def levelled(height: FloatArray) -> FloatArray:
    """Return an image with the straight line taken off each of its lines."""
    along = np.arange(height.shape[1]) - (height.shape[1] - 1) / 2
    slope = height @ along / np.sum(along**2)
    return np.asarray(height - height.mean(axis=1, keepdims=True) - slope[:, np.newaxis] * along)


def atoms(one: FloatArray, other: FloatArray) -> float:
    """Return the rms height of what two images of `FRAME` share of the lattice's period [m]."""
    spectra = [np.fft.rfft2(levelled(image) * np.hanning(one.shape[1])) for image in (one, other)]
    share = float(np.mean(np.hanning(one.shape[1]) ** 2))
    slow = np.fft.fftfreq(one.shape[0], FRAME.pitch[1])
    fast = np.fft.rfftfreq(one.shape[1], FRAME.pitch[0])
    wave_number = np.hypot(slow[:, np.newaxis], fast[np.newaxis, :])
    lattice = 2 / (math.sqrt(3) * Au111Settings.constant)
    ring = np.abs(wave_number / lattice - 1) < RING
    # the half of the plane that is not stored is the mirror image of the other
    twice = np.where(fast > 0, 2.0, 1.0)
    shared = float(np.sum((spectra[0] * spectra[1].conj()).real * ring * twice))
    return math.sqrt(max(shared, 0.0) / share) / one.size


def worth(signal: float, error: float, rate: float) -> float:
    """Return log10 of signal over error and half of that of the line rate, at least `WORST`.

    Args:
        signal: rms height of the atoms [m].
        error: rms of what is wrong with the image [m].
        rate: Line rate [Hz].
    """
    if not (signal > 0 and error > 0):
        return WORST
    return max(math.log10(signal / error) + math.log10(rate) / 2, WORST)


def true_worths(seed: int, level: int, settings: FloatArray) -> FloatArray:
    """Return what all settings are worth with a fresh tip on the untouched surface.

    The scanner is a perfect one here, so that what is wrong with an image is the loop's, the
    noise's and the tip's; what is right is the surface of constant current of the same tip.

    Args:
        seed: Of surface and noise.
        level: How hard.
        settings: Shape (n, 4).
    """
    stage = _mounted(seed, level, ScannerSettings.perfect())
    before = stage.truth.snapshot()
    right: dict[tuple[float, float], FloatArray] = {}
    worths = []
    for each in settings:
        heights = look(stage, each)
        stage.truth.restore(before)
        if heights is None:
            worths.append(WORST)
            continue
        bias, current, _, rate = each.tolist()
        if (bias, current) not in right:
            stage.microscope.set_feedback(SetFeedback(bias, current))
            over = _technique(stage).over_sample()
            right[bias, current] = over.topography(*FRAME.positions())[0]
            stage.truth.restore(before)
        wanted = right[bias, current]
        error = float(np.std(levelled(heights[0] - wanted)))
        worths.append(worth(atoms(wanted, wanted), error, rate))
    return np.array(worths)


def _mounted(seed: int, level: int, scanner: ScannerSettings | None = None) -> Stage:
    sample = Au111Settings.model_validate({"adatoms": ADATOMS, "vacancies": 0, "steps": 0})
    technique = CrashingStm(feedback=FeedbackSettings())
    return mount(
        SimulatorSettings(sample=sample, technique=technique, scanner=scanner, level=level), seed
    )


def _technique(stage: Stage) -> StmTechnique:
    technique = stage.truth.technique
    if not isinstance(technique, StmTechnique):
        raise TypeError("only a tunnelling microscope has these settings")
    return technique


def _crashes(stage: Stage) -> int:
    return sum(1 for event in _technique(stage).tip_history if event.kind == "crash")
