"""The product that a campaign is, written out: each run with its block, its label and its group."""

import itertools
import json
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from ..errors import RecipeError
from ..settings import read_toml
from .spec import Block, Campaign, GameSpec, Member, RecipeSpec, Table


def members(campaign: Campaign, folder: Path) -> tuple[Member, ...]:
    """Return all runs of a campaign, each once, those of one seed together.

    Args:
        campaign: The campaign.
        folder: Where the paths of recipes and lab files start.

    Raises:
        RecipeError: A recipe or lab file cannot be read, a label stands for two players, or two
            stand for one.
    """
    found = [each for block in campaign.runs for each in _of_block(block, folder)]
    found.sort(key=lambda member: member.spec.seed)  # stable
    seen: dict[tuple[str, str], Member] = {}
    meant: dict[tuple[str, str, str, int], Member] = {}
    bases: dict[str, str] = {}
    for each in found:
        key = each.spec.key
        if bases.setdefault(key, each.base) != each.base:
            raise RecipeError(
                f"block {each.block!r}: two lab files have the same text, in {bases[key]} and in "
                f"{each.base}; what their paths lead to cannot be told apart"
            )
        same = seen.setdefault((each.block, key), each)
        if (same.group, same.label) != (each.group, each.label):
            raise RecipeError(
                f"block {each.block!r}: {same.label!r} on {same.group} and {each.label!r} on "
                f"{each.group} are the same run; name it once"
            )
        if same is not each:
            continue
        first = meant.setdefault((each.block, each.group, each.label, each.spec.seed), each)
        if first is not each:
            raise RecipeError(
                f"block {each.block!r}: {each.label!r} stands for two players on {each.group}; "
                f"give each a label of its own"
            )
    return tuple(seen.values())


def _of_block(block: Block, folder: Path) -> Iterator[Member]:
    swept = [
        dict(zip(block.settings, values, strict=True))
        for values in itertools.product(*block.settings.values())
    ]
    if block.tasks:
        yield from _games(block, swept)
    else:
        yield from _recipe_runs(block, swept, folder)


def _games(block: Block, swept: Sequence[Mapping[str, Any]]) -> Iterator[Member]:
    levels = block.levels or (1,)
    for seed, task, level, agent, settings in itertools.product(
        block.seeds, block.tasks or (), levels, block.agents or (), swept
    ):
        table = {**agent, **settings}
        label = _label_of(table, settings)
        group = f"{_said(task)}, level {level}"
        spec = GameSpec(task=_plain(task), agent=_plain(table), level=level, seed=seed)
        yield Member(block=block.name, label=label, group=group, spec=spec)


def _recipe_runs(
    block: Block, swept: Sequence[Mapping[str, Any]], folder: Path
) -> Iterator[Member]:
    samples: Sequence[Table | None] = block.samples or (None,)
    agents: Sequence[Table | None] = block.agents or (None,)
    texts = cache(read_toml)  # each is read once
    levels: Sequence[int | None] = block.levels or (None,)
    for seed, recipe, lab, sample, level, agent, settings in itertools.product(
        block.seeds, block.recipes, block.labs, samples, levels, agents, swept
    ):
        table, recipe_text = texts(folder / recipe, "recipe")
        _, lab_text = texts(folder / lab, "lab file")
        replaced = dict(settings)
        label = ""
        if sample is not None:
            replaced["instrument.sample"] = sample
        if level is not None:
            replaced["instrument.level"] = level
        if agent is not None:
            named = dict(agent)
            label = _label_of(named, {})
            for index, step in enumerate(table.get("steps", ())):
                if isinstance(step, Mapping) and "agent" in step:
                    replaced[f"steps[{index}].agent"] = named
        words = [f"{path}={_said(value)}" for path, value in settings.items()]
        places = [Path(recipe).stem, Path(lab).stem, *([_said(sample)] if sample else [])]
        spec = RecipeSpec(
            recipe=recipe_text,
            lab=lab_text,
            overrides=tuple(f"{path}={_toml(value)}" for path, value in replaced.items()),
            seed=seed,
        )
        yield Member(
            block=block.name,
            label=", ".join([label] * bool(label) + words) or "as it stands",
            group=", ".join([*places, *([f"level {level}"] if level is not None else [])]),
            spec=spec,
            base=str((folder / lab).resolve().parent),
        )


def _label_of(table: Table, swept: Mapping[str, Any]) -> str:
    """Take the label out of an agent's table; one that was given is told apart by the settings."""
    given = table.pop("label", None)
    if given is None:
        return _said(table)
    words = ", ".join(f"{name} {_said(value)}" for name, value in swept.items())
    return f"{given} ({words})" if words else str(given)


def _said(value: object) -> str:
    """Return a table in a few words: its kind, and what differs from it."""
    if not isinstance(value, Mapping):
        return str(value)
    rest = ", ".join(f"{k} {_said(v)}" for k, v in value.items() if k not in ("kind", "label"))
    kind = str(value.get("kind", ""))
    return f"{kind} ({rest})" if kind and rest else kind or rest


def _plain(table: Mapping[str, Any]) -> Table:
    """Return a table as JSON would have it, so that a spec read again is the same."""
    return dict(json.loads(json.dumps(table)))


def _toml(value: object) -> str:
    """Write a value as TOML."""
    if isinstance(value, Mapping):
        pairs = (f"{_toml_key(key)} = {_toml(item)}" for key, item in value.items())
        return "{" + ", ".join(pairs) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)  # "inf" and "nan", as TOML has them
    return json.dumps(value, ensure_ascii=False)


def _toml_key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else json.dumps(key, ensure_ascii=False)
