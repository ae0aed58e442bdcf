"""Inheriting: an agent is told what was found before it was there."""

from ..instrument import Measured
from .explorer import Explorer
from .protocol import Proposal, Scalar
from .scoring import observation_of


def inherit(explorer: Explorer, proposal: Proposal, spectrum: Measured) -> Scalar:
    """Tell an agent what was found at one of its candidates, though it did not propose it.

    It counts as any other: it is learned from, judged anew and forgotten with the others.

    Args:
        explorer: The agent.
        proposal: Names the candidate.
        spectrum: What was found there.

    Raises:
        AgentError: The scalarizer gave something that is no number.
    """
    scalar = explorer.scalarize(spectrum)
    explorer._told.append((proposal, spectrum))
    explorer.agent.tell([observation_of(proposal, spectrum, scalar)])
    if scalar.is_good:
        explorer._values.append(scalar.value)
    return scalar
