"""On the simulator: regret against simulated seconds, of agents that play its tasks."""

import math
import time
from collections.abc import Iterator, Sequence

import numpy as np
from contenders import BOTORCH, DEEP_KERNEL, GRID, PROCESS, RANDOM, RANKING, SOBOL, Contender
from tables import seconds, spread, table

from spm_auto import plugins
from spm_auto.instrument import FloatArray, ScanImage
from spm_auto.play import GOOD, ORACLE, Score, play
from spm_auto.tasks import FIRST_TEST_SEED, Task

TASKS = ("loop_area", "gap_hunt", "stiff_incl", "multi_fid")
PLAYERS = (RANDOM, GRID, SOBOL, BOTORCH, RANKING, PROCESS, DEEP_KERNEL)


def simulator(name: str, seeds: int) -> tuple[str, Iterator[str]]:
    """Let everyone play a task; return its heading and its table, line by line."""
    task: Task = plugins.load("tasks", name)()
    head = ["player", "regret per simulated second", "regret at the end"]
    head += [f"seconds to regret {GOOD:g}, median", "reached by", "CPU an episode"]
    heading = (
        f"{task.id} {task.name}, level {task.level}, {task.budget:g} s, {task.acts} acts, "
        f"{seeds} seeds from {FIRST_TEST_SEED}: {task.question}"
    )
    return heading, table(head, _rows(task, seeds))


def _rows(task: Task, seeds: int) -> Iterator[list[str]]:
    used = range(FIRST_TEST_SEED, FIRST_TEST_SEED + seeds)
    for player in (None, *PLAYERS):
        called = ORACLE if player is None else player.name
        if player is not None and not player.is_there:
            yield [called]
            continue
        start = time.process_time()
        scores = [match(task, player, seed) for seed in used]
        yield [called, *_figures(scores), seconds((time.process_time() - start) / seeds)]


def match(task: Task, player: Contender | None, seed: int) -> Score:
    """Let somebody play one episode; None for who knows the truth."""
    if player is None:
        return play(task, ORACLE, seed, task.level)
    if player.kind == "grid":
        return play(task, "grid", seed, task.level, points=task.acts)
    images = None
    if player.is_peer:
        overview = task.begin(seed, task.level).choices.overview
        images = None if overview is None else stack(overview)
    return play(task, player.ready(images), seed, task.level)


def stack(overview: ScanImage) -> FloatArray:
    """Return the channels of an image, a phase as cosine and sine, shape [channel, line, pixel]."""
    images: list[FloatArray] = []
    for channel in overview.channels:
        image = overview.channel(channel.name)
        images += [np.cos(image), np.sin(image)] if channel.unit == "rad" else [image]
    return np.stack(images)


def _figures(scores: Sequence[Score]) -> list[str]:
    times = sorted(score.time_to_good for score in scores)
    middle = times[len(times) // 2]
    return [
        spread([score.mean_regret for score in scores], 3),
        spread([score.regret for score in scores], 3),
        f"{middle:.0f}" if math.isfinite(middle) else "never",
        f"{sum(map(math.isfinite, times))} of {len(times)}",
    ]
