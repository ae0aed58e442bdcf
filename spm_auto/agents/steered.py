"""SteeredAgent: how an intervention reaches an agent, candidate by candidate, or is refused."""

import math
from collections.abc import Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from .. import plugins, units
from ..errors import AgentError
from .protocol import ASKED_FOR, Agent, Preferring, Proposal, Scalarizer, Steerable
from .steering import AllowRegion, ForbidRegion, ForcePoint, Position, Prefer


class SteeredAgent:
    """An agent that a human can steer: what is asked for becomes what the agent understands.

    Args:
        agent: The agent.
    """

    def __init__(self, agent: Agent) -> None:
        self._agent = agent
        self._forbidden: NDArray[np.bool_] | None = None  # made when first needed

    def steerable(self, what: str) -> Steerable:
        """Return the agent as one that can be steered.

        Args:
            what: What it shall do, for the message.

        Raises:
            AgentError: It cannot.
        """
        if not isinstance(self._agent, Steerable):
            raise AgentError(
                f"the agent ({type(self._agent).__name__}) cannot {what}: it has not the methods "
                "forbid, allow, set_exploration and retell"
            )
        return self._agent

    def forbids(self, proposal: Proposal) -> bool:
        """Say whether a proposal lies in a region that is forbidden."""
        return self._forbidden is not None and bool(self._forbidden[proposal.candidate])

    def forced(self, point: ForcePoint, who: str) -> Proposal:
        """Make the proposal of the candidate nearest to a point that a human wants measured.

        Raises:
            AgentError: The point lies outside of the frame, or is forbidden.
        """
        candidates = self._agent.candidates
        self._check_inside((point.x, point.y))
        away = candidates.positions - (point.x, point.y)
        position = int(np.argmin(np.hypot(away[:, 0], away[:, 1])))
        biases = candidates.levels.bias
        wanted = 0.0 if math.isnan(point.bias) else point.bias  # else the gentlest one
        durations = candidates.levels.duration
        if wanted and np.isnan(biases).all():
            raise AgentError(
                f"a bias of {point.bias:g} V was asked for, but it is not the agent's to choose"
            )
        level = int(np.lexsort((durations, np.abs(biases - wanted)))[0])  # the shortest of these
        row = position * len(candidates.levels) + level
        if self._forbidden is not None and self._forbidden[row]:
            raise AgentError(f"{_place((point.x, point.y))} lies in a region that is forbidden")
        return Proposal(
            row,
            *candidates.position(row),
            bias=float(biases[level]),
            reason=f"{ASKED_FOR}{who}",
            duration=float(durations[level]),
        )

    def restrict(self, region: ForbidRegion | AllowRegion) -> None:
        """Forbid a region to the agent, or allow it again.

        Raises:
            AgentError: No candidate lies in it, or the agent cannot be steered.
        """
        agent = self.steerable("leave out a region")
        candidates = self._agent.candidates
        positions = candidates.positions
        inside = region.contains(positions[:, 0], positions[:, 1])
        inside = np.repeat(inside, len(candidates.levels))
        if not inside.any():
            raise AgentError(f"no candidate lies within {region.words}")
        if self._forbidden is None:
            self._forbidden = np.zeros(len(inside), dtype=bool)
        if isinstance(region, ForbidRegion):
            agent.forbid(inside)
            self._forbidden |= inside
        else:
            agent.allow(inside)
            self._forbidden &= ~inside

    def explore(self, weight: float) -> None:
        """Change the weight of what is not known.

        Raises:
            AgentError: The agent has no such weight.
        """
        self.steerable("weigh what is not known").set_exploration(weight)

    def prefer(self, answer: Prefer, measured: Sequence[int]) -> None:
        """Tell the agent which of two points is better.

        Args:
            answer: Which is.
            measured: Candidates that were measured.

        Raises:
            AgentError: The agent does not learn from answers, a point was not measured, or both
                are the same.
        """
        if not isinstance(self._agent, Preferring):
            raise AgentError(
                f"the agent ({type(self._agent).__name__}) does not learn from answers to "
                '"A or B?": it has no method prefer'
            )
        better, worse = (self._measured(p, measured) for p in (answer.better, answer.worse))
        if better == worse:
            raise AgentError(f"both points are candidate {better}: it is not better than itself")
        self._agent.prefer(better, worse)

    def _measured(self, point: int | Position, measured: Sequence[int]) -> int:
        """Find a candidate that was measured: the one named, or the nearest to a position."""
        if isinstance(point, int):
            if point not in measured:
                raise AgentError(f"candidate {point} was not measured yet")
            return point
        self._check_inside(point)
        if not measured:
            raise AgentError("nothing was measured yet that could be better or worse")
        places = np.array([self._agent.candidates.position(row) for row in measured])
        return int(measured[int(np.argmin(np.hypot(*(places - point).T)))])

    def _check_inside(self, point: Position) -> None:
        frame = self._agent.candidates.frame
        if not np.all(frame.contains(*point)):
            width, height = (units.format(length, "m", 4) for length in frame.size)
            raise AgentError(
                f"{_place(point)} lies outside of the overview ({width} x {height} around "
                f"{_place(frame.center)})"
            )


def scalarizer_named(name: str) -> Scalarizer:
    """Return the scalarizer of a name.

    Raises:
        PluginError: There is none.
    """
    return cast(Scalarizer, plugins.load("scalarizers", name))


def _place(point: Position) -> str:
    x, y = (units.format(value, "m", 4) for value in point)
    return f"({x}, {y})"
