"""Contests: what a campaign's runs say for each row of its page, gathered from their folders."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from ..errors import PluginError, RecipeError
from ..play import ORACLE
from ..tasks import Task
from .attempts import ENDED, read_attempts
from .book import SPEC_COPY, Entry, entries
from .checks import make_task
from .compare import FEWEST, Comparison, compare, verdict
from .result import Result
from .spec import Block, GameSpec, Row, RunSpec, read_campaign

Role = Literal["agent", "random", "rule", "oracle", "other"]
COMPLETED = "completed"
_SEED = 0  # of the resamples: each comparison draws the same ones, whatever else is on the page


@dataclass(frozen=True, slots=True)
class Player:
    """Who takes part in a contest.

    Attributes:
        label: What it is called.
        role: Its merit is in question, it chooses at random, it is a rule that does not learn, it
            knows the truth, or it is there for comparison only.
        spec: Of one of its runs, for its settings; None while none is done.
        results: What came of its runs that completed, by seed.
        failed: Why others failed, by seed.
        n_ordered: Runs that it has in all.
    """

    label: str
    role: Role
    spec: RunSpec | None
    results: Mapping[int, Result]
    failed: Mapping[int, str]
    n_ordered: int

    @property
    def n_missing(self) -> int:
        """Runs that are not done."""
        return self.n_ordered - len(self.results) - len(self.failed)

    def values(self, figure: str) -> dict[int, float]:
        """Return a figure by seed, NaN where a run does not have it."""
        return {seed: result.figures.get(figure, math.nan) for seed, result in self.results.items()}


@dataclass(frozen=True, slots=True)
class Contest:
    """Runs that are compared with one another: one group of one block that has a row.

    Attributes:
        block: The block, with its row.
        group: What all of them did.
        players: Those in question first, then whom they are compared with.
        seeds: All that were ordered.
        runs: How long each run took, by its key [s]; NaN of those that are not done.
    """

    block: Block
    group: str
    players: tuple[Player, ...]
    seeds: tuple[int, ...]
    runs: Mapping[str, float]

    @property
    def row(self) -> Row:
        """What the page says of it."""
        if self.block.row is None:
            raise ValueError(f"block {self.block.name!r} has no row")
        return self.block.row

    @property
    def task(self) -> Task | None:
        """The task, None for recipes and for tasks that are not installed here."""
        specs = [player.spec for player in self.players if isinstance(player.spec, GameSpec)]
        if not specs:
            return None
        try:
            return make_task(specs[0].task)
        except (PluginError, RecipeError):
            return None

    @property
    def seconds(self) -> float:
        """What the runs that are done took, added up [s]."""
        return sum(took for took in self.runs.values() if not math.isnan(took))

    def of(self, role: Role) -> Player | None:
        """Return the first player of a role, None where there is none."""
        return next((player for player in self.players if player.role == role), None)

    def against(self, player: Player, role: Role) -> Comparison | None:
        """Compare a player with the first one of a role; None where that is nobody else."""
        other = self.of(role)
        if other is None or other is player:
            return None
        figure, is_lower_better = self.row.figure, self.row.is_lower_better
        rng = np.random.default_rng(_SEED)
        return compare(player.values(figure), other.values(figure), is_lower_better, rng)

    def verdict(self, player: Player) -> str:
        """Return in words how a player did."""
        random, rule = self.of("random"), self.of("rule")
        found = self.against(player, "random"), self.against(player, "rule")
        said = verdict(
            *found,
            rule.label if rule is not None else "",
            random.label if random is not None else "",
        )
        n = min((one.n for one in found if one is not None), default=0)
        if FEWEST <= n < len(self.seeds):  # some failed, are not done, or lack the figure
            said += f" (on {n} of {len(self.seeds)} seeds)"
        return said

    def is_won(self, player: Player) -> bool:
        """Whether a player never failed and was better than all whom it is compared with."""
        compared = [self.against(player, "random"), self.against(player, "rule")]
        says = [each.says for each in compared if each is not None]
        return set(says) == {"better"} and not player.failed


def contests(out: Path) -> tuple[Contest, ...]:
    """Return all contests of a campaign that was ordered in a folder, in the order of its file.

    Raises:
        DataError: There is no campaign, or a result cannot be read.
        RecipeError: The campaign has no row, or a row names players that it does not have.
    """
    blocks = {b.name: b for b in read_campaign(out / SPEC_COPY).runs if b.row is not None}
    if not blocks:
        raise RecipeError(f"{out}: no block of the campaign has a row, so there is nothing to say")
    grouped: dict[tuple[str, str], list[Entry]] = {}
    for entry in entries(out):
        if entry.block in blocks:
            grouped.setdefault((entry.block, entry.group), []).append(entry)
    order = list(blocks)
    ranked = sorted(grouped, key=lambda each: order.index(each[0]))  # stable
    return tuple(_contest(blocks[name], group, grouped[name, group]) for name, group in ranked)


def runs_of(found: Sequence[Contest]) -> dict[str, float]:
    """Return how long each run took [s], NaN of those that are not done; each run once.

    Several rows may rest on the same run.
    """
    return {key: took for contest in found for key, took in contest.runs.items()}


def versions_of(found: Sequence[Contest]) -> dict[str, tuple[str, ...]]:
    """Return which versions made the results, several where they differ."""
    seen: dict[str, set[str]] = {}
    for contest in found:
        for player in contest.players:
            for result in player.results.values():
                for name, version in result.versions.items():
                    seen.setdefault(name, set()).add(version)
    return {name: tuple(sorted(versions)) for name, versions in sorted(seen.items())}


def _contest(block: Block, group: str, ordered: Sequence[Entry]) -> Contest:
    row = block.row
    assert row is not None
    by_label: dict[str, list[Entry]] = {}
    for entry in ordered:
        by_label.setdefault(entry.label, []).append(entry)
    unknown = [label for label in (*row.agents, row.rule) if label and label not in by_label]
    if unknown:
        raise RecipeError(
            f"block {block.name!r}: its row names {unknown[0]!r}, who plays nothing there; "
            f"players are {', '.join(map(repr, by_label))}"
        )
    called = _in_short(list(by_label))
    players = [_player(label, called[label], row, runs) for label, runs in by_label.items()]
    places = {role: i for i, role in enumerate(("agent", "rule", "other", "random", "oracle"))}
    return Contest(
        block=block,
        group=group,
        players=tuple(sorted(players, key=lambda player: places[player.role])),
        seeds=tuple(sorted({entry.seed for entry in ordered})),
        runs={
            entry.key: _seconds(entry.folder) if entry.is_done else math.nan for entry in ordered
        },
    )


def _in_short(labels: Sequence[str]) -> dict[str, str]:
    """Say what players are called: of settings that only differ in the value of one, the value."""
    parts = [label.partition("=") for label in labels]
    if len(labels) > 1 and len({path for path, _, _ in parts}) == 1 and all(e for _, e, _ in parts):
        return {label: value for label, (_, _, value) in zip(labels, parts, strict=True)}
    return {label: label for label in labels}


def _player(label: str, called: str, row: Row, runs: Sequence[Entry]) -> Player:
    done = [(entry.seed, result) for entry in runs if (result := entry.result()) is not None]
    spec = done[0][1].spec if done else None
    return Player(
        label=called,
        role=_role(label, row),
        spec=spec,
        results={seed: result for seed, result in done if result.finish == COMPLETED},
        failed={seed: result.message for seed, result in done if result.finish != COMPLETED},
        n_ordered=len(runs),
    )


def _role(label: str, row: Row) -> Role:
    if label in row.agents:
        return "agent"
    if label == row.rule:
        return "rule"
    if label == row.random:
        return "random"
    return "oracle" if label == ORACLE else "other"


def _seconds(folder: Path) -> float:
    """Return how long the attempt took that made the result of a run [s]; 0 where none ended."""
    ends = (line for line in read_attempts(folder) if line.get("what") == ENDED)
    said = (line.get("seconds") for line in ends)
    return max((float(each) for each in said if isinstance(each, int | float)), default=0.0)
