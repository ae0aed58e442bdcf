"""Your own agent: ask and tell, nothing else.

This one goes uphill: it measures beside the best point so far, and jumps when it is stuck.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

import spm_auto as spm
from spm_auto.agents import Candidates, Explorer, Observation, Proposal

HERE = Path(__file__).parent


class HillClimber:
    """Measures the nearest candidate to the best one; every fifth point is anywhere.

    Args:
        candidates: What can be chosen.
        rng: Its randomness.
    """

    def __init__(self, candidates: Candidates, rng: np.random.Generator) -> None:
        self.candidates = candidates
        self._rng = rng
        self._values: dict[int, float] = {}

    def tell(self, observations: Sequence[Observation]) -> None:
        """Remember what was found."""
        for observation in observations:
            self._values[observation.candidate] = observation.value

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        """Choose the next points."""
        free = np.ones(len(self.candidates), dtype=bool)
        free[[*self._values, *pending]] = False
        proposals = []
        for _ in range(min(n, int(free.sum()))):
            candidate, reason = self._choose(np.flatnonzero(free))
            free[candidate] = False
            x, y, bias = self.candidates.points[candidate].tolist()
            proposals.append(Proposal(candidate, x, y, bias, reason))
        return proposals

    def _choose(self, free: np.ndarray) -> tuple[int, str]:
        good = {row: value for row, value in self._values.items() if np.isfinite(value)}
        if len(self._values) % 5 == 0 or not good:
            return int(self._rng.choice(free)), "anywhere"
        best = max(good, key=lambda row: good[row])
        steps = self.candidates.points[free, :2] - self.candidates.points[best, :2]
        return int(free[np.argmin(np.hypot(*steps.transpose()))]), "beside the best"


def main(out: Path = Path("runs/own_agent"), budget: int = 20) -> None:
    """Let the hill climber look for wide loops."""
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=3) as run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(64, 64))
        climber = HillClimber(Candidates.of(overview, stride=2), np.random.default_rng(3))
        agent = Explorer(climber, spm.agents.loop_area, watch=run)
        loop = spm.BiasWaveform.triangle("8.5 V", points=64, cycles=2)
        for proposal in agent.proposals(budget):
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, loop))
    best = run.recorded.best
    if best is not None and best.scored is not None:
        print(f"widest loop: {best.scored.value:.3g} V")


if __name__ == "__main__":
    main()
