"""How a loop is tuned with few images: a model of what they would be like, and steps that are safe.

A loop of first order that follows a surface of frequency w with a gain g has the response
1 / (1 + i w / g), so of its quality is known beforehand how it goes with gain and line rate; how
fast the surface is, the images tell. What else there is - noise, a resonance, the set-point - is
learned by a Gaussian process from what the images are better or worse than that (Rasmussen and
Williams, Gaussian Processes for Machine Learning, 2006). The next settings are those with the
largest expected improvement (Mockus 1975) among those near to settings that were found safe, so
that nothing dangerous is passed through (Sui et al., ICML 2015).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np

from ...analysis import TOLERATED, Quality
from ...errors import LimitExceeded
from ...instrument import FloatArray

LEAST_SCORE = 1e-3  # what is worse is as bad
LENGTHS = (0.8, 1.2, 1.2)  # of the process, in logarithms of gain, set-point and line rate
SPREAD = 1.0  # of what it adds to the logarithm of the score
NOISE = 0.1  # of that logarithm from image to image
CAREFUL = 1.3  # factor by which the gain is raised at once where the loop follows
FOLLOWS = 0.15  # error over the set-point, below which it does
CRASH = 3.0  # times what is safe, from which an error may have changed tip and surface
HAZARD = 0.5  # loss of worth for each unit of the logarithm of a gain beyond all that were safe
LATE = 0.35  # agreement below which a loop comes late; of noise it is a half
SAME = 0.05  # logarithms by which settings may differ and yet be the same
ENOUGH = 0.03  # expected improvement below which it is not worth another image
FEWEST = 4  # images before that is asked


Windows = tuple[tuple[float, float], tuple[float, float], tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Setting:
    """How a frame is scanned.

    Attributes:
        gain: Of the loop [1/s].
        setpoint: What it holds [A], [N] or [m].
        line_rate: Lines per second [Hz].
    """

    gain: float
    setpoint: float
    line_rate: float

    @property
    def logarithms(self) -> FloatArray:
        """Natural logarithms of gain, set-point and line rate, shape (3,)."""
        return np.log([self.gain, self.setpoint, self.line_rate])


@dataclass(frozen=True, slots=True)
class Weights:
    """What a goal weighs besides the logarithm of the score.

    Attributes:
        speed: Weight of the logarithm of the line rate.
        danger: Weight of the logarithm of one and the largest error.
        nearness: Weight of the logarithm of the set-point.
    """

    speed: float
    danger: float
    nearness: float


GOALS = {
    "quality": Weights(0.02, 0.02, 0.02),
    "fast": Weights(0.5, 0.05, 0.02),
    "safe": Weights(0.02, 0.5, 0.3),
    "compromise": Weights(0.25, 0.2, 0.1),
}


@dataclass(frozen=True, slots=True)
class Trial:
    """An image and how it was scanned.

    Attributes:
        setting: How.
        quality: How good it is.
    """

    setting: Setting
    quality: Quality

    @property
    def score(self) -> float:
        """Logarithm of the score."""
        return math.log(max(self.quality.score, LEAST_SCORE))

    @property
    def danger(self) -> float:
        """Logarithm of one and the largest error; 0 where it is not known."""
        peak = self.quality.peak
        return math.log1p(peak) if math.isfinite(peak) else 0.0

    @property
    def oscillates(self) -> bool:
        """Whether the loop oscillates, rather than coming late."""
        quality = self.quality
        if math.isfinite(quality.rough):
            is_rough = quality.rough > 1 and quality.rough > quality.slow
            return is_rough and quality.agreement > LATE
        return quality.ringing > 0.5


class TuningSearch:
    """Looks for the best settings, from those that are in force.

    Args:
        windows: Lowest and highest gain, set-point and line rate; equal ones for what stays.
        step: Largest factor by which a setting is changed at once.
        goal: A key of `GOALS`.
        overshoot: Largest error over the set-point that is safe.

    Attributes:
        trials: Images in order.
        refused: Settings that were refused.
    """

    def __init__(self, windows: Windows, step: float, goal: str, overshoot: float) -> None:
        self._windows, self._step = windows, step
        self._weights, self._overshoot = GOALS[goal], overshoot
        self.trials: list[Trial] = []
        self.refused: list[Setting] = []

    def next(self) -> Setting | None:
        """Return what to try next; None where nothing is worth another image."""
        options = self._options()
        if not options or self.has_crashed:
            return None
        believed, deviation = self._believed(options)
        dangers = self._dangers(options)
        worth = believed + self._known_worth(options, dangers)
        worth = worth - HAZARD * self._beyond(options)
        best = max(self.worths())
        if deviation.max() < 1e-9:
            return None
        z = (worth - best) / np.maximum(deviation, 1e-9)
        density = np.exp(-(z**2) / 2) / math.sqrt(2 * math.pi)
        below = np.array([(1 + math.erf(each / math.sqrt(2))) / 2 for each in z.tolist()])
        improvement = deviation * (z * below + density)
        if len(self.trials) >= FEWEST and improvement.max() < ENOUGH:
            return None
        return options[int(np.argmax(improvement))]

    def refuse(self, setting: Setting, error: LimitExceeded) -> None:
        """Hear that a setting is beyond the limits; what lies beyond with it is left out, too."""
        self.refused.append(setting)
        gains, setpoints, rates = self._windows
        match error.quantity:
            case "gain":
                gains = _narrowed(gains, error.allowed)
            case "setpoint":
                setpoints = _narrowed(setpoints, error.allowed)
            case "scan speed":
                highest = setting.line_rate * error.allowed[1] / error.asked
                rates = _narrowed(rates, (0.0, highest))
        self._windows = gains, setpoints, rates

    def worths(self) -> list[float]:
        """Return what each image is worth to the goal."""
        settings = [trial.setting for trial in self.trials]
        known = self._known_worth(settings, np.array([trial.danger for trial in self.trials]))
        return [trial.score + float(more) for trial, more in zip(self.trials, known, strict=True)]

    def best(self) -> int:
        """Return which image is worth most, among the safe ones if there are any."""
        worths = self.worths()
        safe = [n for n, trial in enumerate(self.trials) if self.is_safe(trial)]
        return max(safe or range(len(worths)), key=worths.__getitem__)

    def front(self) -> list[int]:
        """Return which images no other one beats in quality, speed and safety at once (Pareto)."""
        points = [(t.score, math.log(t.setting.line_rate), -t.danger) for t in self.trials]

        def is_beaten(point: tuple[float, ...]) -> bool:
            return any(
                other != point and all(o >= p for o, p in zip(other, point, strict=True))
                for other in points
            )

        return [n for n, point in enumerate(points) if not is_beaten(point)]

    def is_safe(self, trial: Trial) -> bool:
        """Say whether an image was scanned without danger."""
        return trial.danger <= math.log1p(self._overshoot) and not trial.oscillates

    @property
    def has_crashed(self) -> bool:
        """Whether the last image may have changed tip and surface, so that no other compares."""
        worst = math.log1p(CRASH * self._overshoot)
        return self.trials[-1].danger > max(worst, self.trials[0].danger)

    def _options(self) -> list[Setting]:
        """Return the settings that are near to safe ones and not tried yet.

        Where nothing was safe yet, they lead away from the least dangerous: to a smaller gain when
        the loop oscillates, to a larger one when it comes late; slower, and not nearer.
        """
        safe = [trial for trial in self.trials if self.is_safe(trial)]
        near = safe or [min(self.trials, key=lambda trial: trial.danger)]
        ceiling = min((t.setting.gain for t in self.trials if self._is_over(t)), default=math.inf)
        known = [*(trial.setting for trial in self.trials), *self.refused]
        found = [each for trial in near for each in self._around(trial, leaves=not safe)]
        found = [setting for setting in found if setting.gain < ceiling]
        if not found:
            return []
        places = np.array([setting.logarithms for setting in found])
        taken = np.array([setting.logarithms for setting in known])
        away = np.max(np.abs(places[:, np.newaxis] - taken[np.newaxis]), axis=2).min(axis=1)
        _, first = np.unique(np.round(places, 6), axis=0, return_index=True)
        return [found[n] for n in np.sort(first).tolist() if away[n] > SAME]

    def _is_over(self, trial: Trial) -> bool:
        """Say whether the gain was too high: no lateness explains how dangerous the image was."""
        if trial.oscillates or self.is_safe(trial):
            return trial.oscillates
        late = [t.setting.line_rate / t.setting.gain for t in self.trials if self.is_safe(t)]
        return trial.setting.line_rate / trial.setting.gain <= max(late, default=0.0)

    def _around(self, trial: Trial, leaves: bool) -> list[Setting]:
        half = math.sqrt(self._step)
        up, down, stay = [half, self._step], [1 / half, 1 / self._step], [1.0]
        quality = trial.quality
        error = quality.error if math.isfinite(quality.error) else math.inf
        raised = [CAREFUL] if error < FOLLOWS else [CAREFUL, *up[: 1 if error < TOLERATED else 2]]
        gains = down + stay + raised
        nearness, speeds = down + stay + up, down + stay + up
        if leaves:
            gains = [*down, down[1] ** 2] if trial.oscillates else stay + up
            nearness, speeds = down + stay, down + stay
        fields = ("gain", "setpoint", "line_rate")
        factors = zip(fields, (gains, nearness, speeds), self._windows, strict=True)
        values = []
        for field, choices, (low, high) in factors:
            now = getattr(trial.setting, field)
            values.append({min(max(now * factor, low), high) for factor in choices})
        return [Setting(*each) for each in product(*(sorted(value) for value in values))]

    def _beyond(self, options: Sequence[Setting]) -> FloatArray:
        """Return by how much gains lie beyond all that were safe, as logarithms, shape (n,).

        Anywhere there the loop may begin to oscillate, and no image warns of it.
        """
        safe = [trial.setting.gain for trial in self.trials if self.is_safe(trial)]
        if not safe:
            return np.zeros(len(options))
        gains = np.array([option.gain for option in options])
        return np.maximum(np.log(gains / max(safe)), 0.0)

    def _known_worth(self, settings: Sequence[Setting], dangers: FloatArray) -> FloatArray:
        """Return what settings are worth besides the score."""
        x = np.array([setting.logarithms for setting in settings]) - self._origin()
        weights = self._weights
        return np.asarray(
            weights.speed * x[:, 2] - weights.nearness * x[:, 1] - weights.danger * dangers
        )

    def _origin(self) -> FloatArray:
        return self.trials[0].setting.logarithms

    def _believed(self, options: Sequence[Setting]) -> tuple[FloatArray, FloatArray]:
        """Return mean and deviation of the logarithm of the score, each of shape (n,)."""
        settings = [trial.setting for trial in self.trials]
        expected, known = self._expected(options), self._expected(settings)
        rest = np.array([trial.score for trial in self.trials]) - known
        middle = float(np.median(rest))
        mean, deviation = process(settings, rest - middle, options)
        return np.minimum(expected + middle + mean, 0.0), deviation

    def _dangers(self, options: Sequence[Setting]) -> FloatArray:
        dangers = np.array([trial.danger for trial in self.trials])
        middle = float(np.median(dangers))
        mean, _ = process([trial.setting for trial in self.trials], dangers - middle, options)
        return np.maximum(mean + middle, 0.0)

    def _expected(self, settings: Sequence[Setting]) -> FloatArray:
        """Return the logarithm of the squared response to the surface as it was seen, (n,).

        Agreement of there and back is that square; where the loop does not oscillate, it tells the
        surface's frequency over the gain.
        """
        ratios = [
            0.5 * math.log(max(1 / max(t.quality.agreement, 1e-3) - 1, 1e-3))
            + math.log(t.setting.gain / t.setting.line_rate)
            for t in self.trials
            if not t.oscillates
        ]
        if not ratios:
            return np.zeros(len(settings))
        surface = float(np.median(ratios))
        x = np.array([math.log(each.line_rate / each.gain) for each in settings]) + surface
        return np.asarray(-2 * np.log1p(np.exp(2 * x)) / 2)


def _narrowed(window: tuple[float, float], allowed: tuple[float, float]) -> tuple[float, float]:
    low, high = max(window[0], allowed[0]), min(window[1], allowed[1])
    return (low, high) if low <= high else window


def process(
    settings: Sequence[Setting], values: FloatArray, options: Sequence[Setting]
) -> tuple[FloatArray, FloatArray]:
    """Return mean and deviation of a Gaussian process of mean 0 at some settings.

    Args:
        settings: Where it is known.
        values: What it is there, shape (n,).
        options: Where it is asked for, m of them.

    Returns:
        Two arrays of shape (m,).
    """
    scale = np.array(LENGTHS)
    at = np.array([setting.logarithms for setting in settings]) / scale
    asked = np.array([option.logarithms for option in options]) / scale
    known = _covariance(at, at) + NOISE**2 * np.eye(len(at))
    between = _covariance(asked, at)
    solved = np.linalg.solve(known, between.T)
    variance = SPREAD**2 - np.sum(between.T * solved, axis=0)
    return solved.T @ values, np.sqrt(np.maximum(variance, 0.0))


def _covariance(one: FloatArray, other: FloatArray) -> FloatArray:
    squares = np.sum((one[:, np.newaxis] - other[np.newaxis]) ** 2, axis=2)
    return np.asarray(SPREAD**2 * np.exp(-squares / 2))
