"""Discovery: how soon does an agent find the best sites?"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from contenders import ATOMAI, BOTORCH, GPAX, LEARNING_NOTHING, OURS, RANDOM, Contender
from numpy.typing import NDArray
from tables import seconds, spread, table
from tasks import TOP_SHARE, Task

from spm_auto.agents import Model, Observation

INITIAL = 10  # random points, the same for all agents that do not begin by themselves
BEST = 0.01
ASKED_SHARE = 0.3  # of the top, for the number of measurements until then


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One agent's way through the pool.

    Attributes:
        chosen: Sites in the order of measuring, shape (budget,).
        seconds: CPU time of all tells and asks after the initial points, per point [s].
        deep_share: Share of the fits at which the deep kernel spoke, NaN without one.
    """

    chosen: NDArray[np.int64]
    seconds: float
    deep_share: float

    def found(self, top: NDArray[np.int64], n: int) -> float:
        """Return which share of the top is among the first n."""
        return float(np.isin(top, self.chosen[:n]).mean())

    def until(self, top: NDArray[np.int64], share: float) -> float:
        """Return how many measurements it took to a share of the top; NaN when it was never."""
        hits = np.cumsum(np.isin(self.chosen, top)) / len(top)
        enough = np.flatnonzero(hits >= share)
        return float(enough[0] + 1) if len(enough) else math.nan


def walk(task: Task, contender: Contender, budget: int, seed: int, own_start: bool = False) -> Walk:
    """Let an agent choose its way, one point at a time.

    Args:
        task: The pool.
        contender: Who chooses.
        budget: Measurements, the initial ones included.
        seed: Of the initial points and the agent.
        own_start: Whether it chooses its first points itself, as in a run.
    """
    rng = np.random.default_rng(seed)
    chosen: list[int] = rng.choice(len(task.target), INITIAL, replace=False).tolist()
    if own_start:
        chosen = []
    agent = contender.build(task, rng)
    agent.tell([Observation(site, float(task.target[site])) for site in chosen])
    speakers: list[str] = []
    seen = -1
    start = time.process_time()
    initial = len(chosen)
    while len(chosen) < budget:
        (proposal,) = agent.ask()
        fit = agent.fit if isinstance(agent, Model) else None
        if fit is not None and fit.n_observations != seen:
            seen = fit.n_observations
            speakers.append(fit.speaker)
        site = proposal.candidate
        agent.tell([Observation(site, float(task.target[site]))])
        chosen.append(site)
    spent = (time.process_time() - start) / (budget - initial)
    deep = [speaker == "deep kernel" for speaker in speakers]
    share = float(np.mean(deep)) if deep and contender.kind == "deep_kernel" else math.nan
    return Walk(np.array(chosen), spent, share)


def discovery(task: Task, budget: int, seeds: int, slow_seeds: int) -> Iterator[str]:
    """Yield the table of what all agents found, line by line.

    Args:
        task: The pool.
        budget: Measurements of each agent.
        seeds: How many.
        slow_seeds: How many for the slow peers; 0 to leave them out.
    """
    counts = [n for n in (50, 100, 200) if n <= budget] or [budget]
    head = ["agent (seeds)", *(f"top 5 % at {n}" for n in counts)]
    head += [*(f"top 1 % at {n}" for n in counts), f"until {ASKED_SHARE:.0%} of the top 5 %"]
    rows = _rows(task, budget, counts, seeds, slow_seeds)
    return table([*head, "CPU a point", "deep kernel spoke"], rows)


def _rows(
    task: Task, budget: int, counts: Sequence[int], seeds: int, slow_seeds: int
) -> Iterator[list[str]]:
    entrants = [(each, False) for each in (*LEARNING_NOTHING, *OURS, BOTORCH)]
    entrants[-1:-1] = [(each, True) for each in (*LEARNING_NOTHING, *OURS) if each is not RANDOM]
    entrants += [(each, False) for each in ((GPAX, ATOMAI) if slow_seeds else ())]
    tops = (task.top(TOP_SHARE), task.top(BEST))
    for contender, own_start in entrants:
        if not contender.is_there:
            yield [contender.name]
            continue
        n_seeds = min(seeds, slow_seeds) if contender.is_slow else seeds
        walks = [walk(task, contender, budget, seed, own_start) for seed in range(n_seeds)]
        shares = [spread([each.found(top, n) for each in walks]) for top in tops for n in counts]
        until = [each.until(tops[0], ASKED_SHARE) for each in walks]
        is_sure = all(map(math.isfinite, until))
        yield [
            f"{contender.name}{', own start' if own_start else ''} ({n_seeds})",
            *shares,
            spread(until, 0) if is_sure else "not always",
            seconds(float(np.mean([each.seconds for each in walks]))),
            spread([each.deep_share for each in walks]),
        ]
