"""A game: a player plays an episode of a task to its end."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from .. import plugins
from ..agents import Agent, AgentSettings, Model, Observation, Order, Proposal
from ..errors import AgentError, TaskError
from ..tasks import Episode, Measured, Task
from .adviser import Adviser, Recorder
from .candidates import candidates
from .score import Score

ORACLE = "oracle"

Watcher = Callable[[Episode, float], None]
Listener = Callable[[Proposal], None]


class PlayerSettings(BaseModel):
    """What a player's table may say besides the settings of its agent; see `play`.

    Attributes:
        human: Whether the agent listens to the simulated human who looks on.
        scalarizer: By which of the episode's scalarizers the agent goes, or by which several.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    human: bool = False
    scalarizer: str | list[str] = Field(default_factory=list)


OF_PLAYERS = tuple(PlayerSettings.model_fields)


def play(
    task: Task,
    player: str | AgentSettings,
    seed: int,
    level: int = 1,
    watch: Watcher | None = None,
    hear: Listener | None = None,
    record: Recorder | None = None,
    human: bool = False,
    scalarizer: str | Sequence[str] = (),
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
        record: Told what a human has the agent do, before it is done.
        human: Whether the agent listens to the simulated human who looks on.
        scalarizer: By which of the episode's scalarizers the agent goes, or by which several;
            without one by the reward, or by all if it takes several.
        settings: Of the agent by name, as a recipe would write them.

    Raises:
        TaskError: Seed or level cannot be, or nobody looks on in this task.
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
    orders: tuple[Order, ...] = ()
    if chosen_settings is None:
        _consult(episode, note)
    else:
        columns = _columns(episode, chosen_settings, scalarizer)
        rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(level,)))
        agent = chosen_settings.build(candidates(episode.choices), rng)
        adviser = None
        if human:
            if episode.human is None:
                raise TaskError(f"nobody looks on in task {task.name!r} who could be listened to")
            adviser = Adviser(episode.human, agent, episode, record)
        _ask(agent, episode, note, hear, columns, adviser)
        if adviser is not None:
            orders = tuple(adviser.orders)
            judged = {"interventions": float(len(orders))}
        if isinstance(agent, Model):
            agent.refit()
            judged = {**judged, **episode.judge(agent.predict()[0])}
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
        orders=orders,
    )


def agent_settings(kind: str, settings: Mapping[str, Any]) -> AgentSettings:
    """Check the settings of an agent; those of the player that it is (`OF_PLAYERS`) may be there.

    Raises:
        PluginError: There is no such agent.
        AgentError: A setting does not exist or has a wrong value.
    """
    cls: type[AgentSettings] = plugins.load("agents", kind)
    own = {name: value for name, value in settings.items() if name not in OF_PLAYERS}
    try:
        return cls.model_validate({"kind": kind, **own})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AgentError(f"agent {kind!r}: {place}: {first['msg']}") from error


def _consult(episode: Episode, note: Callable[[], None]) -> None:
    while not episode.is_over:
        index = episode.oracle()
        if index is None:
            return
        episode.act(index, episode.task.oracle_averages)
        note()


def _ask(
    agent: Agent,
    episode: Episode,
    note: Callable[[], None],
    hear: Listener | None,
    columns: Sequence[int],
    adviser: Adviser | None,
) -> None:
    if adviser is not None:
        adviser.listen()
    while not episode.is_over:
        proposals = agent.ask()
        if not proposals:
            return
        if hear is not None:
            hear(proposals[0])
        candidate = proposals[0].candidate
        episode.act(candidate, proposals[0].averages)
        agent.tell([_observation(episode, candidate, columns)])
        if adviser is not None:
            adviser.listen()
        note()


def _columns(
    episode: Episode, settings: AgentSettings, wanted: str | Sequence[str]
) -> tuple[int, ...]:
    """Return by which of an episode's scalarizers an agent goes; 0 is the reward.

    Raises:
        AgentError: There is no such scalarizer, or there are more or fewer than it can learn from.
    """
    names = episode.scalarizers or ("reward",)
    chosen = (wanted,) if isinstance(wanted, str) else tuple(wanted)
    unknown = [name for name in chosen if name not in names]
    if unknown:
        raise AgentError(
            f"there is no scalarizer {unknown[0]!r} in this task (known: {', '.join(names)})"
        )
    if not chosen:
        chosen = names[: settings.scalarizers[1]]
    try:
        settings.check_scalarizers(chosen)
    except ValueError as error:
        raise AgentError(str(error)) from error
    return tuple(names.index(name) for name in chosen)


def _observation(episode: Episode, candidate: int, columns: Sequence[int]) -> Observation:
    """Return what an agent is told of the last act."""
    detail = episode.details[-1]
    values: list[Measured] = [(episode.rewards[-1], episode.noises[-1]), *detail.others]
    # an act that failed has no further values
    values += [(math.nan, math.nan)] * (max(columns) + 1 - len(values))
    (value, noise), *others = (values[column] for column in columns)
    return Observation(candidate, value, noise, tuple(others), detail.spectrum)
