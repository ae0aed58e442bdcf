"""Peer agent: a peer's model made an agent, which chooses by expected improvement."""

from collections.abc import Sequence

import numpy as np
from peers import Peer, build_peer
from pydantic import ConfigDict

from spm_auto.agents import Agent, AgentSettings, Candidates, Observation, Proposal
from spm_auto.instrument import FloatArray

INITIAL = 10  # random points before a peer is asked


class PeerSettings(AgentSettings):
    """A peer as an agent: expected improvement, fitted anew for every batch.

    Attributes:
        kind: A key of `PEERS`.
        images: What its patches are cut from, shape [channel, line, pixel].
        batch: Points that are chosen by one fit, those of highest expected improvement.
        initial: Random points before the first fit.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    images: FloatArray | None = None
    batch: int = 10
    initial: int = INITIAL

    def build(self, candidates: Candidates, rng: np.random.Generator) -> Agent:
        """Make the agent."""
        peer = build_peer(self.kind, candidates, self.images, int(rng.integers(2**31)))
        return PeerAgent(candidates, peer, self.batch, self.initial, rng)


class PeerAgent:
    """Chooses by a peer's expected improvement.

    Args:
        candidates: What can be chosen.
        peer: Whose prediction it is.
        batch: Points that are chosen by one fit.
        initial: Random points before the first fit.
        rng: Randomness of these points.
    """

    def __init__(
        self,
        candidates: Candidates,
        peer: Peer,
        batch: int,
        initial: int,
        rng: np.random.Generator,
    ) -> None:
        self._candidates = candidates
        self._peer = peer
        self._batch = batch
        self._initial = initial
        self._random = rng.permutation(len(candidates))
        self._free = np.ones(len(candidates), dtype=bool)
        self._found: dict[int, float] = {}
        self._queue: list[int] = []

    @property
    def candidates(self) -> Candidates:
        """What can be chosen."""
        return self._candidates

    def tell(self, observations: Sequence[Observation]) -> None:
        """Learn what was found; a failed measurement only counts as measured."""
        for observation in observations:
            self._free[observation.candidate] = False
            if np.isfinite(observation.value):
                self._found[observation.candidate] = observation.value

    def ask(self, n: int = 1, pending: Sequence[int] = ()) -> list[Proposal]:
        """Choose the next points."""
        self._free[list(pending)] = False
        proposals: list[Proposal] = []
        while len(proposals) < n and self._free.any():
            candidate = self._next()
            self._free[candidate] = False
            x, y, bias = self._candidates.points[candidate].tolist()
            proposals.append(Proposal(candidate, x, y, bias, "by a peer"))
        return proposals

    def _next(self) -> int:
        known = int(np.count_nonzero(~self._free))
        if known < self._initial or len(self._found) < 2:
            return int(next(each for each in self._random if self._free[each]))
        self._queue = [each for each in self._queue if self._free[each]]
        if not self._queue:
            rows, values = np.array(list(self._found)), np.array(list(self._found.values()))
            self._peer.fit(rows, values)
            mean, deviation, _ = self._peer.predict()
            score = log_improvement(mean, deviation, float(values.max()))
            score[~self._free] = -np.inf
            order = np.argsort(-score, kind="stable")
            self._queue = [int(each) for each in order[: self._batch] if self._free[each]]
        return self._queue.pop(0)


def log_improvement(mean: FloatArray, deviation: FloatArray, best: float) -> FloatArray:
    """Return the logarithm of the expected improvement over the best value, shape (n,).

    log sigma + log(phi(u) + u Phi(u)), u = (mean - best) / sigma; far below the best value, where
    the sum is lost in rounding, its asymptote log(phi(u) / u^2).
    """
    from scipy.special import ndtr

    u = (mean - best) / deviation
    log_density = -0.5 * u**2 - 0.5 * np.log(2 * np.pi)
    far = u < -5.0
    near = np.where(far, 0.0, u)
    gain = np.log(np.exp(-0.5 * near**2) / np.sqrt(2 * np.pi) + near * ndtr(near))
    asymptote = log_density - 2 * np.log(np.where(far, -u, 1.0))
    return np.asarray(np.log(deviation) + np.where(far, asymptote, gain))
