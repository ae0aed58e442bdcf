"""Beliefs: what an agent believes, why it goes where it goes, and what it cost, in words.

Nothing here knows of Qt.
"""

import math

import numpy as np

from spm_auto.analysis import plus_minus
from spm_auto.data import ModelFitted, PointChosen
from spm_auto.units import format as format_quantity
from spm_auto.units import format_duration

from ..run.run_model import RunModel
from .promises import Promise, counts_seconds, shown_learning, step_table, unit_of

NORMAL = {1.0: 0.683, 2.0: 0.954}  # share of a normal distribution within so many deviations
_SPEAKERS = {"gp": "Gaussian process"}  # how people call what a model calls itself


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
        left, each = max(budget - n_done, 0), cost_of_one(model)
        if left and math.isfinite(each) and model.finished is None:
            parts.append(f"about {format_duration(left * each)} of measuring left")
    elif n_done:
        parts.insert(0, f"{n_done} judged")
    if model.exposure:
        parts.append(f"exposure {format_quantity(model.exposure, 'V s', 3)}")
    if math.isfinite(model.thinking):
        parts.append(f"thought {format_quantity(model.thinking, 's', 2)} at last")
    return " · ".join(parts)


def cost_of_one(model: RunModel) -> float:
    """Return how long a measurement takes, as the agent expects or else as it was [s].

    What a human made the run wait counts for nothing. NaN where nobody knows yet.
    """
    if model.choices and math.isfinite(model.choices[-1].cost):
        return model.choices[-1].cost
    if model.costs is not None:
        return model.costs.overhead + float(np.mean(model.costs.sweep))
    times = model.learning.times
    return float(np.median(np.diff(times))) if len(times) > 1 else math.nan


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


def map_words(model: RunModel, hopes: Promise) -> str:
    """Say what the acquisition map shows, and that the agent may go by another rule."""
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
