"""The numbers of the page: facts at a glance, and each choice with what came of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..data import RecordedRun
from ..report import Fact, chosen_text, value_text
from ..units import format as format_quantity
from .gain import Z_90, best_so_far, share_above
from .history import Choice, History
from .truth import Truth


@dataclass(frozen=True, slots=True)
class Row:
    """A choice, ready to print."""

    number: int
    place: str
    expected: str
    found: str
    z: str
    is_surprise: bool
    is_best: bool
    runner_up: str
    reason: str
    flag: str


def facts_of(run: RecordedRun, history: History, truth: Truth | None) -> list[Fact]:
    """Return what to see first."""
    values, z = history.of("value"), history.of("z")
    known = np.isfinite(z)
    shown = [
        Fact("choices measured", str(len(history.choices)), _left_over(history)),
    ]
    if np.isfinite(values).any():
        best = float(np.nanmax(values))
        first = history.choices[int(np.nanargmax(values))].number
        shown.append(Fact("best found", value_text(best, history.unit), f"spectrum {first}"))
        if truth is not None:
            short = max(truth.best - best, 0.0)
            above = 100 * share_above(truth.values, best)
            note = (
                f"{above:.1f} % of the sample is better" if truth.values.size > 1 else "to the best"
            )
            shown.append(Fact("regret", value_text(short, history.unit), note))
        reached = best_so_far(values)
        good = values[np.isfinite(values)]
        level = float(np.median(good)) + 0.9 * (best - float(np.median(good)))
        soon = history.choices[int(np.argmax(reached >= level))].number
        shown.append(Fact("nearly there", f"spectrum {soon}", "90 % of the way from the median"))
    if known.any():
        inside = 100 * float(np.mean(np.abs(z[known]) <= Z_90))
        shown.append(Fact("predictions held", f"{inside:.0f} %", "within 90 % intervals"))
    idle = run.summary()["instrument_idle_fraction"]
    if idle is not None:
        shown.append(Fact("instrument idle", f"{100 * idle:.2f} %", "waiting for the agent"))
    n_alarms = len(run.alarms)
    shown.append(
        Fact(
            "interventions", str(len(run.interventions)), f"{n_alarms} alarm{'s' * (n_alarms != 1)}"
        )
    )
    return shown


def rows_of(history: History) -> list[Row]:
    """Return the choices in order: where, why there, what was expected and what was found."""
    values = history.of("value")
    best = int(np.nanargmax(values)) if np.isfinite(values).any() else -1
    places = {choice.chosen.candidate: choice.number for choice in history.choices}
    return [
        _row(choice, history, places, index == best) for index, choice in enumerate(history.choices)
    ]


def parameters_of(history: History) -> Mapping[str, str]:
    """Return the hyper-parameters of the last fit, for people."""
    if not history.fits:
        return {}
    last = history.fits[-1].parameters
    return {name: format_quantity(value, "1", 3) for name, value in last.items()}


def _row(choice: Choice, history: History, places: Mapping[int, int], is_best: bool) -> Row:
    chosen, unit = choice.chosen, history.unit
    x, y = (format_quantity(round(value, 12) + 0.0, "m", 4) for value in (chosen.x, chosen.y))
    expected = ""
    if math.isfinite(chosen.mean):
        own = unit if choice.is_foreseen and choice.first_value == choice.value else "1"
        expected = f"{value_text(chosen.mean, own)} ± {value_text(choice.spread, own)}"
    runner_up = ""
    if chosen.runner_up >= 0:
        later = places.get(chosen.runner_up)
        runner_up = f"candidate {chosen.runner_up}" + (f", spectrum {later}" if later else "")
    return Row(
        number=choice.number,
        place=f"{x}, {y}{chosen_text(chosen)}",
        expected=expected,
        found=value_text(choice.value, unit),
        z=f"{choice.z:+.1f}".replace("-", "−") if math.isfinite(choice.z) else "",
        is_surprise=math.isfinite(choice.z) and abs(choice.z) > Z_90,
        is_best=is_best,
        runner_up=runner_up,
        reason=chosen.reason,
        flag=choice.flag,
    )


def _left_over(history: History) -> str:
    n = history.n_unmeasured
    return f"{n} more chosen, not measured" if n else f"{len(history.fits)} fits of the model"
