"""Planning from files: what ``spm-auto plan`` and ``spm-auto check`` do. Nothing moves."""

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from .clock import Clock, InstantClock
from .data import open_run
from .errors import RecipeError, SpmError
from .experiment import Experiment, read_experiment, read_recipe_file, recorded_experiment
from .instrument import GuardedInstrument, Load
from .lab import Lab, read_lab
from .plan_tables import draw_plan, draw_run, print_comparison, print_outline, print_plan
from .stand_in import stand_in
from .workflow import Measured, Plan, Pricing, make_plan, measured, what_happened


def plan(
    recipe: Path,
    lab: Path,
    seed: int = 0,
    overrides: Sequence[str] = (),
    by: Path | None = None,
    png: Path | None = None,
    on: Path | None = None,
    as_json: bool = False,
) -> int:
    """Print what a recipe will do, how long that takes and what most of it goes to.

    A lab with hardware is planned on the simulator; the hardware is not even opened.

    Args:
        recipe: The recipe.
        lab: The lab file.
        seed: Root of all randomness of what is simulated.
        overrides: What to replace in recipe and lab file.
        by: Folder of a run whose times correct those of the time model.
        png: Where to draw it.
        on: Lab file of the simulator that stands in for hardware.
        as_json: Whether to print JSON.

    Raises:
        SpmError: The recipe cannot be carried out there.
    """
    experiment = read_experiment(recipe, lab, overrides)
    with closing(opened(experiment.lab, seed, on, InstantClock())) as instrument:
        correction = None if by is None else measured_by(by, experiment, instrument, on)
        made = checked_plan(experiment, instrument, recipe.name, correction, on)
    print_plan(made, experiment.recipe.title, as_json, correction)
    if png is not None:
        draw_plan(made, experiment.recipe.title, png)
    return 0


def plan_of_run(
    folder: Path, png: Path | None = None, on: Path | None = None, as_json: bool = False
) -> int:
    """Print what a run was planned to take beside what it took, step by step.

    Args:
        folder: Of the run.
        png: Where to draw what really happened.
        on: Lab file of the simulator that stands in for hardware.
        as_json: Whether to print JSON.

    Raises:
        SpmError: There is no run, or its recipe cannot be read any more.
    """
    run = open_run(folder)
    if not run.started.recipe:
        raise RecipeError(f"{folder}: the run is a script's, which has no recipe and no plan")
    experiment = recorded_experiment(run.started)
    with closing(opened(experiment.lab, run.started.seed, on, InstantClock())) as instrument:
        made = checked_plan(experiment, instrument, str(folder), on=on)
    happened = what_happened(run.records)
    print_comparison(made, happened, run.started.title, as_json)
    if png is not None:
        draw_run(happened, run.started.title, png)
    return 0


def check(
    recipe: Path,
    lab: Path | None = None,
    overrides: Sequence[str] = (),
    on: Path | None = None,
) -> int:
    """Say whether a recipe is good, and what it will do; with a lab, also within its limits.

    Args:
        recipe: The recipe.
        lab: The lab file; without one the limits are not looked at.
        overrides: What to replace in recipe and lab file.
        on: Lab file of the simulator that stands in for hardware.

    Raises:
        SpmError: It is not; one line per fault.
    """
    if lab is None:
        print_outline(read_recipe_file(recipe, overrides), recipe.name)
        return 0
    try:
        experiment = read_experiment(recipe, lab, overrides)
    except RecipeError as error:
        raise _with_lab(error, lab) from error
    with closing(opened(experiment.lab, 0, on, InstantClock())) as instrument:
        checked_plan(experiment, instrument, recipe.name, on=on)
    print_outline(experiment.recipe, recipe.name, lab.name)
    return 0


def checked_plan(
    experiment: Experiment,
    instrument: GuardedInstrument,
    place: str,
    measured: Measured | None = None,
    on: Path | None = None,
) -> Plan:
    """Make the plan of an experiment.

    Only a simulator that is loaded can say what it takes to load it again; so where the recipe does
    so a twin of a simulated instrument is loaded.

    Args:
        experiment: What is to be done.
        instrument: Where; the caller closes it.
        place: Name of the recipe, for messages.
        measured: What an earlier run took.
        on: Lab file of the simulator that stands in for hardware.

    Raises:
        RecipeError: It will be refused; one line per step.
    """
    retuning = _retuning(experiment, instrument, on)
    try:
        return make_plan(experiment.recipe, instrument, measured, retuning)
    except RecipeError as error:
        lines = (f"{place}: {line}" for line in str(error).splitlines())
        raise RecipeError("\n".join(lines)) from error


def opened(lab: Lab, seed: int, on: Path | None, clock: Clock) -> GuardedInstrument:
    """Open what is simulated behind the lab's limits, with nobody watching.

    Args:
        lab: The laboratory.
        seed: Root of all randomness of what is simulated.
        on: Lab file of the simulator that stands in for hardware.
        clock: Instrument time.

    Raises:
        SpmError: It cannot be opened, or the limits leave nothing of its range.
    """
    instrument = stand_in(lab, on).open(clock, seed)
    try:
        return GuardedInstrument(instrument, lab.limits.limits())
    except SpmError:
        instrument.close()
        raise


def measured_by(
    folder: Path, experiment: Experiment, instrument: GuardedInstrument, on: Path | None = None
) -> Measured:
    """Return by what the time model of an instrument missed what a run took.

    Args:
        folder: Of the run.
        experiment: What is to be planned.
        instrument: The instrument that will do it.
        on: Lab file of the simulator that stands in for hardware.

    Raises:
        DataError: There is no run.
    """
    pricing = Pricing(instrument, retuning=_retuning(experiment, instrument, on))
    return measured(what_happened(open_run(folder).records), pricing)


def _retuning(
    experiment: Experiment, instrument: GuardedInstrument, on: Path | None
) -> float | None:
    """Return what a load takes that finds its sample mounted [s]; None where nobody knows."""
    loads = [i for _, i in experiment.recipe.preview() if isinstance(i, Load)]
    if not instrument.capabilities.is_simulated or all(load.sample for load in loads):
        return None
    with closing(opened(experiment.lab, 0, on, InstantClock())) as twin:
        twin.load(Load())
        return twin.duration(Load())


def _with_lab(error: RecipeError, lab: Path) -> RecipeError:
    """Say what is wrong with the lab file, too."""
    lines = str(error).splitlines()
    try:
        read_lab(lab)
    except RecipeError as more:
        lines += [line for line in str(more).splitlines() if line not in lines]
    return RecipeError("\n".join(lines))
