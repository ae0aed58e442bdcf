"""Rehearsal: a recipe gone through on the simulator, under the limits of the real laboratory."""

import math
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from rich.console import Console
from rich.table import Table

from .clock import InstantClock
from .data import FinishReason, RunFinished, open_run
from .display import print_json, print_summary
from .execute import LAST_THOUGHT, Presses, carry_out, check_free, prepare
from .experiment import Experiment, read_experiment
from .extremes import Extremes, Refusal, merged, told_once
from .plan_tables import print_plan
from .planning import checked_plan, opened
from .units import format as format_quantity
from .units import format_duration
from .workflow import Approving, Plan, Runner, RunState

_WHO = "the rehearsal"


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """One rehearsal.

    Attributes:
        plan: What it was to do.
        summary: What it did, as `RecordedRun.summary`.
        found: Exposure and extremes, as `Extremes.table`.
        refused: What the limits refused.
        finished: How it ended.
    """

    plan: Plan
    summary: dict[str, Any]
    found: dict[str, Any]
    refused: list[Refusal]
    finished: RunFinished


def rehearse(
    recipe: Path,
    lab: Path,
    seed: int,
    overrides: Sequence[str] = (),
    seeds: int = 1,
    on: Path | None = None,
    out: Path | None = None,
    as_json: bool = False,
) -> int:
    """Go through a recipe on an instant clock, under the lab's limits; returns the exit code.

    A lab with hardware is rehearsed on the simulator; the hardware is not even opened. Whoever is
    asked says yes, and nothing waits for a human.

    Args:
        recipe: The recipe.
        lab: The lab file.
        seed: Root of all randomness of the first rehearsal; each further one has the next.
        overrides: What to replace in recipe and lab file.
        seeds: How many rehearsals.
        on: Lab file of the simulator that stands in for hardware.
        out: Where to keep the rehearsed run; with several a folder in it for each.
        as_json: Whether to print JSON, and nothing else.

    Raises:
        SpmError: The experiment could not be carried out, or would be refused.
    """
    experiment = read_experiment(recipe, lab, overrides)
    done = []
    for number in range(seeds):
        folder = out if out is None or seeds == 1 else out / f"seed-{seed + number}"
        done.append(rehearse_once(experiment, recipe.name, seed + number, on, folder, as_json))
        if done[-1].finished.reason != FinishReason.COMPLETED:
            break
    _print(done, experiment, as_json)
    return 0 if done[-1].finished.reason == FinishReason.COMPLETED else 1


def rehearse_once(
    experiment: Experiment,
    place: str,
    seed: int,
    on: Path | None = None,
    out: Path | None = None,
    is_quiet: bool = True,
) -> Rehearsed:
    """Go through a recipe once.

    Args:
        experiment: Recipe and laboratory.
        place: Name of the recipe, for messages.
        seed: Root of all randomness.
        on: Lab file of the simulator that stands in for hardware.
        out: Where to keep the run; None to keep nothing.
        is_quiet: Whether to show no progress.

    Raises:
        SpmError: It could not be carried out, or would be refused.
    """
    clock = InstantClock()
    if out is not None:
        check_free(out)
    instrument = opened(experiment.lab, seed, on, clock)
    try:
        plan = checked_plan(experiment, instrument, place, on=on)
    except BaseException:
        instrument.close()
        raise
    extremes = Extremes(instrument)
    with ExitStack() as stack:
        folder = out or Path(stack.enter_context(tempfile.TemporaryDirectory()))
        runner, display = prepare(
            experiment,
            instrument,
            clock,
            plan,
            folder,
            seed,
            is_quiet,
            (extremes,),
            Approving(_WHO),
        )
        with Presses(runner, display.say):
            finished = carry_out(experiment, runner, display, seed, _go_on)
        summary = open_run(folder).summary()
        runner.wait_for_agent(LAST_THOUGHT)
    return Rehearsed(plan, summary, extremes.table(), extremes.refused, finished)


def _go_on(runner: Runner) -> None:
    """Let a run go on that waits for a human since an alarm came."""
    if runner.state is RunState.PAUSED:
        runner.resume()


def _print(done: Sequence[Rehearsed], experiment: Experiment, as_json: bool) -> None:
    last = done[-1]
    times = [each.summary["simulated_time"] for each in done]
    if as_json:
        print_json(
            {
                **last.summary,
                "n_rehearsals": len(done),
                "times": times,
                "planned_time": last.plan.seconds,
                **last.found,
                "extremes": merged([each.found["extremes"] for each in done]),
                "refused": [asdict(r) for each in done for r in each.refused],
            }
        )
        return
    print_plan(last.plan, experiment.recipe.title)
    print_summary(last.summary)
    console = Console(highlight=False, markup=False)
    console.print(_times(times, last.plan.seconds))
    _print_exposure(console, done)
    table = Table(title="how far everything went", title_justify="left")
    for heading in ("quantity", "least", "most"):
        table.add_column(heading, justify="left" if heading == "quantity" else "right")
    for name, each in merged([rehearsed.found["extremes"] for rehearsed in done]).items():
        low, high = (format_quantity(each[end], each["unit"], 4) for end in ("least", "most"))
        table.add_row(name, low, high)
    console.print(table)
    for number, rehearsed in enumerate(done):
        for refusal, times_refused in told_once(rehearsed.refused):
            which = f", rehearsal {number + 1}" if len(done) > 1 else ""
            often = f", {times_refused} times" if times_refused > 1 else ""
            console.print(
                f"refused at {refusal.step} ({refusal.kind}) after "
                f"{format_duration(refusal.time)}{often}{which}: {refusal.message}"
            )
    if last.finished.reason != FinishReason.COMPLETED:
        console.print(f"the rehearsal {last.finished.reason}: {last.finished.message}")


def _times(times: Sequence[float], planned: float) -> str:
    """Say how long it took, with the spread over the seeds."""
    mean = fmean(times)
    said = f"time: {format_duration(mean)}"
    if len(times) > 1:
        spread = format_duration(stdev(times))
        ends = f"{format_duration(min(times))} to {format_duration(max(times))}"
        said += f" ± {spread} over {len(times)} seeds ({ends})"
    ratio = planned / mean if mean > 0 else math.nan
    return f"{said}; planned {format_duration(planned)}, {ratio:.1%} of it"


def _print_exposure(console: Console, done: Sequence[Rehearsed]) -> None:
    found = max((each.found for each in done), key=lambda table: table["bias_time"])
    console.print(
        f"exposure: {format_quantity(found['bias_time'], 'V s', 3)} in {found['n_spectra']} "
        f"spectra, {found['n_pulses']} pulses, {found['n_taps']} pokes and force curves"
    )
    most = found["most_at_one_place"]
    if most is not None:
        console.print(
            f"most around one point: {format_quantity(most['bias_time'], 'V s', 3)}, "
            f"{most['spectra']} spectra, {most['pulses']} pulses, {most['taps']} taps"
        )
