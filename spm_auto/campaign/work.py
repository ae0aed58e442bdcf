"""The work of a campaign: one run in its folder, on whatever machine it happens to be."""

import contextlib
import json
import os
import platform
import time
from collections.abc import Iterator
from dataclasses import asdict
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .. import plugins
from ..agents import Order, Proposal
from ..clock import InstantClock
from ..data import (
    FILE_NAME,
    FinishReason,
    Intervention,
    Journal,
    PointChosen,
    RunFinished,
    RunStarted,
    SpectrumScored,
    free,
    lock_file,
    open_run,
    write_whole,
)
from ..errors import DataError, RecipeError, SpmError
from ..experiment import make_experiment
from ..lab import begin, versions
from ..listening import approving
from ..play import Score, play
from ..tasks import Episode, Task
from .result import ATTEMPTS_NAME, RESULT_NAME, SPEC_NAME, Result, read_result, write_result
from .spec import GameSpec, RecipeSpec, RunSpec

WORK_LOCK = "work.lock"
_TASKS_KEPT = 4  # a task remembers the truth of its seeds


def read_spec(folder: Path) -> tuple[RunSpec, Path]:
    """Return what a run's folder orders, and where the paths of its lab file start.

    Raises:
        DataError: The folder orders nothing that can be read.
    """
    path = folder / SPEC_NAME
    try:
        table = json.loads(path.read_text("utf-8"))
        spec: RunSpec = TypeAdapter(RunSpec).validate_json(json.dumps(table["spec"]))
        return spec, Path(table["folder"])
    except (OSError, ValueError, KeyError, TypeError, ValidationError) as error:
        raise DataError(f"{path} orders no run: {error}") from error


def write_spec(folder: Path, spec: RunSpec, base: Path) -> None:
    """Order a run: write down what is to be done in a folder, unless it stands there already.

    Args:
        folder: Of the run.
        spec: What to do.
        base: Where relative paths start.
    """
    if not (folder / SPEC_NAME).exists():
        table = {"spec": spec.model_dump(mode="json"), "folder": str(base)}
        write_whole(folder / SPEC_NAME, (json.dumps(table, indent=1) + "\n").encode())


def carry_out(folder: Path) -> Result:
    """Do the run that a folder orders, unless it is done; this is all that a worker is told.

    What an attempt that was killed has left is thrown away and the run is done from its beginning:
    it is the same again. A run that ends by itself with an error has a result that says so.

    Args:
        folder: Of the run.

    Returns:
        The result, which now stands in the folder.

    Raises:
        DataError: The folder orders no run, cannot be written, or another process is at work in it.
    """
    lock = lock_file(folder / WORK_LOCK, f"{folder}: another process is doing this run{{holder}}")
    try:
        done = read_result(folder)
        if done is not None:
            return done
        spec, base = read_spec(folder)
        (folder / FILE_NAME).unlink(missing_ok=True)
        with _attempt(folder):
            result = _result_of(spec, folder, base)
            write_result(folder, result)
        return result
    finally:
        free(lock)


def is_done(folder: Path) -> bool:
    """Whether a run has its result."""
    return (folder / RESULT_NAME).exists()


def _result_of(spec: RunSpec, folder: Path, base: Path) -> Result:
    known = versions()
    try:
        if isinstance(spec, GameSpec):
            figures, curves = _play(spec, folder)
        else:
            figures, curves = _run(spec, folder, base)
    except SpmError as error:
        said = f"{type(error).__name__}: {error}"
        return Result(key=spec.key, spec=spec, finish="failed", message=said, versions=known)
    return Result(
        key=spec.key,
        spec=spec,
        finish="completed",
        figures=figures,
        curves=curves,
        versions=known,
    )


@contextlib.contextmanager
def _attempt(folder: Path) -> Iterator[None]:
    """Write down that an attempt begins, and how long it took if it came to an end."""
    start, busy = time.perf_counter(), time.process_time()
    common = {"host": platform.node(), "pid": os.getpid()}
    _append(folder, {**common, "what": "began", "utc": time.time()})
    yield
    seconds = {
        "seconds": time.perf_counter() - start,
        "cpu_seconds": time.process_time() - busy,
    }
    _append(folder, {**common, "what": "ended", "utc": time.time(), **seconds})


def _append(folder: Path, line: dict[str, Any]) -> None:
    with (folder / ATTEMPTS_NAME).open("a", encoding="utf-8") as file:
        file.write(json.dumps(line) + "\n")


@lru_cache(maxsize=_TASKS_KEPT)
def _task(table: str) -> Task:
    """Make a task, or take the one that knows the truth of its seeds already."""
    settings = json.loads(table)
    try:
        task: Task = plugins.load("tasks", settings.pop("kind"))(**settings)
    except TypeError as error:
        raise RecipeError(f"task {table}: {error}") from error
    return task


def _play(spec: GameSpec, folder: Path) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
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
            versions=versions(),
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


def _run(
    spec: RecipeSpec, folder: Path, base: Path
) -> tuple[dict[str, float], dict[str, tuple[float, ...]]]:
    """Carry out a recipe on a simulated instrument."""
    files = (base / "recipe.toml", base / "lab.toml")
    experiment = make_experiment(spec.recipe, spec.lab, files, spec.overrides)
    if not experiment.lab.instrument.is_simulated:
        raise RecipeError(
            f"instrument {experiment.lab.instrument.kind!r} is no simulation: a campaign repeats "
            f"runs that were killed, which only a simulated sample bears"
        )
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
    summary = open_run(folder).summary()
    if summary["finish_reason"] != FinishReason.COMPLETED:
        raise DataError(str(summary["message"]))
    best = summary["best"]
    counted = ("n_scans", "n_lines", "n_spectra", "n_flagged")
    figures = {name.removeprefix("n_"): float(summary[name]) for name in counted}
    figures["instrument_time"] = float(summary["simulated_time"])
    if best is not None:
        figures["best"] = float(best["reward"])
    return figures, {}
