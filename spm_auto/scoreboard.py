"""What the command line shows of tasks: their list, a game in progress, and its score."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from . import plugins
from .display import print_json
from .play import GOOD, ORACLE, Score, play
from .tasks import LEVELS, Episode, Task
from .units import format as format_quantity
from .units import format_duration

BASELINES = ("random", ORACLE)
SAID_EVERY = 10  # acts


def print_tasks(as_json: bool = False) -> None:
    """Print all tasks that are installed, and why those that are not released are not."""
    tasks = sorted(
        (load_task(name) for name in plugins.names("tasks")), key=lambda task: (task.id, task.name)
    )
    if as_json:
        print_json({task.name: _described(task) for task in tasks})
        return
    table = Table()
    for heading in ("", "task", "question", "budget"):
        table.add_column(heading, overflow="fold")
    for task in tasks:
        question = escape(task.question)
        if not task.is_released:
            question += f"\n[yellow]not released: {escape(task.unreleased)}[/]"
        budget = f"{format_duration(task.budget)}, {task.acts} acts"
        table.add_row(task.id, escape(task.name), question, budget)
    Console().print(table)


def play_and_print(name: str, agent: str, seed: int, level: int, as_json: bool = False) -> None:
    """Play one episode with an agent, with the baselines beside it, and print the scores.

    Raises:
        PluginError: There is no such task or agent.
        TaskError: Seed or level cannot be.
    """
    task = load_task(name)
    if agent != ORACLE:
        plugins.load("agents", agent)
    players = (agent, *(each for each in BASELINES if each != agent))
    progress = _Progress(task, is_quiet=as_json)
    scores = [play(task, player, seed, level, progress.of(player)) for player in players]
    if as_json:
        print_json({"task": _described(task), "scores": [_scored(score) for score in scores]})
        return
    print_scores(task, scores)


def print_scores(task: Task, scores: Sequence[Score]) -> None:
    """Print a table of scores on one seed."""
    first = scores[0]
    console = Console()
    console.print(f"{task.id} {task.name}: {task.question}", highlight=False, markup=False)
    console.print(f"seed {first.seed}, level {first.level}: {LEVELS[first.level]}", highlight=False)
    if not task.is_released:
        console.print(f"[yellow]not released:[/] {escape(task.unreleased)}", highlight=False)
    figures = list(dict.fromkeys(figure for score in scores for figure in score.metrics))
    headings = ("player", "acts", "time", "regret", "mean regret", f"regret < {GOOD:g}", "best")
    table = Table()
    for heading in (*headings, *map(escape, figures)):
        table.add_column(heading, justify="left" if heading == "player" else "right")
    for score in scores:
        table.add_row(
            escape(score.player),
            str(len(score.chosen)),
            format_duration(score.times[-1]) if score.times else "-",
            f"{score.regret:.3f}",
            f"{score.mean_regret:.3f}",
            format_duration(score.time_to_good) if math.isfinite(score.time_to_good) else "never",
            _best(task, score),
            *(f"{score.metrics[f]:.3g}" if f in score.metrics else "" for f in figures),
        )
    console.print(table)


def load_task(name: str) -> Task:
    """Make the task of this name.

    Raises:
        PluginError: There is none.
    """
    task: Task = plugins.load("tasks", name)()
    return task


class _Progress:
    """Says on the error stream how a game goes, every few acts."""

    def __init__(self, task: Task, is_quiet: bool) -> None:
        self._task = task
        self._console = Console(stderr=True, quiet=is_quiet, highlight=False, markup=False)

    def of(self, player: str) -> Any:
        """Return who watches a player."""

        def watch(episode: Episode, regret: float) -> None:
            n = len(episode.chosen)
            if n % SAID_EVERY == 0 or episode.is_over:
                self._console.print(
                    f"{player}: act {n}, {episode.time:.4g} s of {self._task.budget:g} s, "
                    f"regret {regret:.3f}"
                )

        return watch


def _described(task: Task) -> Mapping[str, Any]:
    names = ("id", "name", "question", "unit", "budget", "acts", "is_released", "unreleased")
    return {name: getattr(task, name) for name in names}


def _scored(score: Score) -> Mapping[str, Any]:
    return {
        **asdict(score),
        "regret": score.regret,
        "mean_regret": score.mean_regret,
        "time_to_good": score.time_to_good,
    }


def _best(task: Task, score: Score) -> str:
    rewards = [reward for reward in score.rewards if math.isfinite(reward)]
    return format_quantity(max(rewards), task.unit, 4) if rewards else "-"
