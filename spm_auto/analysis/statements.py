"""Statements of structure and property, with their uncertainty: "falls by 1.1 V within 40 nm".

A value was measured at some places, and an image says something of the structure at each, such as
how far the nearest wall is. Whether they go together, over which distance and by how much is found
at once: the scale is the likeliest of many. So that many may be tried, chance is given the same
choice: values that have nothing to do with the structure, but vary from place to place as the
measured ones do, are searched in the same way.

Source:
    B. Efron, Ann. Stat. 7, 1 (1979), for the bootstrap; H. H. Wagner, S. Dray, Methods Ecol. Evol.
    6, 1169 (2015), for chance that keeps how values vary in space.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import units
from ..instrument import FloatArray

FEWEST = 12  # values that a statement needs
FEWEST_BESIDE = 5  # values on either side of a step
SHARE_BESIDE = 0.1  # of all values that must lie on either side of a step
SCALES = 16  # distances that are tried
LEVEL = 0.05  # chance of a statement where there is nothing
TWO_SIDED = 1.96  # deviations within which 95 % of a normal distribution lie

Shape = Literal["step", "decay", "linear", "sides"]
SHAPES: tuple[Shape, ...] = ("step", "decay")


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """What is said of a value and a structure.

    Attributes:
        shape: How the value follows the structure: "step" within a distance, "decay" as
            exp(-(distance / scale)^2), "linear", "sides" for what is positive or negative.
        effect: By how much the value differs near, or on the positive side, or changes by one
            standard deviation of a structure that is no distance [unit of the value].
        deviation: Its standard deviation, the search for the scale included.
        scale: Over which distance [unit of the structure]; NaN for "linear" and "sides".
        scales: Between which two the scale lies, at 95 %.
        far: The value far away, or on the negative side; at the mean of the structure for "linear".
        chance: How often chance does as well in the same search.
        limit: Beyond which an effect of either sign can be excluded, at 95 %, within any distance
            that was tried; where a step is among the shapes, as a step.
        tried: The smallest and the largest scale that were tried; NaN for "linear".
        n: How many values.
        n_near: How many of them lie within the scale, or on the positive side; all for "linear".
        at: Structure at which the curve is drawn, shape (k,).
        curve: Value that is expected there, shape (k,).
        low: Lower end of 95 % of the curves that the data allow, shape (k,).
        high: Upper end, shape (k,).
    """

    shape: Shape
    effect: float
    deviation: float
    scale: float
    scales: tuple[float, float]
    far: float
    chance: float
    limit: float
    tried: tuple[float, float]
    n: int
    n_near: int
    at: FloatArray
    curve: FloatArray
    low: FloatArray
    high: FloatArray

    def sentence(self, name: str, unit: str, structure: str, structure_unit: str = "m") -> str:
        """Say it in words: "coercive bias falls by 1.1 ± 0.2 V within 40 nm of walls ...".

        Args:
            name: What the value is.
            unit: Its unit.
            structure: What the structure is: "walls", "height".
            structure_unit: Its unit.
        """
        said = f"{_percent(self.chance)} by chance, {self.n} places"
        if not self.is_significant:
            reach = ""
            if math.isfinite(self.tried[0]):
                low, high = (units.format(each, structure_unit, 2) for each in self.tried)
                reach = f" within {low} to {high}"
            most = units.format(self.limit, unit, 2)
            return f"{name}: no effect of {structure} is seen, none beyond ±{most}{reach} ({said})"
        how = "rises" if self.effect > 0 else "falls"
        if self.shape == "sides":
            much = plus_minus(abs(self.effect), self.deviation, unit)
            return f"{name} differs by {much} between {structure} ({said})"
        much = plus_minus(abs(self.effect), self.deviation, unit)
        if self.shape == "linear":
            where = f"for each standard deviation of {structure}"
        elif self.shape == "step":
            where = f"within {units.format(self.scale, structure_unit, 2)} of {structure}"
        else:
            low, high = (units.format(each, structure_unit, 2) for each in self.scales)
            scale = units.format(self.scale, structure_unit, 2)
            where = f"at {structure}, over {scale} ({low} to {high})"
        return f"{name} {how} by {much} {where} ({said})"

    @property
    def is_significant(self) -> bool:
        """Whether chance alone would hardly do as well."""
        return self.chance < LEVEL


def state(
    values: ArrayLike,
    structure: ArrayLike,
    places: ArrayLike | None = None,
    rng: np.random.Generator | None = None,
    shapes: Sequence[Shape] = SHAPES,
    trials: int = 999,
) -> Statement:
    """Find out whether a value follows a structure, over which distance, and by how much.

    Args:
        values: What was measured, shape (n,).
        structure: Distance from something at each place [m], or another number, shape (n,).
        places: Where [m], shape (n, 2): chance is then as smooth in space as the values are.
            Without them each value stands for itself.
        rng: Randomness of chance and bootstrap.
        shapes: Which ones are tried; ("linear",) for what is no distance.
        trials: How often chance is tried, and how many bootstrap samples are drawn.

    Raises:
        ValueError: There are too few values, they do not belong together, or the structure is the
            same everywhere.
    """
    y, s = np.asarray(values, dtype=float), np.asarray(structure, dtype=float)
    if y.shape != s.shape or y.ndim != 1:
        raise ValueError(f"values of shape {y.shape} do not belong to structure of {s.shape}")
    if not (np.isfinite(y).all() and np.isfinite(s).all()):
        raise ValueError("values and structure must be finite; leave out what is not known")
    if len(y) < FEWEST:
        raise ValueError(f"a statement needs at least {FEWEST} values, got {len(y)}")
    rng = rng or np.random.default_rng(0)
    tried = _tried(s, shapes)
    features = np.array([_feature(s, s, *each) for each in tried])
    basis = None if places is None else _basis(np.asarray(places, dtype=float))
    effects, explained = _regressed(features, y[None])
    best = int(np.argmax(explained[0]))
    chance = _chance(features, y, basis, rng, trials, float(explained[0, best]))
    boot = _bootstrap(features, y, rng, trials)
    wild = None if basis is None else _wild(features, y, best, basis, rng, trials)
    deviation = float(np.std(boot.effect))
    stretch = 1.0
    if wild is not None and deviation > 0:  # what lies near one another is not independent
        stretch = max(1.0, float(np.std(wild)) / deviation)
        deviation *= stretch
    spread = np.std(boot.effects, axis=0) * stretch
    steps = np.array([each[0] == "step" for each in tried])
    counted = steps if steps.any() else ~steps
    limit = float(np.max((np.abs(effects[0]) + TWO_SIDED * spread)[counted]))
    shape, scale = tried[best]
    every = np.array([each[1] for each in tried])
    scales = np.percentile(every[boot.best], (2.5, 97.5)).tolist()
    is_distance = math.isfinite(scale)
    at = np.linspace(min(float(s.min()), 0.0) if is_distance else s.min(), s.max(), 100)
    curves = np.array(
        [
            far + effect * _feature(at, s, *tried[number])
            for number, effect, far in zip(boot.best, boot.effect, boot.far, strict=True)
        ]
    )
    effect = float(effects[0, best])
    far = float(np.mean(y) - effect * np.mean(features[best]))
    middle = far + effect * _feature(at, s, shape, scale)
    low, high = np.percentile(curves, (2.5, 97.5), axis=0)
    return Statement(
        shape=shape,
        effect=effect,
        deviation=deviation,
        scale=scale,
        scales=(scales[0], scales[1]),
        far=far,
        chance=chance,
        limit=limit,
        tried=(float(every.min()), float(every.max())),
        n=len(y),
        n_near=int(np.sum(s <= scale) if is_distance else np.sum((s > 0) | (shape == "linear"))),
        at=at,
        curve=middle,
        low=np.minimum(middle - stretch * (middle - low), middle),
        high=np.maximum(middle + stretch * (high - middle), middle),
    )


def plus_minus(value: float, deviation: float, unit: str) -> str:
    """Write a value with its standard deviation: "1.1 ± 0.2 V", the deviation with two digits."""
    if not (math.isfinite(value) and math.isfinite(deviation)) or deviation <= 0:
        return units.format(value, unit, 3)
    leading = units.format(max(abs(value), deviation), unit, 3).split(" ", 1)
    prefixed = leading[1] if len(leading) > 1 else ""
    factor = units.parse(f"1 {prefixed}", unit) if prefixed and unit != "1" else 1.0
    digits = max(0, 1 - math.floor(math.log10(deviation / factor)))
    text = f"{value / factor:.{digits}f} ± {deviation / factor:.{digits}f}"
    return f"{text} {prefixed}".rstrip()


def _percent(chance: float) -> str:
    return f"{100 * chance:.2g} %"


def _tried(s: FloatArray, shapes: Sequence[Shape]) -> list[tuple[Shape, float]]:
    """Return the shapes with their scales."""
    tried: list[tuple[Shape, float]] = []
    beside = max(FEWEST_BESIDE, math.ceil(SHARE_BESIDE * len(s)))
    for shape in shapes:
        if shape in ("linear", "sides"):
            tried.append((shape, math.nan))
            continue
        ordered = np.sort(s)
        low, high = ordered[beside - 1], ordered[len(s) - beside - 1]
        # with so many values on either side; not closer than the data can tell apart
        quantiles = np.linspace(beside / len(s), 1 - beside / len(s), SCALES)
        scales = np.unique(np.clip(np.quantile(s, quantiles), low, high))
        tried += [(shape, float(scale)) for scale in scales if scale > 0]
    features = [_feature(s, s, *each) for each in tried]
    tried = [t for t, f in zip(tried, features, strict=True) if np.ptp(f) > 1e-9]
    if not tried:
        raise ValueError("the structure is the same at nearly all places; nothing can be said")
    return tried


def _feature(at: FloatArray, s: FloatArray, shape: Shape, scale: float) -> FloatArray:
    """Return what the effect is multiplied with."""
    if shape == "step":
        return np.asarray(at <= scale, dtype=float)
    if shape == "sides":
        return np.asarray(at > 0, dtype=float)
    if shape == "decay":
        return np.asarray(np.exp(-((at / scale) ** 2)))
    spread = float(np.std(s))
    return np.asarray((at - np.mean(s)) / spread) if spread > 0 else np.zeros_like(at)


def _regressed(features: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return the effect of each feature on each row of values, and the share it explains.

    Args:
        features: Shape (m, n).
        y: Shape (b, n).

    Returns:
        Two arrays of shape (b, m).
    """
    f = features - features.mean(axis=1, keepdims=True)
    away = y - y.mean(axis=1, keepdims=True)
    power = np.sum(f**2, axis=1)
    effects = away @ f.T / power
    total = np.maximum(np.sum(away**2, axis=1, keepdims=True), 1e-300)
    return effects, effects**2 * power / total


def _basis(places: FloatArray) -> FloatArray:
    """Return patterns in space from the smoothest to the finest, orthonormal, shape (n, n - 1)."""
    from scipy.spatial.distance import cdist

    apart = cdist(places, places)
    nearest = np.partition(apart, 1, axis=1)[:, 1]
    width = 2 * float(np.median(nearest)) or float(np.max(apart)) or 1.0
    near = np.exp(-((apart / width) ** 2) / 2)
    n = len(places)
    middle = np.eye(n) - 1 / n
    _, vectors = np.linalg.eigh(middle @ near @ middle)
    # the constant is among them: it is taken out of each, and what is left of it dropped
    vectors = vectors - vectors.mean(axis=0)
    return np.asarray(vectors[:, np.linalg.norm(vectors, axis=0) > 0.5])


def _chance(
    features: FloatArray,
    y: FloatArray,
    basis: FloatArray | None,
    rng: np.random.Generator,
    trials: int,
    found: float,
) -> float:
    """Return how often values that have nothing to do with the structure are explained as well."""
    if basis is None:
        shuffled = rng.permuted(np.tile(y, (trials, 1)), axis=1)
    else:
        signs = rng.choice((-1.0, 1.0), (trials, basis.shape[1]))
        shuffled = (signs * (basis.T @ (y - y.mean()))) @ basis.T
    best = np.max(_regressed(features, shuffled)[1], axis=1)
    return float((np.sum(best >= found * (1 - 1e-9)) + 1) / (trials + 1))


@dataclass(frozen=True, slots=True, eq=False)
class _Boot:
    """Bootstrap samples: the best shape of each, its effect and level, and all effects."""

    best: NDArray[np.intp]
    effect: FloatArray
    far: FloatArray
    effects: FloatArray


def _bootstrap(features: FloatArray, y: FloatArray, rng: np.random.Generator, trials: int) -> _Boot:
    n = len(y)
    weights = rng.multinomial(n, np.full(n, 1 / n), trials) / n
    f, f2, fy = weights @ features.T, weights @ (features**2).T, weights @ (features * y).T
    mean = (weights @ y)[:, None]
    power = f2 - f**2
    is_known = power > 1e-6 * np.var(features, axis=1)
    effects = np.where(is_known, (fy - f * mean) / np.where(is_known, power, 1.0), 0.0)
    best = np.argmax(effects**2 * power, axis=1)
    rows = np.arange(trials)
    effect = effects[rows, best]
    return _Boot(best, effect, mean[:, 0] - effect * f[rows, best], effects)


def _wild(
    features: FloatArray,
    y: FloatArray,
    best: int,
    basis: FloatArray,
    rng: np.random.Generator,
    trials: int,
) -> FloatArray:
    """Return effects of values whose rest is another one that varies in space as it does."""
    feature = features[best] - features[best].mean()
    effect = float(feature @ y / (feature @ feature))
    fitted = y.mean() + effect * feature
    signs = rng.choice((-1.0, 1.0), (trials, basis.shape[1]))
    other = fitted + (signs * (basis.T @ (y - fitted))) @ basis.T
    effects, explained = _regressed(features, other)
    return np.asarray(effects[np.arange(trials), np.argmax(explained, axis=1)])
