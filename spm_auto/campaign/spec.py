"""What a campaign is: products of tasks or recipes, agents, levels, settings and seeds."""

import hashlib
import json
import math
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from ..settings import SchemaVersion, read_toml, validate

Table = dict[str, Any]
_SEEDS = re.compile(r"(\d+)\.\.(\d+)")
RANDOM = "random"  # who a row compares with, where it names nobody else
MOST_RUNS = 2_000_000  # of a campaign: more than docs/scale.md has tried
_KEY = 16  # hexadecimal digits of a hash: 64 bits, so that even 10^6 runs do not meet


class Model(BaseModel):
    """A value that cannot be changed, without unknown keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class GameSpec(Model):
    """One game: an agent plays a task on one seed. Nothing else decides what comes of it.

    Attributes:
        task: Name of the task as `kind`, and its settings.
        agent: Name of the agent as `kind`, and its settings; `oracle` knows the truth.
        level: How hard, a key of `spm_auto.tasks.LEVELS`.
        seed: Of sample, instrument, noise and agent.
    """

    kind: Literal["game"] = "game"
    task: Table
    agent: Table
    level: int
    seed: int

    @cached_property
    def key(self) -> str:
        """Name of the run: a hash of all that decides what comes of it."""
        return _key_of(self)


class RecipeSpec(Model):
    """One run of a recipe on a simulated instrument.

    Attributes:
        recipe: Text of the recipe.
        lab: Text of the lab file.
        overrides: What to replace in them, as ``--set`` would.
        seed: Root of all randomness.
    """

    kind: Literal["recipe"] = "recipe"
    recipe: str
    lab: str
    overrides: tuple[str, ...] = ()
    seed: int

    @cached_property
    def key(self) -> str:
        """Name of the run: a hash of all that decides what comes of it."""
        return _key_of(self)


RunSpec = Annotated[GameSpec | RecipeSpec, Field(discriminator="kind")]


def _key_of(spec: BaseModel) -> str:
    text = json.dumps(spec.model_dump(mode="json"), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:_KEY]


def _as_seeds(value: object) -> object:
    if isinstance(value, str):
        found = _SEEDS.fullmatch(value.replace(" ", ""))
        if not found or int(found[1]) > int(found[2]):
            raise ValueError(f"expected seeds such as '100..109' or [100, 101], got {value!r}")
        if int(found[2]) - int(found[1]) >= MOST_RUNS:
            raise ValueError(f"{value!r} are more than the {MOST_RUNS:,} runs of a campaign")
        return tuple(range(int(found[1]), int(found[2]) + 1))
    return tuple(value) if isinstance(value, list) else value


def _refuse_unwritable(value: object, place: str, is_game: bool) -> None:
    """Refuse what would not be the same, or nothing at all, in a run's file."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            _refuse_unwritable(item, f"{place}.{key}", is_game)
    elif isinstance(value, list | tuple):
        for number, item in enumerate(value):
            _refuse_unwritable(item, f"{place}[{number}]", is_game)
    elif isinstance(value, float) and not math.isfinite(value) and is_game:
        raise ValueError(f"{place}: {value} cannot be a setting of a game; write a finite number")
    elif not isinstance(value, str | int | float | None):
        raise ValueError(f"{place}: a date or time ({value}) cannot be a setting; quote it")


def _as_tables(value: object) -> object:
    """Let ``"random"`` stand for ``{kind = "random"}``."""
    if not isinstance(value, list | tuple):
        return value
    return tuple({"kind": each} if isinstance(each, str) else each for each in value)


Seeds = Annotated[
    tuple[Annotated[int, Field(ge=0)], ...], BeforeValidator(_as_seeds), Field(min_length=1)
]
Tables = Annotated[tuple[Table, ...], BeforeValidator(_as_tables), Field(min_length=1)]


class Row(Model):
    """What a page says of a block of runs: whose claim it puts to the test.

    Attributes:
        title: Heading.
        source: Author, year, place of what was published; "" where it is a question of our own.
        claim: What was reported there, with its figure where there was one.
        figure: Which figure of the results is compared.
        unit: Its unit, for people; "" for a pure number.
        is_lower_better: Whether less of it is better.
        also: Other figures that the page shows beside it.
        random: Label of the player that chooses at random.
        rule: Label of the player that stands for a rule without learning.
        agents: Labels of the players whose merit is in question; all others are what they are
            compared with.
        note: What a reader has to know, such as what was made smaller.
    """

    title: str
    source: str = ""
    claim: str = ""
    figure: str = "regret"
    unit: str = ""
    is_lower_better: bool = True
    also: tuple[str, ...] = ()
    random: str = RANDOM
    rule: str = ""
    agents: tuple[str, ...] = ()
    note: str = ""


class Block(Model):
    """A product of runs.

    Attributes:
        name: What it is called in results; unique in a campaign.
        tasks: Games: which tasks, as names or tables with `kind` and settings.
        recipes: Recipes instead: their files.
        labs: Lab files of the recipes.
        samples: Of the recipes: replaces ``instrument.sample`` of the lab file.
        agents: Who plays, as names or tables with `kind` and settings; a `label` names one in
            results. For recipes: what replaces the agent of each step that has one.
        levels: How hard; of a recipe's simulator too.
        seeds: Such as "100..109".
        settings: Of the agents by name, or of recipe and lab file by path: a list of values each,
            all combined with all.
        row: What a page says of it; None leaves it out.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    tasks: Tables | None = None
    recipes: tuple[str, ...] = ()
    labs: tuple[str, ...] = ()
    samples: Tables | None = None
    agents: Tables | None = None
    levels: tuple[int, ...] = ()
    seeds: Seeds
    settings: dict[str, tuple[Any, ...]] = Field(default_factory=dict)
    row: Row | None = None

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if self.tasks and (self.recipes or self.labs or self.samples):
            raise ValueError("a block has either tasks, or recipes with labs and samples, not both")
        if self.tasks and not self.agents:
            raise ValueError("tasks need agents that play them, such as agents = ['random', 'gp']")
        if not self.tasks and not (self.recipes and self.labs):
            raise ValueError("a block needs tasks and agents, or recipes and labs")
        for name in ("tasks", "agents", "samples", "settings"):
            _refuse_unwritable(getattr(self, name), name, bool(self.tasks))
        empty = [name for name, values in self.settings.items() if not values]
        if empty:
            raise ValueError(f"settings.{empty[0]} is empty: its product would have no runs")
        return self

    @property
    def n_runs(self) -> int:
        """Runs of the product, those that are the same counted as often as they are named."""
        listed = (self.tasks or self.recipes, self.labs, self.samples, self.agents, self.levels)
        sizes = (*map(len, filter(None, listed)), *map(len, self.settings.values()))
        return math.prod(sizes) * len(self.seeds)


class Member(Model):
    """A run in its campaign.

    Attributes:
        block: Name of its block.
        base: Where the paths of its lab file start; "" where nothing has a path.
        label: Of its agent, or what tells a recipe's run apart from its fellows.
        group: Runs with the same group are compared with one another on the same seeds: task,
            level, and what else is not the agent.
        spec: What to do.
    """

    block: str
    label: str
    group: str
    spec: RunSpec
    base: str = ""


class Campaign(Model):
    """Many runs, from one file.

    Attributes:
        schema_version: Of the file.
        title: What it is about.
        note: What its page says before all else.
        runs: Its blocks.
    """

    schema_version: SchemaVersion
    title: str
    note: str = ""
    runs: Annotated[tuple[Block, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _has_names_once(self) -> Self:
        names = [block.name for block in self.runs]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two blocks are called {twice[0]!r}; a name stands for one")
        ordered = sum(block.n_runs for block in self.runs)
        if ordered > MOST_RUNS:
            raise ValueError(
                f"these are {ordered:,} runs; a campaign has {MOST_RUNS:,} at most, write several"
            )
        return self


def read_campaign(path: Path) -> Campaign:
    """Read a campaign's file; nothing of it is tried yet.

    Raises:
        RecipeError: With one line per fault, naming the place.
    """
    table, _ = read_toml(path, "campaign")
    return validate(Campaign, table, path.name, path.parent)
