"""Which composition of a simulated spread switches most: adaptive against every position in order.

Each seed grows another library and runs the recipe of ``examples/combinatorial_library.toml`` on
it, once as it is and once with every position in order. Measured against the simulator's truth:

* off: how far the position that the survey believes to be the best is from the true one, as a
  share of the library's length; the positions themselves are 2 % of it apart.
* places and hours: until that believed position is within 2 % of the true one and stays there.
* loss: share of the largest response that is missing at the believed position at the end.

Run it with ``python benchmarks/workflow_survey.py --seeds N``.
"""

import argparse
import math
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from spm_auto.analysis import surface_through
from spm_auto.clock import InstantClock
from spm_auto.data import Finding, FinishReason, RecordedRun, open_run
from spm_auto.instrument import GuardedInstrument
from spm_auto.lab import begin, read_lab
from spm_auto.settings import read_toml
from spm_auto.simulator import SimulatorSettings, Truth, simulate
from spm_auto.workflow import parse_recipe

EXAMPLES = Path(__file__).parents[1] / "examples"
WITHIN = 0.02  # share of the library's length


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a survey came to.

    Attributes:
        places: Places until the best one was located for good; NaN when it never was.
        hours: Instrument time until then [h].
        off: Distance of the believed from the true best place at the end, by the library's length.
        loss: Share of the largest response that is missing there.
        all_hours: Instrument time of the whole survey [h].
    """

    places: float
    hours: float
    off: float
    loss: float
    all_hours: float


def survey(choose: object, seed: int, folder: Path) -> tuple[RecordedRun, Truth]:
    """Run the example's survey with another way to choose; None leaves the example's own."""
    lab, _ = read_lab(EXAMPLES / "lab_library.toml")
    table, _ = read_toml(EXAMPLES / "combinatorial_library.toml", "recipe")
    if choose is not None:
        table["steps"][0]["choose"] = choose
    recipe = parse_recipe(table, "recipe")
    assert isinstance(lab.instrument, SimulatorSettings)
    clock = InstantClock()
    microscope, truth = simulate(lab.instrument, seed, clock)
    guard = GuardedInstrument(microscope, lab.limits.limits())
    finished = begin(guard, clock, folder, "survey", seed).run(recipe.steps, seed)
    if finished.reason != FinishReason.COMPLETED:
        raise RuntimeError(finished.message)
    return open_run(folder), truth


def outcome(run: RecordedRun, truth: Truth) -> Outcome:
    """Judge a survey by what it could have believed after each of its places."""
    library = truth.library
    found = [(r.time, r.event) for r in run.records if isinstance(r.event, Finding)]
    *places, (_, summary) = [each for each in found if each[1].kind == "tile"]
    x = np.array([event.values["x"] for _, event in places])
    values = np.array([event.values["value"] for _, event in places])
    errors = np.array([event.values["error"] for _, event in places])
    length = np.ptp(summary.values["all_x"])
    believed = [_best(x[:n], values[:n], errors[:n], summary.values["all_x"]) for n in _counts(x)]
    off = np.abs(np.array(believed) - library.best) / length
    missed = np.flatnonzero(~(off <= WITHIN))
    first = int(missed[-1]) + 1 if len(missed) else 0
    start = run.records[0].time
    is_located = first < len(off)
    best = float(library.response(np.array(library.best)))
    return Outcome(
        places=first + 1 if is_located else math.nan,
        hours=(places[first][0] - start) / 3600 if is_located else math.nan,
        off=float(off[-1]),
        loss=1 - float(library.response(np.array(believed[-1]))) / best,
        all_hours=(places[-1][0] - start) / 3600,
    )


def _counts(x: np.ndarray) -> range:
    return range(1, len(x) + 1)


def _best(x: np.ndarray, values: np.ndarray, errors: np.ndarray, all_x: np.ndarray) -> float:
    """Return the best place as the survey itself believes: bad places count as the worst."""
    known = np.isfinite(values)
    if not known.any():
        return math.nan
    usual = float(np.median(errors[np.isfinite(errors)])) if np.isfinite(errors).any() else 0.0
    filled = np.where(known, values, values[known].min())
    noise = np.where(np.isfinite(errors), errors, usual)
    surface = surface_through(x[:, np.newaxis], filled, noise, all_x[:, np.newaxis])
    return float(all_x[np.argmax(surface.mean)])


def main(seeds: Sequence[int]) -> list[dict[str, str]]:
    """Return a row for each way to choose."""
    rows = []
    for name, choose in (("adaptive", None), ("all in order", "all")):
        outcomes = []
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                outcomes.append(outcome(*survey(choose, seed, Path(folder) / "run")))
        rows.append({"choose": name, **_row(outcomes)})
    return rows


def _row(outcomes: Sequence[Outcome]) -> dict[str, str]:
    located = [o for o in outcomes if math.isfinite(o.places)]
    return {
        "located": f"{len(located)} of {len(outcomes)}",
        "places": _said([o.places for o in located]),
        "hours": _said([o.hours for o in located]),
        "all hours": _said([o.all_hours for o in outcomes]),
        "off [%]": _said([100 * o.off for o in outcomes]),
        "loss [%]": _said([100 * o.loss for o in outcomes]),
    }


def _said(values: Sequence[float]) -> str:
    return f"{np.mean(values):.2f} ± {np.std(values):.2f}" if values else "-"


def _print(rows: Sequence[dict[str, str]]) -> None:
    widths = {key: max(len(key), *(len(row[key]) for row in rows)) for key in rows[0]}
    for row in [dict.fromkeys(rows[0]), *rows]:
        print("  ".join((row[key] or key).ljust(width) for key, width in widths.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    _print(main(range(parser.parse_args().seeds)))
