"""Beliefs: what an agent believes, why it goes where it goes, and what it cost, in words.

Nothing here knows of Qt.
"""

import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from spm_auto.agents import ForbidRegion, steering_of
from spm_auto.analysis import Surface, expected_improvement, plus_minus
from spm_auto.data import Intervention, ModelFitted, PointChosen
from spm_auto.errors import SpmError
from spm_auto.instrument import FloatArray, ScanFrame
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from .run_model import GrowingScan, Learning, RunModel

NORMAL = {1.0: 0.683, 2.0: 0.954}  # share of a normal distribution within so many deviations
_PACE = 6  # measurements from which the time of one is told
_SPEAKERS = {"gp": "Gaussian process"}  # how people call what a model calls itself


@dataclass(frozen=True, slots=True, eq=False)
class Promise:
    """How much each place promises, as far as the maps of the last fit tell.

    Attributes:
        values: Of each row of the fit, NaN where it is forbidden, shape (n,).
        name: What that is, in words.
        unit: Of the values.
        best: What was to be improved on.
    """

    values: FloatArray
    name: str
    unit: str
    best: float


def on_grid(values: FloatArray, rows: ArrayLike, frame: ScanFrame) -> tuple[FloatArray, ScanFrame]:
    """Lay one value per candidate onto an image; NaN where there is no candidate.

    Where candidates are every so many-th pixel the image has as many cells as there are candidates,
    each as large as their distance, so that it is no pattern of dots.

    Args:
        values: One number per candidate, shape (n,).
        rows: Line and pixel of each, shape (n, 2); where several share a pixel, the largest
            value counts.
        frame: The overview's frame.

    Returns:
        The image [line, pixel] and the frame in which it lies.
    """
    rows = np.asarray(rows, dtype=int)
    first, step, n = [0, 0], [1, 1], list(frame.shape)
    for axis in (0, 1):
        at = np.unique(rows[:, axis])
        if len(at) > 1 and (apart := int(np.gcd.reduce(np.diff(at)))) > 1:
            first[axis], step[axis] = int(at[0]), apart
            n[axis] = int(at[-1] - at[0]) // apart + 1
    image = np.full(n, -np.inf)
    np.maximum.at(image, tuple((rows - first).T // np.array(step)[:, None]), values)
    image[~np.isfinite(image)] = np.nan
    middle = [f + s * (k - 1) / 2 for f, s, k in zip(first, step, n, strict=True)]
    x, y = frame.to_sample(middle[0], middle[1])
    cell = (frame.size[0] / frame.pixels[0] * step[1], frame.size[1] / frame.pixels[1] * step[0])
    return image, ScanFrame(
        center=(float(x), float(y)),
        size=(cell[0] * n[1], cell[1] * n[0]),
        pixels=(n[1], n[0]),
        angle=frame.angle,
    )


def promise(model: RunModel) -> Promise | None:
    """Return the expected improvement of every place, per second where seconds are counted.

    It is computed from mean and deviation as recorded, against the best value so far;
    the agent itself may have gone by another rule, which the reason of its choice tells. None while
    nothing was fitted.

    Source:
        D. R. Jones, M. Schonlau, W. J. Welch, J. Glob. Optim. 13, 455 (1998).
    """
    fit = model.fit
    if fit is None:
        return None
    found = np.array(model.fit_learning.values, dtype=float)
    is_told = bool(np.isfinite(found).any()) and not fit.quantity
    best = float(np.nanmax(found)) if is_told else float(np.max(fit.mean))
    surface = Surface(fit.mean, fit.deviation, np.array([math.inf]), 0.0)
    values, name = expected_improvement(surface, best), "expected improvement"
    unit = unit_of(model)
    x, y = fit.frame.to_sample(fit.rows[:, 0], fit.rows[:, 1])
    costs = model.costs
    if costs is not None and counts_seconds(model) and model.probe is not None:
        away = np.hypot(x - model.probe[0], y - model.probe[1])
        seconds = costs.overhead + float(np.mean(costs.sweep)) + costs.per_metre * away
        values, name = values / np.maximum(seconds, 1e-9), f"{name} per second"
        unit = "1/s" if unit == "1" else f"{unit}/s"
    for region in forbidden_regions(model):
        values = np.where(region.contains(x, y), np.nan, values)
    return Promise(values, name, unit, best)


def counts_seconds(model: RunModel) -> bool:
    """Whether the agent weighs what a place is worth by the time that it takes."""
    costs = model.costs
    differ = costs is not None and (costs.per_metre > 0 or float(np.ptp(costs.sweep)) > 0)
    return differ and bool(agent_table(model).get("cost_aware", True))


def forbidden_regions(model: RunModel) -> list[ForbidRegion]:
    """Return where nothing may be measured now."""
    regions = (region_of(each) for each in model.forbidden)
    return [region for region in regions if region is not None]


def region_of(intervention: Intervention) -> ForbidRegion | None:
    """Return the region of an intervention; None where this version cannot read it."""
    try:
        region = steering_of(intervention.kind, intervention.values)
    except SpmError:
        return None
    return region if isinstance(region, ForbidRegion) else None


def step_table(model: RunModel) -> Mapping[str, Any]:
    """Return what the recipe says of the step that goes on; empty where nobody knows."""
    if model.started is None or model.step is None:
        return {}
    try:
        table = tomllib.loads(model.started.recipe)["steps"][model.step.index]
        for number in model.step.path[1::2]:
            table = table["steps"][number]
    except (tomllib.TOMLDecodeError, KeyError, IndexError, TypeError):
        return {}
    return table if isinstance(table, dict) else {}


def agent_table(model: RunModel) -> Mapping[str, Any]:
    """Return what the recipe says of the agent of the step that goes on."""
    agent = step_table(model).get("agent", {})
    return agent if isinstance(agent, dict) else {}


def unit_of(model: RunModel) -> str:
    """Return the unit of what the fit predicts; of what is found while there is none."""
    if model.fit is None:
        return model.learning.unit
    return "1" if model.fit.quantity else model.fit_learning.unit


def shown_learning(model: RunModel) -> Learning:
    """Return how the agent does, or did in the last step that had one."""
    return model.learning if model.learning.times else model.fit_learning


def place_words(x: float, y: float) -> str:
    """Write a place for people."""
    return f"({format_quantity(x, 'm', 4)}, {format_quantity(y, 'm', 4)})"


def reason_words(model: RunModel, choice: PointChosen) -> str:
    """Say why a place was chosen: "largest expected improvement: 0.31 ± 0.08 V, 4.2 s away"."""
    words = choice.reason
    if choice.rule in ("expected_improvement", "max_value_entropy", "variance"):
        words += " per second" if counts_seconds(model) else ""
    said = []
    if math.isfinite(choice.mean):
        said.append(plus_minus(choice.mean, choice.deviation, unit_of(model)))
    if math.isfinite(choice.cost):
        said.append(f"{format_quantity(choice.cost, 's', 2)} away")
    if choice.averages > 1:
        said.append(f"{choice.averages} averaged")
    return f"{words}: {', '.join(said)}" if said else words


def choice_words(choice: PointChosen) -> str:
    """Write where a choice is, and with which bias and pulse if that was chosen, too."""
    words = place_words(choice.x, choice.y)
    if math.isfinite(choice.bias):
        words += f" with {format_quantity(choice.bias, 'V', 4)}"
    if math.isfinite(choice.duration):
        words += f" for {format_quantity(choice.duration, 's', 3)}"
    return words


def belief_words(model: RunModel) -> str:
    """Say which model speaks, and what it has heard."""
    fit = model.fit
    if fit is None:
        return "no model has been fitted yet"
    name = _SPEAKERS.get(fit.speaker, fit.speaker)
    words = f"{name} speaks" if name else "the model"
    weights = {
        key.removesuffix("_weight").replace("_", " "): weight
        for key, weight in fit.parameters.items()
        if key.endswith("_weight")
    }
    if len(weights) > 1:
        shares = (f"{_SPEAKERS.get(n, n)} {100 * w:.0f} %" for n, w in weights.items())
        words += f" (weights: {', '.join(shares)})"
    n_good = sum(map(math.isfinite, model.fit_learning.values))
    heard = f"{fit.n_observations} good measurements"
    if n_good > fit.n_observations:
        heard = f"{fit.n_observations} of {n_good} good measurements"
    quantity = f", predicts {fit.quantity}" if fit.quantity else ""
    return f"{words}, fitted to {heard} (fit {model.n_fits}){quantity}"


def believes(fit: ModelFitted, unit: str) -> str:
    """Say where the model expects most, and how much."""
    at = int(np.argmax(fit.mean))
    x, y = (float(v) for v in fit.frame.to_sample(fit.rows[at, 0], fit.rows[at, 1]))
    value = plus_minus(float(fit.mean[at]), float(fit.deviation[at]), unit)
    bias = math.nan if fit.bias is None else float(fit.bias[at])
    where = place_words(x, y) + (
        f" with {format_quantity(bias, 'V', 4)}" if math.isfinite(bias) else ""
    )
    return f"most is expected at {where}: {value}"


def cost_words(model: RunModel) -> str:
    """Say what was spent, and what is left of the budget."""
    learning = model.learning
    budget = step_table(model).get("budget")
    n_done = len(learning.times)
    parts = [f"{format_duration(model.spent)} spent"]
    if isinstance(budget, int) and model.step is not None and not model.step.path:
        parts.insert(0, f"{n_done} of {budget} judged")
        left, pace = max(budget - n_done, 0), pace_of(model)
        if left and math.isfinite(pace) and model.finished is None:
            parts.append(f"about {format_duration(left * pace)} left")
    elif n_done:
        parts.insert(0, f"{n_done} judged")
    if model.exposure:
        parts.append(f"exposure {format_quantity(model.exposure, 'V s', 3)}")
    if math.isfinite(model.thinking):
        parts.append(f"thought {format_quantity(model.thinking, 's', 2)} at last")
    return " · ".join(parts)


def pace_of(model: RunModel) -> float:
    """Return the time from one measurement to the next, of the last few [s]; NaN before."""
    times = model.learning.times[-_PACE:]
    return (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else math.nan


def calibration_words(model: RunModel) -> str:
    """Say how often what was found lay where it was expected, and how often it should."""
    parts = []
    for deviations, share in NORMAL.items():
        inside, n = shown_learning(model).coverage(deviations)
        if not n:
            return "nothing was expected yet that could be compared with what was found"
        parts.append(
            f"within {deviations:.0f} sd: {inside} of {n} ({100 * inside / n:.0f} %; "
            f"{100 * share:.0f} % is right)"
        )
    return " · ".join(parts)


def scan_of(model: RunModel) -> GrowingScan | None:
    """Return the image that the agent looks at, or else the newest one."""
    if model.fit is not None:
        for scan in reversed(model.images):
            if scan.frame == model.fit.frame and scan.forward is not None:
                return scan
    return model.scan


def map_words(model: RunModel) -> str:
    """Say what the acquisition map shows, and that the agent may go by another rule."""
    hopes = promise(model)
    if hopes is None:
        return ""
    best = format_quantity(hopes.best, unit_of(model), 4)
    return f"acquisition: {hopes.name} on {best}, from the last fit; see why for the agent's rule"


def mark_words(model: RunModel, number: int) -> str:
    """Say what was found: "no. 5: 1.48 V, expected 1.40 ± 0.30 V".

    Args:
        model: The run.
        number: Which of its spectra, or of its curves where it has no spectra, counted from 0.
    """
    told = (model.spectra or model.curves)[number]
    words, scored, chosen = f"no. {number + 1}", told.scored, told.chosen
    if scored is None:
        return words
    if scored.flag or told.doubt:
        return f"{words}: no good, {scored.flag or told.doubt}"
    words += f": {format_quantity(scored.value, scored.unit, 4)}"
    learning = shown_learning(model)
    if chosen is not None and math.isfinite(chosen.mean) and scored.start_time in learning.times:
        at = learning.times.index(scored.start_time)
        if math.isfinite(learning.means[at]):
            said = plus_minus(learning.means[at], learning.deviations[at], scored.unit)
            words += f", expected {said}"
    return words
