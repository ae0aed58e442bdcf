"""How long each example is planned to take beside how long it takes on the simulator.

    python benchmarks/workflow_plan.py [--seeds 3] [--only stm_gap_hunt,ferroelectric] [--quick]

Every recipe of the examples is planned, with nothing measured before, and then rehearsed in its
lab with several seeds. The ratio is planned over rehearsed instrument time; a tenth is the aim. A
second column corrects the plan by the first rehearsal (``spm-auto plan --measured``) and holds it
against the others.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")
ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]

from recipes import ExampleRecipe, find_recipes
from tables import spread, table

from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason
from spm_auto.errors import SpmError
from spm_auto.experiment import read_experiment
from spm_auto.planning import checked_plan, measured_by, opened
from spm_auto.rehearsal import rehearse_once

HEAD = ("recipe", "planned [min]", "rehearsed [min]", "ratio", "ratio, measured", "how it ended")


@dataclass(frozen=True, slots=True)
class Row:
    """What an example was planned to take and took.

    Attributes:
        recipe: Its name.
        planned: Instrument time of each plan [s].
        rehearsed: Instrument time of each rehearsal [s].
        ratios: Planned over rehearsed.
        corrected: The same for plans corrected by the first rehearsal, for the other seeds.
        ended: How the rehearsals ended; why there is none where there is none.
    """

    recipe: str
    planned: tuple[float, ...] = ()
    rehearsed: tuple[float, ...] = ()
    ratios: tuple[float, ...] = ()
    corrected: tuple[float, ...] = ()
    ended: str = ""

    def cells(self) -> tuple[str, ...]:
        """Return the row of the table."""
        minutes = [[value / 60 for value in each] for each in (self.planned, self.rehearsed)]
        ratios = (spread(self.ratios, 3), spread(self.corrected, 3))
        return (self.recipe, *(spread(m, 1) for m in minutes), *ratios, self.ended)


def compare(recipe: ExampleRecipe, seeds: Sequence[int], quick: bool = False) -> Row:
    """Plan and rehearse an example.

    Args:
        recipe: The example.
        seeds: With which it is rehearsed.
        quick: Whether to take its small form.
    """
    planned, rehearsed, corrected, endings = [], [], [], []
    known = None
    try:
        experiment = read_experiment(recipe.path, recipe.lab, recipe.overrides(quick))
        for seed in seeds:
            instrument = opened(experiment.lab, seed, None, InstantClock())
            with tempfile.TemporaryDirectory() as folder, closing(instrument):
                out = Path(folder) / "run"
                done = rehearse_once(experiment, recipe.name, seed, out=out)
                seconds = done.summary["simulated_time"]
                planned.append(done.plan.seconds)
                rehearsed.append(seconds)
                if known is None:
                    known = measured_by(out, experiment, instrument)
                else:
                    again = checked_plan(experiment, instrument, recipe.name, known)
                    corrected.append(again.seconds / seconds)
            endings.append(done.finished.reason)
    except SpmError as error:
        return Row(recipe.name, ended=str(error).splitlines()[0])
    ratios = tuple(p / r for p, r in zip(planned, rehearsed, strict=True))
    others = [str(end) for end in endings if end != FinishReason.COMPLETED]
    ended = ", ".join(others) or "completed"
    return Row(recipe.name, tuple(planned), tuple(rehearsed), ratios, tuple(corrected), ended)


def main(seeds: Sequence[int] = (0, 1, 2), only: str = "", quick: bool = False) -> Iterator[Row]:
    """Yield a row for each example."""
    names = [name for name in only.split(",") if name]
    for recipe in find_recipes():
        if names and recipe.name not in names:
            continue
        is_there = recipe.is_there
        yield compare(recipe, seeds, quick) if is_there else Row(recipe.name, ended="no data")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--only", default="", help="names of recipes, with commas")
    parser.add_argument("--quick", action="store_true", help="the recipes in their small form")
    asked = parser.parse_args()
    rows = main(range(asked.seeds), asked.only, asked.quick)
    for line in table(HEAD, (row.cells() for row in rows)):
        print(line, flush=True)
