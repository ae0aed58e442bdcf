"""Speed: the CPU time of a step, and how it grows, next to one pass over the memory it needs."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from contenders import ATOMAI, BOTORCH, GPAX, OURS, Contender
from peers import build_peer
from tables import seconds, table
from tasks import Task, synthetic

from spm_auto.agents import Agent, Model, Observation

SMALL = 50  # pixels each way: 2,500 candidates
LARGE = 256  # 65,536
SPECTRA = 200
BIASES = tuple(np.linspace(1.0, 10.0, 16).tolist())  # [V]
SELDOM = 1000  # spectra between two fits: more than are told here
ASKED_OF = {ATOMAI.name: 300, GPAX.name: 40}  # times below, at least


@dataclass(frozen=True, slots=True)
class Timing:
    """CPU times of one of our agents, medians [s].

    Attributes:
        build: From candidates to an agent that can be told.
        cold: First fit to all spectra, with the map of all candidates, and the choice.
        step: Tell one spectrum and choose the next point, without a fit.
        refitted: The same with a fit and the map of all candidates.
    """

    build: float
    cold: float
    step: float
    refitted: float


def timing(task: Task, contender: Contender, n: int, steps: int, fits: int = 3) -> Timing:
    """Measure one of our agents.

    Args:
        task: What it chooses from.
        contender: Which agent.
        n: Spectra that it was told before.
        steps: Repetitions of a step without a fit.
        fits: Repetitions of a step with one.
    """
    settings = {**contender.settings, "initial": 2, "refit_every": SELDOM}
    rng = np.random.default_rng(0)
    start = time.process_time()
    agent = Contender(contender.name, contender.kind, settings).build(task, rng)
    build = time.process_time() - start
    known = rng.choice(len(task.target), n, replace=False).tolist()
    agent.tell([Observation(site, float(task.target[site])) for site in known])
    start = time.process_time()
    _refit(agent)
    site = agent.ask()[0].candidate
    cold = time.process_time() - start
    without, site = _steps(agent, task, site, steps, is_fitted=False)
    with_fit, _ = _steps(agent, task, site, fits, is_fitted=True)
    return Timing(build, cold, without, with_fit)


def against_peers(repeats: int, is_quick: bool) -> Iterator[str]:
    """Yield the table of a fit and a map of 2,500 candidates from 200 spectra.

    Args:
        repeats: Of each; AtomAI is measured once when it is quick.
        is_quick: Whether it is.
    """
    head = ["method", "built", "cold fit, map, choice", "tell, warm fit, map, choice"]
    head += ["tell and choice, no fit", *(f"× below {name}, cold / warm" for name in ASKED_OF)]
    return table(head, _against_peers(repeats, is_quick))


def _against_peers(repeats: int, is_quick: bool) -> Iterator[list[str]]:
    task = synthetic(SMALL)
    known = np.random.default_rng(0).choice(len(task.target), SPECTRA, replace=False)
    theirs: dict[str, float] = {}
    for contender in (ATOMAI, GPAX, BOTORCH):
        if not contender.is_there:
            yield [contender.name]
            continue

        def fit_and_map(kind: str = contender.kind) -> None:
            peer = build_peer(kind, task.candidates, task.images, 0)
            peer.fit(known, task.target[known])
            peer.predict()

        theirs[contender.name] = _median(fit_and_map, 1 if is_quick else repeats)
        yield [contender.name, "–", seconds(theirs[contender.name]), *["–"] * 4]
    for contender in OURS:
        timings = [timing(task, contender, SPECTRA, 10) for _ in range(repeats)]
        cold = median(each.cold for each in timings)
        warm = median(each.refitted for each in timings)
        row = [contender.name, seconds(median(each.build for each in timings))]
        row += [seconds(cold), seconds(warm), seconds(median(each.step for each in timings))]
        for name in ASKED_OF:
            ratios = [theirs[name] / each for each in (cold, warm)] if name in theirs else []
            row.append(" / ".join(f"{ratio:.0f}" for ratio in ratios) or "–")
        yield row


def large() -> Iterator[str]:
    """Yield the table of the steps with many candidates, 200 spectra."""
    return table(["agent", "candidates", *_HEAD], _large())


def _large() -> Iterator[list[str]]:
    for biases in ((), BIASES):
        task = synthetic(LARGE, biases)
        for contender in OURS:
            result = timing(task, contender, SPECTRA, steps=7, fits=1 if biases else 3)
            name = f"{LARGE**2:,}" + (f" × {len(biases)} biases" if biases else "")
            yield [contender.name, name, *_beside_limit(result, SPECTRA, len(task.target))]


def growth(contender: Contender, is_quick: bool) -> Iterator[str]:
    """Yield the table of how a step grows with spectra and with candidates."""
    head = [f"spectra, {contender.name}", "candidates", *_HEAD]
    return table(head, _growth(contender, is_quick))


def _growth(contender: Contender, is_quick: bool) -> Iterator[list[str]]:
    spectra = (50, 100, 200, 500) if is_quick else (50, 100, 200, 500, 1000, 2000)
    sides = (50, 128) if is_quick else (50, 128, 256, 512)
    for n, side in [(n, SMALL) for n in spectra] + [(SPECTRA, side) for side in sides]:
        task = synthetic(side)
        result = timing(task, contender, n, steps=5, fits=1 if n > 500 else 3)
        yield [f"{n:,}", f"{side**2:,}", *_beside_limit(result, n, len(task.target))]


def _beside_limit(result: Timing, n: int, candidates: int) -> list[str]:
    limit = one_pass(n, candidates)
    figures = (result.build, result.cold, result.step, result.refitted, limit)
    return [*map(seconds, figures), f"{result.step / limit:.1f}"]


def one_pass(n: int, candidates: int) -> float:
    """Return the CPU time of one pass over n times N numbers of 8 bytes: a vector times a matrix.

    Nothing that must look at all of them can be faster.
    """
    matrix = torch.ones(n, candidates, dtype=torch.float64)
    vector = torch.ones(n, dtype=torch.float64)
    return _median(lambda: vector @ matrix, 7)


def speed(repeats: int, is_quick: bool) -> Iterator[tuple[str, Iterator[str]]]:
    """Yield heading and table of each part; nothing is measured before its table is read."""
    fit = f"{SPECTRA} spectra, {SMALL**2:,} candidates"
    yield f"{fit}: CPU time on one thread, medians", against_peers(repeats, is_quick)
    yield f"{SPECTRA} spectra, many candidates", large()
    for contender in OURS:
        yield f"Growth of {contender.name}", growth(contender, is_quick)


_HEAD = ("built", "cold fit, map, choice", "tell and choice, no fit", "with fit and map")
_HEAD += ("one pass over n × N × 8 bytes", "no fit in passes")


def _steps(agent: Agent, task: Task, site: int, repeats: int, is_fitted: bool) -> tuple[float, int]:
    """Return the median time of a step and the site that is to be measured next."""
    times = []
    for _ in range(repeats):
        observation = Observation(site, float(task.target[site]))
        start = time.process_time()
        agent.tell([observation])
        if is_fitted:
            _refit(agent)
        site = agent.ask()[0].candidate
        times.append(time.process_time() - start)
    return median(times), site


def _refit(agent: Agent) -> None:
    if isinstance(agent, Model):
        agent.refit()
        assert agent.fit is not None
        agent.fit.mean.sum()  # the map was really made


def _median(act: Callable[[], object], repeats: int) -> float:
    times = []
    for _ in range(repeats):
        start = time.process_time()
        act()
        times.append(time.process_time() - start)
    return median(times)
