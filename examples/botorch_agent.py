"""BoTorch as an agent: an outside optimizer that asks and is told, in one small class.

It needs what ``pip install botorch`` brings. Its model sees the place and what the overview shows
there; of all free candidates it takes the one with the highest expected improvement.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import numpy as np

import spm_auto as spm
from spm_auto.agents import (
    Agent,
    AgentSettings,
    Candidates,
    Explorer,
    Observation,
    RecallingAgent,
    Space,
)

HERE = Path(__file__).parent


class BoTorchStrategy:
    """Fits a Gaussian process before each question, and names the best candidate.

    Args:
        space: The candidates as points of the unit cube.
        initial: How many points are chosen at random before.
        seed: Root of its randomness.
    """

    def __init__(self, space: Space, initial: int, seed: int) -> None:
        self._points, self._initial, self._seed = space.points, initial, seed
        self._told: dict[int, float] = {}

    def tell(self, observation: Observation) -> None:
        """Remember what was found, where it was any good."""
        if np.isfinite(observation.value):
            self._told[observation.candidate] = observation.value

    def ask(self, pending: Sequence[int]) -> int:
        """Name the candidate with the highest expected improvement."""
        rng = np.random.default_rng([self._seed, len(self._told), len(pending)])
        if len(self._told) < self._initial:
            return int(rng.integers(len(self._points)))
        score = self._improvement([*pending])
        score[[*self._told, *pending]] = -np.inf
        return int(np.argmax(score))

    def _improvement(self, pending: list[int]) -> np.ndarray:
        import torch
        from botorch.acquisition import LogExpectedImprovement
        from botorch.fit import fit_gpytorch_mll
        from botorch.models import SingleTaskGP
        from botorch.models.transforms import Standardize
        from gpytorch.mlls import ExactMarginalLogLikelihood

        x = torch.tensor(self._points[[*self._told]])
        y = torch.tensor([*self._told.values()]).double()[:, None]
        model = SingleTaskGP(x, y, outcome_transform=Standardize(1))
        fit_gpytorch_mll(ExactMarginalLogLikelihood(model.likelihood, model))
        if pending:  # taken as found as predicted
            there = torch.tensor(self._points[pending])
            model = model.condition_on_observations(there, model.posterior(there).mean.detach())
        rule = LogExpectedImprovement(model, best_f=y.max())
        with torch.no_grad():
            return rule(torch.tensor(self._points)[:, None]).numpy().copy()


class BoTorchSettings(AgentSettings):
    """Asks BoTorch; an entry point of the group ``spm_auto.agents`` would make it a plugin."""

    kind: Literal["botorch"] = "botorch"
    initial: int = 8

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        space = Space.of(candidates, seen="both", components=3)
        seed = int(rng.integers(2**63))
        # its answers follow from its seed and from what it was told: a resumed run recalls them
        return RecallingAgent(
            candidates, lambda: BoTorchStrategy(space, self.initial, seed), space, "BoTorch"
        )


def main(out: Path = Path("runs/botorch"), budget: int = 30) -> None:
    """Let BoTorch look for wide loops."""
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=3) as run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(64, 64))
        candidates = Candidates.of(overview, stride=2)
        agent = BoTorchSettings().build(candidates, np.random.default_rng(3))
        explorer = Explorer(agent, spm.agents.loop_area, watch=run)
        loop = spm.BiasWaveform.triangle("8.5 V", points=64, cycles=2)
        for proposal in explorer.proposals(budget):
            explorer.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, loop))
    best = run.recorded.best
    if best is not None and best.scored is not None:
        print(f"widest loop: {best.scored.value:.3g} V")


if __name__ == "__main__":
    main()
