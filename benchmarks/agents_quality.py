"""Quality: how well is a scalar predicted where it was not measured?"""

import math
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from contenders import ATOMAI, BOTORCH, DEEP_KERNEL, GPAX, PROCESS, Contender
from numpy.typing import NDArray
from peers import build_peer
from tables import seconds, spread, table
from tasks import Task

from spm_auto.agents import Fit, Model, Observation
from spm_auto.instrument import FloatArray

TOLD_AT_ONCE = 5  # observations between two fits, as in a run
NINETY = 1.6449  # deviations that hold 90 % of a normal distribution

LEARNERS = (
    Contender("GP on position only", "position"),
    Contender("GP on the ranking only", "number"),
    BOTORCH,
    PROCESS,
    DEEP_KERNEL,
    Contender("deep_kernel, no gate", "deep_kernel", {"gate": False}),
)
SLOW = (GPAX, ATOMAI)


@dataclass(frozen=True, slots=True)
class Quality:
    """How well one set of sites was predicted.

    Attributes:
        r_squared: Share of the variance that is explained.
        nlpd: Mean negative logarithm of the predicted probability density.
        coverage: Share of the sites within the 90 % interval.
    """

    r_squared: float
    nlpd: float
    coverage: float

    @classmethod
    def of(cls, target: FloatArray, mean: FloatArray, deviation: FloatArray) -> "Quality":
        """Compare a prediction with what is there, each of shape (n,)."""
        residual = target - mean
        density = np.log(2 * math.pi * deviation**2) + (residual / deviation) ** 2
        return cls(
            r_squared=float(1 - np.mean(residual**2) / np.var(target)),
            nlpd=float(np.mean(density)) / 2,
            coverage=float(np.mean(np.abs(residual) < NINETY * deviation)),
        )


@dataclass(frozen=True, slots=True)
class Outcome:
    """How well a learner did on one seed.

    Attributes:
        unseen: On the sites that it was not told.
        pool: On all sites, those that it was told included.
        seconds: CPU time of all fits and the map [s].
        speaker: Which model spoke, where there are several.
    """

    unseen: Quality
    pool: Quality
    seconds: float
    speaker: str


def judge(task: Task, contender: Contender, seed: int) -> Outcome:
    """Let a learner learn from random sites and predict all of them."""
    rng = np.random.default_rng(seed)
    known = rng.choice(len(task.target), task.train, replace=False)
    start = time.process_time()
    if contender.is_peer:
        peer = build_peer(contender.kind, task.candidates, task.images, seed)
        peer.fit(known, task.target[known])
        mean, _, deviation = peer.predict()
        speaker = ""
    else:
        fit = learn(task, contender, known, rng)
        mean, deviation = fit.mean, deviation_of_measurement(fit, task.target[known])
        speaker = fit.speaker
    spent = time.process_time() - start
    unseen = np.setdiff1d(np.arange(len(task.target)), known)
    return Outcome(
        unseen=Quality.of(task.target[unseen], mean[unseen], deviation[unseen]),
        pool=Quality.of(task.target, mean, deviation),
        seconds=spent,
        speaker=speaker,
    )


def learn(
    task: Task, contender: Contender, known: NDArray[np.int64], rng: np.random.Generator
) -> Fit:
    """Tell an agent what is at sites, few at a time as a run does, so that a gate can judge."""
    agent = contender.build(task, rng)
    if not isinstance(agent, Model):
        raise TypeError(f"agent {contender.kind!r} predicts nothing")
    for first in range(0, len(known), TOLD_AT_ONCE):
        told = known[first : first + TOLD_AT_ONCE].tolist()
        agent.tell([Observation(site, float(task.target[site])) for site in told])
        agent.refit()
    if agent.fit is None:
        raise ValueError(f"{len(known)} observations are too few to learn from")
    return agent.fit


def deviation_of_measurement(fit: Fit, values: FloatArray) -> FloatArray:
    """Return the deviation of a new measurement at every candidate, noise included, shape (n,).

    Args:
        fit: What an agent believes.
        values: What it was told; where the agent does not say what noise to expect where, it is in
            units of the variance of these.
    """
    if fit.noise is not None:
        return np.hypot(fit.deviation, fit.noise)
    noise = fit.parameters["noise_variance"] * float(np.var(values))
    return np.sqrt(fit.deviation**2 + noise)


def quality(task: Task, seeds: int, slow_seeds: int) -> Iterator[str]:
    """Yield the table of how well each learner predicts, line by line.

    Args:
        task: What to learn.
        seeds: How many random samples of the sites.
        slow_seeds: How many for the slow peers; 0 to leave them out.
    """
    head = ["learner (seeds)", "R² unseen", "NLPD unseen", "covers 90 % unseen"]
    head += ["R² pool", "NLPD pool", "covers 90 % pool", "CPU, all fits", "deep kernel spoke"]
    return table([*head, "NLPD unseen less gp's"], _rows(task, seeds, slow_seeds))


def _rows(task: Task, seeds: int, slow_seeds: int) -> Iterator[list[str]]:
    plain: Sequence[Outcome] = ()
    for contender in (*LEARNERS, *(SLOW if slow_seeds else ())):
        if not contender.is_there:
            yield [contender.name]
            continue
        n = min(seeds, slow_seeds) if contender.is_slow else seeds
        outcomes = [judge(task, contender, seed) for seed in range(n)]
        if contender is PROCESS:
            plain = outcomes
        yield [f"{contender.name} ({n})", *_figures(outcomes), _against(outcomes, plain)]


def _figures(outcomes: Sequence[Outcome]) -> list[str]:
    cells = []
    for side in (
        [each.unseen for each in outcomes],
        [each.pool for each in outcomes],
    ):
        cells += [
            spread([each.r_squared for each in side], 3),
            spread([each.nlpd for each in side], 3),
            spread([each.coverage for each in side], 3),
        ]
    deep = np.mean([each.speaker == "deep kernel" for each in outcomes])
    has_voices = any(each.speaker for each in outcomes)
    spent = float(np.mean([each.seconds for each in outcomes]))
    return [*cells, seconds(spent), f"{deep:.2f}" if has_voices else "–"]


def _against(outcomes: Sequence[Outcome], plain: Sequence[Outcome]) -> str:
    """Compare seed by seed with the plain process."""
    pairs = zip(outcomes, plain, strict=False)
    return spread([each.unseen.nlpd - other.unseen.nlpd for each, other in pairs], 3)
