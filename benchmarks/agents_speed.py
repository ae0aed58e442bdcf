"""Speed: the CPU time of a step, and how it grows, next to one pass over the memory it needs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

import numpy as np
import torch
from contenders import ATOMAI, BOTORCH, DEEP_KERNEL, GPAX, OURS, PROCESS, Contender
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


def against_peers(repeats: int, is_quick: bool) -> str:
    """Return the table of a fit and a map of 2,500 candidates from 200 spectra.

    Args:
        repeats: Of each; AtomAI is measured once when it is quick.
        is_quick: Whether it is.
    """
    task = synthetic(SMALL)
    known = np.random.default_rng(0).choice(len(task.target), SPECTRA, replace=False)
    theirs: dict[str, float] = {}
    rows: list[list[str]] = []
    for contender in (ATOMAI, GPAX, BOTORCH):
        if not contender.is_there:
            rows.append([contender.name, *["not installed"] * 6])
            continue

        def fit_and_map(kind: str = contender.kind) -> None:
            peer = build_peer(kind, task.candidates, task.images, 0)
            peer.fit(known, task.target[known])
            peer.predict()

        theirs[contender.name] = _median(fit_and_map, 1 if is_quick else repeats)
        rows.append([contender.name, "–", seconds(theirs[contender.name]), *["–"] * 4])
    for contender in OURS:
        timings = [timing(task, contender, SPECTRA, 10) for _ in range(repeats)]
        cold, warm = (
            median(each.cold for each in timings),
            median(each.refitted for each in timings),
        )
        row = [contender.name, seconds(median(each.build for each in timings))]
        row += [seconds(cold), seconds(warm), seconds(median(each.step for each in timings))]
        for name in ASKED_OF:
            ratios = [theirs[name] / each for each in (cold, warm)] if name in theirs else []
            row.append(" / ".join(f"{ratio:.0f}" for ratio in ratios) or "–")
        rows.append(row)
    head = ["method", "built", "cold fit, map, choice", "tell, warm fit, map, choice"]
    head += ["tell and choice, no fit", *(f"× below {name}, cold / warm" for name in ASKED_OF)]
    return table(head, rows)


def large() -> str:
    """Return the table of the steps with many candidates, 200 spectra."""
    rows = []
    for contender in OURS:
        for biases in ((), BIASES):
            task = synthetic(LARGE, biases)
            result = timing(task, contender, SPECTRA, steps=7, fits=1 if biases else 3)
            name = f"{LARGE**2:,}" + (f" × {len(biases)} biases" if biases else "")
            figures = (result.build, result.cold, result.step, result.refitted)
            limit = one_pass(SPECTRA, len(task.target))
            row = [contender.name, name, *map(seconds, figures), seconds(limit)]
            rows.append([*row, f"{result.step / limit:.1f}"])
    return table(["agent", "candidates", *_HEAD], rows)


def growth(contender: Contender, is_quick: bool) -> str:
    """Return the tables of how a step grows with spectra and with candidates."""
    spectra = (50, 100, 200, 500) if is_quick else (50, 100, 200, 500, 1000, 2000)
    sides = (50, 128) if is_quick else (50, 128, 256, 512)
    cases = [(n, SMALL) for n in spectra] + [(SPECTRA, side) for side in sides]
    tasks = {side: synthetic(side) for side in {side for _, side in cases}}
    rows = []
    for n, side in cases:
        task = tasks[side]
        result = timing(task, contender, n, steps=5, fits=1 if n > 500 else 3)
        limit = one_pass(n, len(task.target))
        figures = (result.build, result.cold, result.step, result.refitted, limit)
        row = [f"{n:,}", f"{side**2:,}", *map(seconds, figures)]
        rows.append([*row, f"{result.step / limit:.1f}"])
    return table([f"spectra, {contender.name}", "candidates", *_HEAD], rows)


def one_pass(n: int, candidates: int) -> float:
    """Return the CPU time of one pass over n times N numbers of 8 bytes: a vector times a matrix.

    Nothing that must look at all of them can be faster.
    """
    matrix = torch.ones(n, candidates, dtype=torch.float64)
    vector = torch.ones(n, dtype=torch.float64)
    return _median(lambda: vector @ matrix, 7)


def speed(repeats: int, is_quick: bool) -> Sequence[tuple[str, str]]:
    """Measure everything; return heading and table of each part."""
    fit = f"{SPECTRA} spectra, {SMALL**2:,} candidates"
    return (
        (f"{fit}: CPU time on one thread, medians", against_peers(repeats, is_quick)),
        (f"{SPECTRA} spectra, many candidates", large()),
        ("Growth", growth(PROCESS, is_quick)),
        ("Growth, with the deep kernel", growth(DEEP_KERNEL, is_quick)),
    )


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
