"""play: let an agent, or who knows the truth, play an episode of a task, and keep the score."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from pydantic import ValidationError

from . import plugins
from .agents import Agent, AgentSettings, Candidates, Costs, Levels, Model, Observation, Proposal
from .errors import AgentError
from .instrument import FloatArray, ScanFrame
from .tasks import Choices, Episode, Task

ORACLE = "oracle"
GOOD = 0.05  # regret below which a question counts as answered

Watcher = Callable[[Episode, float], None]
Listener = Callable[[Proposal], None]


@dataclass(frozen=True, slots=True)
class Score:
    """How one player did on one seed.

    Attributes:
        task: Name of the task.
        player: Name of the agent, or `ORACLE`.
        seed: Of the episode.
        level: Of the episode.
        budget: Instrument time that there was [s].
        times: Instrument time at the end of each act [s].
        regrets: Regret after each act.
        rewards: Reward of each act, NaN where the measurement failed.
        chosen: What was done.
        metrics: The task's own figures at the end.
    """

    task: str
    player: str
    seed: int
    level: int
    budget: float
    times: tuple[float, ...]
    regrets: tuple[float, ...]
    rewards: tuple[float, ...]
    chosen: tuple[int, ...]
    metrics: Mapping[str, float] = field(default_factory=dict)

    @property
    def regret(self) -> float:
        """Regret at the end; 1 without any act."""
        return self.regrets[-1] if self.regrets else 1.0

    @property
    def mean_regret(self) -> float:
        """Area under the curve of regret against instrument time, per second of the budget.

        It begins at 1, falls at the end of an act and stays where it is after the last one.
        """
        ends = np.minimum([0.0, *self.times, self.budget], self.budget)
        steps = np.array([1.0, *self.regrets])
        return float(np.sum(np.diff(ends) * steps) / self.budget)

    @property
    def time_to_good(self) -> float:
        """Instrument time until the regret came below `GOOD` [s]; infinite if it never did."""
        times = (t for t, regret in zip(self.times, self.regrets, strict=True) if regret < GOOD)
        return next(times, math.inf)


@dataclass(frozen=True, slots=True)
class Summary:
    """Median and 90 % interval over seeds.

    Attributes:
        median: Of the values.
        low: 5th percentile.
        high: 95th percentile.
    """

    median: float
    low: float
    high: float

    @classmethod
    def of(cls, values: Sequence[float]) -> Self:
        """Sum up one value for each seed; infinity stands for never."""
        ranked = np.sort(np.asarray(values, dtype=float))
        n = len(ranked)
        # by rank and not between ranks: an infinite time cannot be interpolated
        picks = (ranked[round(share * (n - 1))] for share in (0.5, 0.05, 0.95))
        return cls(*map(float, picks))


def play(
    task: Task,
    player: str | AgentSettings,
    seed: int,
    level: int = 1,
    watch: Watcher | None = None,
    hear: Listener | None = None,
    **settings: Any,
) -> Score:
    """Let a player play one episode.

    Args:
        task: Which game.
        player: Name of an agent, or `ORACLE`, who knows the truth; or the settings of an agent that
            need not be a plugin.
        seed: Of the episode, and of the agent's own randomness.
        level: How hard.
        watch: Told the episode and its regret after each act.
        hear: Told what an agent proposes, before it is done.
        settings: Of the agent by name, as a recipe would write them.

    Raises:
        TaskError: Seed or level cannot be.
        PluginError: There is no such agent.
        AgentError: Its settings are wrong.
    """
    name = player if isinstance(player, str) else player.kind
    chosen_settings: AgentSettings | None = None
    if not isinstance(player, str):
        chosen_settings = player
    elif player != ORACLE:
        chosen_settings = agent_settings(player, settings)
    episode = task.begin(seed, level)
    times: list[float] = []
    regrets: list[float] = []

    def note() -> None:
        times.append(episode.time)
        regrets.append(episode.regret())
        if watch is not None:
            watch(episode, regrets[-1])

    judged: Mapping[str, float] = {}
    if chosen_settings is None:
        _consult(episode, note)
    else:
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(level,)))
        agent = chosen_settings.build(candidates(episode.choices), rng)
        _ask(agent, episode, note, hear)
        if isinstance(agent, Model):
            agent.refit()
            judged = episode.judge(agent.predict()[0])
    return Score(
        task=task.name,
        player=name,
        seed=seed,
        level=level,
        budget=task.budget,
        times=tuple(times),
        regrets=tuple(regrets),
        rewards=tuple(episode.rewards),
        chosen=tuple(episode.chosen),
        metrics={**episode.metrics(), **judged},
    )


def candidates(choices: Choices) -> Candidates:
    """Show the choices of a task to an agent as the candidates that it knows.

    Where they are all places times all biases (and what else goes with a bias), so are the
    candidates. Else each choice is a place of its own, its bias is one feature more, and choices
    without a place all stand at the same one, so that it says nothing. Descriptors are the
    standardised features, and those of the overview where there is one.
    """
    product = _as_product(choices)
    places, levels = (choices.points, Levels.of()) if product is None else product
    n, m = len(places), len(levels)
    if m > 1:
        features = np.empty((n, 0))
    else:
        bias = choices.points[:, 2:]
        features = np.column_stack([choices.features, bias[:, np.isfinite(bias).all(axis=0)]])
    descriptors = _standardised(features)
    ranking, rows, overview = choices.ranking[::m], choices.rows[::m], choices.overview
    if overview is None:
        positions = np.where(np.isnan(places[:, :2]).any(axis=1, keepdims=True), 0.0, places[:, :2])
        frame = _around(positions)
        line, pixel = np.rint(frame.to_pixel(*positions.T)).astype(np.int64)
        rows, images = np.column_stack([line, pixel]), None
    else:
        positions, frame = places[:, :2], overview.frame
        seen = Candidates.of(overview)
        at = rows[:, 0] * frame.pixels[0] + rows[:, 1]
        where = np.full(frame.pixels[0] * frame.pixels[1], -1)
        where[seen.rows[:, 0] * frame.pixels[0] + seen.rows[:, 1]] = np.arange(len(seen))
        seen = seen.select(where[at])
        descriptors, images = np.column_stack([descriptors, seen.descriptors]), seen.images
        if not np.ptp(ranking):
            ranking = seen.ranking
    seconds = choices.seconds.reshape(n, m)
    overhead = seconds.min(axis=1) - choices.again
    costs = Costs((seconds - overhead[:, None]).mean(axis=0), overhead, choices.per_metre)
    return Candidates(frame, positions, rows, descriptors, ranking, levels, images, costs)


def _as_product(choices: Choices) -> tuple[FloatArray, Levels] | None:
    """Return the places and the levels that the choices are all products of, None if they are not.

    The choices are in the order of their places; what goes with a bias, and only with it, is a
    feature of the level.
    """
    points, n = choices.points, len(choices)
    if not np.isfinite(points).all():
        return None
    elsewhere = np.flatnonzero((points[:, 0] != points[0, 0]) | (points[:, 1] != points[0, 1]))
    m = int(elsewhere[0]) if len(elsewhere) else n
    if m < 2 or n % m:
        return None
    at_place = points.reshape(-1, m, 3)
    with_bias = choices.features.reshape(-1, m, choices.features.shape[1])
    same_place = bool((at_place[:, :, :2] == at_place[:, :1, :2]).all())
    same_bias = bool((at_place[:, :, 2] == at_place[:1, :, 2]).all())
    if not (same_place and same_bias and bool((with_bias == with_bias[:1]).all())):
        return None
    bias = at_place[0, :, 2]
    columns = np.unique(np.column_stack([bias, with_bias[0]]), axis=1)
    inputs = _standardised(columns)[:, np.ptp(columns, axis=0) > 0]
    return at_place[:, 0], Levels(bias, np.full(m, math.nan), inputs)


def _standardised(columns: FloatArray) -> FloatArray:
    spread = columns.std(axis=0)
    return np.asarray((columns - columns.mean(axis=0)) / np.where(spread > 0, spread, 1.0))


def agent_settings(kind: str, settings: Mapping[str, Any]) -> AgentSettings:
    """Check the settings of an agent.

    Raises:
        PluginError: There is no such agent.
        AgentError: A setting does not exist or has a wrong value.
    """
    cls: type[AgentSettings] = plugins.load("agents", kind)
    try:
        return cls.model_validate({"kind": kind, **settings})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AgentError(f"agent {kind!r}: {place}: {first['msg']}") from error


def _consult(episode: Episode, note: Callable[[], None]) -> None:
    while not episode.is_over:
        index = episode.oracle()
        if index is None:
            return
        episode.act(index)
        note()


def _ask(agent: Agent, episode: Episode, note: Callable[[], None], hear: Listener | None) -> None:
    while not episode.is_over:
        proposals = agent.ask()
        if not proposals:
            return
        if hear is not None:
            hear(proposals[0])
        candidate = proposals[0].candidate
        reward = episode.act(candidate, proposals[0].averages)
        agent.tell([Observation(candidate, reward, episode.noises[-1])])
        note()


def _around(points: FloatArray) -> ScanFrame:
    """Return a frame that holds all points, with about one pixel for each."""
    low, high = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
    extent = np.where(high > low, high - low, max(float((high - low).max()), 1e-9))
    n = max(2, math.ceil(math.sqrt(len(points))))
    # half a pixel more on either side, so that the outermost points lie in the middle of theirs
    width, height = (extent * n / (n - 1)).tolist()
    x, y = ((low + high) / 2).tolist()
    return ScanFrame(center=(x, y), size=(width, height), pixels=(n, n))
