"""The tasks: oracle, random and agents over seeds, and whether each task may be released.

    python benchmarks/simulator_tasks.py [--tasks loop_area shiba] [--agents gp] [--seeds 10]

Seeds begin at the first one for comparing. For each task and player the table gives the median of
the regret at the end, its 5th and 95th percentile, the regret averaged over the budget's simulated
seconds, and the CPU time of an episode. The gap is the difference of the mean regrets at the end of
random and oracle in standard deviations of random's from seed to seed (or of the oracle's, where
that is larger): below 3 a task is not to be released.
"""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import argparse
import statistics
import time
from collections.abc import Sequence

from spm_auto import plugins
from spm_auto.play import ORACLE, Score, Summary, play
from spm_auto.tasks import FIRST_TEST_SEED, Task

RELEASED_FROM = 3.0  # standard deviations


def scores(task: Task, player: str, seeds: Sequence[int], level: int) -> tuple[list[Score], float]:
    """Play a task on every seed; return the scores and the CPU time of an episode [s]."""
    start = time.process_time()
    played = [play(task, player, seed, level) for seed in seeds]
    return played, (time.process_time() - start) / len(seeds)


def gap(random: Sequence[Score], oracle: Sequence[Score]) -> float:
    """Return how far apart random and oracle are, in standard deviations over seeds."""
    regrets = [[score.regret for score in side] for side in (random, oracle)]
    spread = max(statistics.stdev(side) for side in regrets)
    apart = statistics.fmean(regrets[0]) - statistics.fmean(regrets[1])
    return apart / spread if spread else float("inf")


def main() -> None:
    """Print the table, one task after the other."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--tasks", nargs="*", default=[], help="names; all without")
    parser.add_argument("--agents", nargs="*", default=["gp"], help="beside oracle and random")
    parser.add_argument("--seeds", type=int, default=10, help="how many")
    parser.add_argument("--level", type=int, default=None, help="0 to 3; else each task's own")
    arguments = parser.parse_args()
    chosen = arguments.tasks or plugins.names("tasks")
    tasks = sorted((plugins.load("tasks", name)() for name in chosen), key=lambda task: task.id)
    seeds = range(FIRST_TEST_SEED, FIRST_TEST_SEED + arguments.seeds)
    print(f"{len(seeds)} seeds from {seeds[0]}; regret: median [5 %, 95 %]")
    for task in tasks:
        level = task.level if arguments.level is None else arguments.level
        print(f"\n{task.id} {task.name}, level {level}: {task.question}")
        found = {}
        for player in (ORACLE, "random", *arguments.agents):
            found[player], spent = scores(task, player, seeds, level)
            end = Summary.of([score.regret for score in found[player]])
            mean = Summary.of([score.mean_regret for score in found[player]])
            print(
                f"  {player:12} end {end.median:6.3f} [{end.low:6.3f}, {end.high:6.3f}]   "
                f"over time {mean.median:6.3f} [{mean.low:6.3f}, {mean.high:6.3f}]   "
                f"{spent:5.2f} s CPU",
                flush=True,
            )
        apart = gap(found["random"], found[ORACLE])
        verdict = "released" if apart >= RELEASED_FROM else "below 3: not to be released"
        said = "" if task.is_released == (apart >= RELEASED_FROM) else "  (the task says otherwise)"
        print(f"  gap {apart:.1f} standard deviations, {verdict}{said}", flush=True)


if __name__ == "__main__":
    main()
