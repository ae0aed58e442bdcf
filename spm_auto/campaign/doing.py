"""Doing: a game played or a recipe carried out, with its journal; what came of it as figures."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache, lru_cache
from pathlib import Path

from ..agents import Order, Proposal
from ..clock import InstantClock
from ..data import (
    FILE_NAME,
    Finding,
    FinishReason,
    Intervention,
    Journal,
    PointChosen,
    RunFinished,
    RunStarted,
    SpectrumScored,
    open_run,
)
from ..errors import DataError, SpmError
from ..experiment import make_experiment
from ..lab import begin, versions
from ..listening import approving
from ..play import Score, play
from ..tasks import Episode, Task
from .checks import make_task, simulated
from .spec import GameSpec, RecipeSpec

_TASKS_KEPT = 4  # a task remembers the truth of its seeds


@cache
def versions_here() -> dict[str, str]:
    """Return what decides what a run does, as it was when this process began to do runs."""
    return versions()


@lru_cache(maxsize=_TASKS_KEPT)
def _task(table: str) -> Task:
    """Make a task, or take the one that knows the truth of its seeds already."""
    return make_task(json.loads(table))


def play_game(
    spec: GameSpec, folder: Path
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Play a game, with a journal of what was chosen and what it gave."""
    task = _task(json.dumps(spec.task, sort_keys=True))
    settings = dict(spec.agent)
    player = settings.pop("kind")
    clock = InstantClock()
    with Journal(folder / FILE_NAME, clock.now) as journal:
        started = RunStarted(
            uid=spec.key,
            title=f"{task.name}: {player}, seed {spec.seed}, level {spec.level}",
            recipe="",
            lab="",
            instrument="simulator",
            seed=spec.seed,
            versions=versions_here(),
            settings={"task": spec.task, "agent": spec.agent, "level": spec.level},
        )
        journal.append(started)

        def watch(episode: Episode, _: float) -> None:
            clock.set(episode.time)
            journal.append(_scored(episode))

        def hear(proposal: Proposal) -> None:
            journal.append(PointChosen(**asdict(proposal)))

        def record(order: Order) -> None:
            kind, what = order.steering.kind, str(order.steering)
            journal.append(Intervention(order.who, what, order.why, kind, order.values))

        try:
            score = play(
                task,
                player,
                spec.seed,
                spec.level,
                watch,
                hear,
                record,
                **settings,
            )
        except SpmError as error:
            journal.append(RunFinished(FinishReason.FAILED, str(error)), sync=True)
            raise
        journal.append(RunFinished(FinishReason.COMPLETED), sync=True)
    return figures_of(score), {"time": score.times, "regret": score.regrets}


def _scored(episode: Episode) -> SpectrumScored:
    index = episode.chosen[-1]
    x, y, bias = episode.choices.points[index].tolist()
    return SpectrumScored(
        candidate=index,
        scalarizer=episode.task.name,
        value=episode.rewards[-1],
        noise=episode.noises[-1],
        flag="",
        x=x,
        y=y,
        bias=bias,
        start_time=episode.time,
        unit=episode.task.unit,
    )


def figures_of(score: Score) -> dict[str, float]:
    """Return what is compared of a game.

    Args:
        score: Of the game.

    Returns:
        By name: regret at the end, its mean over the budget, instrument time until the question
        counts as answered [s], acts and instrument time used [s], and the task's own figures.
    """
    return {
        "regret": score.regret,
        "mean_regret": score.mean_regret,
        "time_to_good": score.time_to_good,
        "acts": float(len(score.chosen)),
        "instrument_time": score.times[-1] if score.times else 0.0,
        **{name: float(value) for name, value in score.metrics.items()},
    }


def run_recipe(
    spec: RecipeSpec, folder: Path, base: Path
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Carry out a recipe on a simulated instrument."""
    files = (base / "recipe.toml", base / "lab.toml")
    experiment = make_experiment(spec.recipe, spec.lab, files, spec.overrides)
    simulated(experiment.lab.instrument)
    clock = InstantClock()  # nobody watches
    instrument = experiment.lab.open(spec.seed, clock)
    runner = begin(
        instrument,
        clock,
        folder,
        experiment.recipe.title,
        spec.seed,
        recipe=experiment.recipe_text,
        lab=experiment.lab_text,
        settings=experiment.describe(),
        approve=approving("never"),
    )
    runner.start(experiment.recipe.steps, spec.seed, experiment.recipe.recovery)
    while not runner.wait(1.0):
        pass
    run = open_run(folder)
    summary = run.summary()
    if summary["finish_reason"] != FinishReason.COMPLETED:
        raise DataError(str(summary["message"]))
    best = summary["best"]
    counted = ("n_scans", "n_lines", "n_spectra", "n_flagged")
    figures = {name.removeprefix("n_"): float(summary[name]) for name in counted}
    figures["instrument_time"] = float(summary["simulated_time"])
    if best is not None:
        figures["best"] = float(best["reward"])
    return {**figures, **found_of(run.findings)}, {}


def found_of(findings: Sequence[Finding]) -> dict[str, float]:
    """Return the numbers of the last finding of each kind, such as "law probability".

    Of laws that were weighed against one another also how probable each is, as "law log_time".
    """
    figures: dict[str, float] = {}
    for finding in {each.kind: each for each in findings if each.values}.values():
        for name, value in finding.values.items():
            if isinstance(value, int | float) and not isinstance(value, bool):
                figures[f"{finding.kind} {name}"] = float(value)
        shares = finding.values.get("probabilities")
        if shares is not None:
            for law, share in zip(finding.values["laws"], shares, strict=True):
                figures[f"{finding.kind} {law}"] = float(share)
    return figures
