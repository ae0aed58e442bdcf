"""Carrying: what was learned on a coarser image, for an agent on a finer one."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...agents import Candidates, Explorer, Proposal, inherit
from ...data import Finding
from ...instrument import FloatArray, Measured, ScanImage
from ..knowledge import Knowledge, Learned
from .moved import time_of, way_of


@dataclass(frozen=True, slots=True, eq=False)
class Carried:
    """What an agent is given by those before it.

    Attributes:
        candidates: Its candidates, which know what was believed of them.
        found: Spectra that lie on its image, each at the candidate that is nearest.
        agents: By how many agents before it.
    """

    candidates: Candidates
    found: tuple[tuple[Proposal, Measured], ...] = ()
    agents: int = 0

    @property
    def finding(self) -> Finding:
        """What was carried over, for the record."""
        said = f"{len(self.found)} spectra and the belief of {self.agents} agents are carried over"
        nothing = "nothing that was learned before lies here"
        values = {"spectra": len(self.found), "agents": self.agents}
        return Finding("carry", said if self.agents else nothing, values)

    def tell(self, explorer: Explorer) -> Explorer:
        """Tell an agent what was found, and return it."""
        for proposal, spectrum in self.found:
            inherit(explorer, proposal, spectrum)
        return explorer


def carry(
    candidates: Candidates, image: ScanImage, knowledge: Knowledge, scalarizers: Sequence[str]
) -> Carried:
    """Carry over what agents with the same scalarizer believed and found where an image lies.

    The belief is that of the last agent that has one; the spectra are those of all of them, where
    what they show has moved to by the time of the image. What was measured at several levels is not
    carried over.

    Args:
        candidates: Of the new agent.
        image: What it looks at.
        knowledge: What the run knows.
        scalarizers: What its spectra are worth by; only what was judged by the first one counts.
    """
    if len(candidates.levels) > 1:
        return Carried(candidates)
    alike = [
        learned
        for learned in knowledge.learned
        if learned.explorer.scalarizer_name == scalarizers[0]
        and len(learned.explorer.agent.candidates.levels) == 1
    ]
    found = tuple(_found(candidates, image, knowledge, alike))
    beliefs = [learned for learned in alike if learned.belief is not None]
    informed, agents = candidates, 1 if found else 0
    for learned in reversed(beliefs):
        mean, deviation = believed(learned, candidates.positions, image, knowledge)
        if np.isfinite(mean).any():
            informed, agents = candidates.informed(mean, deviation), len(beliefs)
            break
    return Carried(informed, found, agents)


def believed(
    learned: Learned, positions: FloatArray, image: ScanImage, knowledge: Knowledge
) -> tuple[FloatArray, FloatArray]:
    """Return what an agent believed of places on a later image.

    Between the places that it knew it is interpolated; NaN where it knew none around.

    Args:
        learned: The agent.
        positions: On the later image [m], shape (P, 2).
        image: The later image.
        knowledge: What the run knows.

    Returns:
        Mean and standard deviation, each of shape (P,).
    """
    from scipy import interpolate, spatial

    belief = learned.belief
    nothing = np.full(len(positions), math.nan)
    if belief is None:
        return nothing, nothing
    moved = way_of(knowledge).since(time_of(learned.image), time_of(image))
    known = np.column_stack(belief.frame.to_sample(*belief.rows.T))
    scale = max(belief.frame.size)
    at, where = (positions - moved) / scale, known / scale
    values = np.column_stack([belief.mean, belief.deviation]).astype(float)
    # of an image that is far larger only what is around matters
    reach = 4 * max(belief.frame.pitch) * _stride(belief.rows) / scale
    near = np.all((where >= at.min(axis=0) - reach) & (where <= at.max(axis=0) + reach), axis=1)
    if np.count_nonzero(near) < 3:
        return nothing, nothing
    try:
        found = interpolate.LinearNDInterpolator(where[near], values[near])(at)
    except spatial.QhullError:  # all on one line
        return nothing, nothing
    return np.asarray(found[:, 0]), np.asarray(found[:, 1])


def _stride(rows: NDArray[np.int64]) -> int:
    """Return every how many lines or pixels there was a candidate."""
    steps = [np.diff(np.unique(axis)) for axis in rows.T]
    return max((int(np.median(step)) for step in steps if len(step)), default=1)


def _found(
    candidates: Candidates, image: ScanImage, knowledge: Knowledge, alike: Sequence[Learned]
) -> list[tuple[Proposal, Measured]]:
    """Return good spectra with the candidates that they lie at now, each candidate once."""
    way, now = way_of(knowledge), time_of(image)
    pitch = _spacing(candidates)
    taken: dict[int, tuple[float, Proposal, Measured]] = {}
    for scored in (scored for learned in alike for scored in learned.found):
        if not scored.scalar.is_good:
            continue
        spectrum = scored.spectrum
        place = np.array([spectrum.x, spectrum.y]) + way.since(spectrum.start_time, now)
        away = np.hypot(*(candidates.positions - place).T)
        nearest = int(np.argmin(away))
        distance = float(away[nearest])
        if distance > pitch or (nearest in taken and taken[nearest][0] <= distance):
            continue
        x, y, bias = candidates.points[nearest].tolist()
        proposal = Proposal(nearest, x, y, bias, "carried over from a larger image")
        taken[nearest] = (distance, proposal, spectrum)
    return [(proposal, spectrum) for _, proposal, spectrum in taken.values()]


def _spacing(candidates: Candidates) -> float:
    """Return how far a place may lie from a candidate that stands for it [m]."""
    pitch = candidates.frame.pitch
    return math.hypot(*pitch) * _stride(candidates.rows) / math.sqrt(2)
