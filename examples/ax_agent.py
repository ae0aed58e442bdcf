"""Ax as an agent: a service that asks for points of a box and is told what was found there.

It needs what ``pip install ax-platform`` brings. Ax keeps trials of its own; what was measured is
the nearest free candidate, so each question is answered by a trial that is attached to it.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np

import spm_auto as spm
from spm_auto.agents import (
    Agent,
    AgentSettings,
    Candidates,
    Explorer,
    Observation,
    Space,
    StrategyAgent,
)

HERE = Path(__file__).parent


class AxStrategy:
    """Asks a client of Ax.

    Args:
        client: Makes a client (``ax.api.client.Client``), whose parameters are not configured yet.
        space: The candidates as points of the unit cube.
    """

    def __init__(self, client: Any, space: Space) -> None:
        from ax.api.configs import RangeParameterConfig

        self._client, self._space = client, space
        client.configure_experiment(
            parameters=[
                RangeParameterConfig(name=name, parameter_type="float", bounds=(0.0, 1.0))
                for name in space.names
            ]
        )
        client.configure_optimization(objective="reward")

    def ask(self, pending: Sequence[int]) -> list[float]:  # noqa: ARG002
        """Return the point that Ax suggests; its own trial of it is given up."""
        ((trial, parameters),) = self._client.get_next_trials(max_trials=1).items()
        self._client.mark_trial_abandoned(trial_index=trial)
        return [float(parameters[name]) for name in self._space.names]

    def tell(self, observation: Observation) -> None:
        """Attach a trial at the place that was measured, and say what was found there."""
        if not np.isfinite(observation.value):
            return
        point = self._space.points[observation.candidate].tolist()
        trial = self._client.attach_trial(
            parameters=dict(zip(self._space.names, point, strict=True))
        )
        noise = None if np.isnan(observation.noise) else observation.noise
        self._client.complete_trial(
            trial_index=trial, raw_data={"reward": (observation.value, noise)}
        )


class AxSettings(AgentSettings):
    """Asks Ax; a resumed run asks it again, and holds its answers against the record."""

    kind: Literal["ax"] = "ax"

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        from ax.api.client import Client

        space, seed = Space.of(candidates), int(rng.integers(2**31))
        return StrategyAgent(
            candidates, lambda: AxStrategy(Client(random_seed=seed), space), space, "Ax"
        )


def main(out: Path = Path("runs/ax"), budget: int = 30) -> None:
    """Let Ax look for wide loops."""
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=3) as run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(64, 64))
        agent = AxSettings().build(Candidates.of(overview, stride=2), np.random.default_rng(3))
        explorer = Explorer(agent, spm.agents.loop_area, watch=run)
        loop = spm.BiasWaveform.triangle("8.5 V", points=64, cycles=2)
        for proposal in explorer.proposals(budget):
            explorer.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, loop))


if __name__ == "__main__":
    main()
