"""Checks: everything that a campaign names is there and fits, before its first run begins."""

import inspect
import itertools
import json
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from .. import plugins
from ..errors import RecipeError, SpmError
from ..experiment import make_experiment
from ..play import OF_PLAYERS, ORACLE, PlayerSettings
from ..settings import validate
from ..tasks import LEVELS, Task
from .product import members
from .spec import RANDOM, Block, Campaign, GameSpec, Member, RecipeSpec, Table

_MOST_SAID = 20  # faults


def check(campaign: Campaign, spec_file: Path) -> None:
    """Refuse a campaign of which a run could not even begin.

    Args:
        campaign: The campaign.
        spec_file: Its file.

    Raises:
        RecipeError: With one line per fault: the place, what is wrong, what may be meant.
    """
    folder = spec_file.resolve().parent
    faults: list[str] = []
    for number, block in enumerate(campaign.runs):
        place = f"{spec_file.name}: runs[{number}]"
        found = [f"{place}{fault}" for fault in _of_games(block)] if block.tasks else []
        if not found:
            found = [f"{place}: {fault}" for fault in _of_members(campaign, block, folder)]
        faults += found
    if len(faults) > _MOST_SAID:
        faults[_MOST_SAID:] = [f"{spec_file.name}: and {len(faults) - _MOST_SAID} faults more"]
    if faults:
        raise RecipeError("\n".join(faults))


def _of_games(block: Block) -> Iterator[str]:
    for number, task in enumerate(block.tasks or ()):
        yield from _told(f".tasks[{number}]", partial(make_task, task))
    for number, level in enumerate(block.levels):
        if level not in LEVELS:
            known = f"the levels are 0 to {max(LEVELS)}"
            yield f".levels[{number}]: there is no level {level}; {known}"
    for number, agent in enumerate(block.agents or ()):
        for values in itertools.product(*block.settings.values()):
            swept = dict(zip(block.settings, values, strict=True))
            words = "".join(f" with {name} = {value!r}" for name, value in swept.items())
            table = {key: value for key, value in {**agent, **swept}.items() if key != "label"}
            yield from _told(f".agents[{number}]{words}", partial(check_agent, table))


def _of_members(campaign: Campaign, block: Block, folder: Path) -> Iterator[str]:
    """Check what shows only in the runs themselves: labels, recipes, lab files."""
    try:
        found = members(campaign.model_copy(update={"runs": (block,)}), folder)
    except RecipeError as error:
        yield from str(error).splitlines()
        return
    labels = {member.label for member in found}
    row = block.row
    named = () if row is None else (row.rule, *row.agents)
    if row is not None and row.random != RANDOM:
        named = (row.random, *named)
    for label in named:
        if label and label not in labels:
            known = ", ".join(repr(each) for each in sorted(labels))
            yield f"row: no player is labelled {label!r}{plugins.suggest(label, labels)} ({known})"
    if row is not None:
        twice = sorted({row.random, row.rule} & {*row.agents})
        if twice:
            yield f"row: {twice[0]!r} is in question, and would be compared with itself"
    different: dict[tuple[str, str, tuple[str, ...]], Member] = {}
    for member in found:
        if isinstance(member.spec, RecipeSpec):
            spec = member.spec
            different.setdefault((spec.recipe, spec.lab, spec.overrides), member)
    for member in different.values():
        yield from _told(member.group, partial(_check_recipe, member))


def _check_recipe(member: Member) -> None:
    spec = member.spec
    if isinstance(spec, GameSpec):
        return
    base = Path(member.base)
    files = (base / "recipe.toml", base / "lab.toml")
    simulated(make_experiment(spec.recipe, spec.lab, files, spec.overrides).lab.instrument)


def simulated(instrument: Any) -> None:
    """Refuse an instrument that is no simulation.

    Raises:
        RecipeError: It is none.
    """
    if not instrument.is_simulated:
        raise RecipeError(
            f"instrument {instrument.kind!r} is no simulation: a campaign repeats runs that were "
            f"killed, which only a simulated sample bears"
        )


def make_task(table: Table) -> Task:
    """Make a task of its table in a campaign.

    Raises:
        RecipeError: It has no kind, or a wrong setting.
        PluginError: There is no such task.
    """
    settings = dict(table)
    kind = settings.pop("kind", None)
    if not isinstance(kind, str):
        raise RecipeError(f"write {{ kind = 'NAME' }} with the name of a task, got {table!r}")
    cls = plugins.load("tasks", kind)
    known = [name for name in inspect.signature(cls).parameters if name != "self"]
    for name in settings:
        if name not in known:
            raise RecipeError(
                f"task {kind!r} has no setting {name!r}{plugins.suggest(name, known)} "
                f"(known: {', '.join(known) or 'none'})"
            )
    try:
        task: Task = cls(**settings)
    except (TypeError, ValueError, SpmError) as error:
        raise RecipeError(f"task {kind!r}: {error}") from error
    return task


def check_agent(table: Mapping[str, Any]) -> None:
    """Refuse an agent's table in a campaign that is wrong.

    Raises:
        RecipeError: It has no kind, or a setting does not exist or has a wrong value.
        PluginError: There is no such agent.
    """
    settings = json.loads(json.dumps(dict(table)))  # as the worker will read it
    kind = settings.pop("kind", None)
    if not isinstance(kind, str):
        raise RecipeError(f"write {{ kind = 'NAME' }} with the name of an agent, got {table!r}")
    if kind != ORACLE:
        of_player = {name: settings.pop(name) for name in OF_PLAYERS if name in settings}
        validate(PlayerSettings, of_player, f"agent {kind!r}")
        validate(plugins.load("agents", kind), {"kind": kind, **settings}, f"agent {kind!r}")
    elif settings:
        raise RecipeError(f"agent 'oracle' knows the truth and has no settings, got {settings!r}")


def _told(place: str, attempt: Callable[[], object]) -> Iterator[str]:
    """Yield what an attempt raises, a line each, at a place."""
    try:
        attempt()
    except SpmError as error:
        for line in str(error).splitlines():
            yield f"{place}: {line}" if place else line
