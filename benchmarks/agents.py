"""Measure the agents on real data: how soon do they find the best sites?

python benchmarks/agents.py --task bepsc --data BEPS_PTO_50x50.h5 --seeds 5
"""

import argparse
import math
import os
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # read by numpy and torch when they are imported

import numpy as np
import torch
from tasks import TOP_SHARE, Task, beps_accepted, bepsc

from spm_auto.agents import Agent, AgentSettings, Fit, Model, Observation
from spm_auto.errors import SpmError
from spm_auto.instrument import FloatArray
from spm_auto.plugins import load

TASKS = {"bepsc": bepsc, "beps_accepted": beps_accepted}
INITIAL = 10


@dataclass(frozen=True, slots=True)
class Contender:
    """An agent in the benchmark.

    Attributes:
        kind: Name of its plugin.
        settings: What a recipe would set.
        own_start: Whether it chooses its first points itself, too.
    """

    kind: str
    settings: Mapping[str, object] = field(default_factory=dict)
    own_start: bool = False


IMPROVEMENT = {"acquisition": "expected_improvement"}
CONTENDERS = {
    "random": Contender("random"),
    "grid": Contender("grid"),
    "ranking": Contender("ranking"),
    "ranking, own start": Contender("ranking", own_start=True),
    "gp": Contender("gp"),
    "gp, own start": Contender("gp", own_start=True),
    "gp, EI": Contender("gp", IMPROVEMENT),
    "deep_kernel": Contender("deep_kernel"),
    "deep_kernel, own start": Contender("deep_kernel", own_start=True),
    "deep_kernel, EI": Contender("deep_kernel", IMPROVEMENT),
}


@dataclass(frozen=True, slots=True, eq=False)
class Walk:
    """One agent's way through the pool.

    Attributes:
        chosen: Sites in the order of measuring, shape (budget,).
        seconds: CPU time of all tells and asks after the initial points, per point [s].
        deep_share: Share of the fits at which the deep kernel spoke, NaN without one.
    """

    chosen: FloatArray
    seconds: float
    deep_share: float


def walk(task: Task, contender: Contender, budget: int, seed: int) -> Walk:
    """Let an agent choose its way, one point at a time, after the same random initial points."""
    rng = np.random.default_rng(seed)
    initial = rng.choice(len(task.target), INITIAL, replace=False).tolist()
    if contender.own_start:
        initial = []
    agent = build(task, contender, rng)
    agent.tell([Observation(site, float(task.target[site])) for site in initial])
    chosen = list(initial)
    fits: list[Fit] = []
    start = time.process_time()
    while len(chosen) < budget:
        (proposal,) = agent.ask()
        fit = agent.fit if isinstance(agent, Model) else None
        if fit is not None and fit not in fits[-1:]:
            fits.append(fit)
        site = proposal.candidate
        agent.tell([Observation(site, float(task.target[site]))])
        chosen.append(site)
    seconds = (time.process_time() - start) / (budget - len(initial))
    deep = [fit.speaker == "deep kernel" for fit in fits]
    share = float(np.mean(deep)) if contender.kind == "deep_kernel" else math.nan
    return Walk(np.array(chosen), seconds, share)


def build(task: Task, contender: Contender, rng: np.random.Generator) -> Agent:
    """Make an agent as a recipe would, from its plugin."""
    cls: type[AgentSettings] = load("agents", contender.kind)
    settings = cls.model_validate({"kind": contender.kind, **contender.settings})
    return settings.build(task.candidates, rng)


def discovery(task: Task, budget: int, seeds: int) -> str:
    """Run all agents and return the table of what they found."""
    counts = [n for n in (50, 100, 200) if n <= budget]
    best, very_best = task.top(TOP_SHARE), task.top(0.01)
    rows, found_at_100 = [], {}
    for name, contender in CONTENDERS.items():
        walks = [walk(task, contender, budget, seed) for seed in range(seeds)]
        cells = [name]
        for top in (best, very_best):
            for n in counts:
                shares = [np.isin(top, each.chosen[:n]).mean() for each in walks]
                cells.append(f"{np.mean(shares):.2f} ± {np.std(shares):.2f}")
                if n == min(100, budget) and top is best:
                    found_at_100[name] = float(np.mean(shares))
        seconds = float(np.mean([each.seconds for each in walks]))
        deep = float(np.mean([each.deep_share for each in walks]))
        cells += [f"{1e3 * seconds:.1f}", "–" if math.isnan(deep) else f"{deep:.2f}"]
        rows.append(cells)
    reference = found_at_100.get("random", math.nan)
    for cells in rows:
        ratio = found_at_100[cells[0]] / reference if reference and found_at_100 else math.nan
        cells.append(f"{ratio:.1f}")
    head = ["agent", *(f"top 5 % at {n}" for n in counts), *(f"top 1 % at {n}" for n in counts)]
    head += ["CPU per point [ms]", "deep kernel spoke", f"× random at {min(100, budget)}"]
    return table(head, rows)


def regression(task: Task, seeds: int, n: int = 200) -> str:
    """Fit the learners to random points and return the table of how well they predict the rest."""
    head = ["agent", "R²", "NLPD", "covers 90 %", "fit and predict, CPU [s]"]
    rows = []
    ungated = Contender("deep_kernel", {"gate": False})
    for name, contender in (("gp", CONTENDERS["gp"]), ("deep_kernel, no gate", ungated)):
        scores: list[list[float]] = []
        for seed in range(seeds):
            rng = np.random.default_rng(seed)
            known = rng.choice(len(task.target), n, replace=False)
            agent = build(task, contender, rng)
            agent.tell([Observation(int(site), float(task.target[site])) for site in known])
            start = time.process_time()
            agent.ask()
            seconds = time.process_time() - start
            assert isinstance(agent, Model)
            fit = agent.fit
            assert fit is not None
            rest = np.setdiff1d(np.arange(len(task.target)), known)
            residual = task.target[rest] - fit.mean[rest]
            noise = fit.parameters["noise_variance"] * float(np.var(task.target[known]))
            variance = fit.deviation[rest] ** 2 + noise
            scores.append(
                [
                    float(1 - np.mean(residual**2) / np.var(task.target[rest])),
                    float(np.mean(np.log(2 * math.pi * variance) + residual**2 / variance)) / 2,
                    float(np.mean(np.abs(residual) < 1.6449 * np.sqrt(variance))),
                    seconds,
                ]
            )
        mean, spread = np.mean(scores, axis=0), np.std(scores, axis=0)
        rows.append([name, *(f"{m:.2f} ± {s:.2f}" for m, s in zip(mean, spread, strict=True))])
    return table(head, rows)


def table(head: list[str], rows: list[list[str]]) -> str:
    """Write a markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)


def main() -> int:
    """Read the command line, run and print; returns the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--task", choices=sorted(TASKS), default="bepsc")
    parser.add_argument("--data", type=Path, required=True, help="the file of the measurement")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--budget", type=int, default=200, help="spectra, initial ones included")
    parser.add_argument("--regression", action="store_true", help="also score predictions")
    options = parser.parse_args()
    if options.seeds < 1 or options.budget <= INITIAL:
        parser.error(f"needs at least 1 seed and a budget above {INITIAL}")
    torch.set_num_threads(1)
    try:
        task = TASKS[options.task](options.data)
    except SpmError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(
        f"Task {options.task}: {len(task.target)} sites, {len(task.top(TOP_SHARE))} of them the "
        f"top 5 %; {options.seeds} seeds, mean ± sd; {INITIAL} random initial points, the same for "
        f"all agents but those with their own start; then one point at a time.\n"
    )
    print(discovery(task, options.budget, options.seeds))
    if options.regression:
        print("\nFitted to 200 random sites, scored on the rest:\n")
        print(regression(task, options.seeds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
