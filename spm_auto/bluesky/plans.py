"""Plans: what a RunEngine is given where the next point follows from those before."""

from collections.abc import Generator, Mapping
from typing import Any

from ..agents import Explorer
from .devices import Microscope

Plan = Generator[Any, Any, str]


def explore(
    microscope: Microscope, agent: Explorer, budget: int, md: Mapping[str, Any] | None = None
) -> Plan:
    """Let an agent choose where spectra are taken, one event for each.

    A point that is refused or fails ends the plan, as in any other.

    Args:
        microscope: With a detector of spectra.
        agent: Who chooses; one made from ``microscope.image.last`` is recorded by the run.
        budget: How many spectra, fewer where the candidates run out.
        md: Metadata of the start document.

    Returns:
        The uid of the run, through the RunEngine.
    """
    from bluesky import plan_stubs, preprocessors

    detector, probe = microscope.spectrum, microscope.probe
    metadata = {
        "plan_name": "explore",
        "plan_args": {"agent": type(agent.agent).__name__, "budget": budget},
        "detectors": [detector.name],
        "motors": [probe.name],
        "num_points": budget,
        **(md or {}),
    }

    def steps() -> Generator[Any, Any, None]:
        for proposal in agent.proposals(budget):
            yield from plan_stubs.checkpoint()
            yield from plan_stubs.mv(probe, (proposal.x, proposal.y))
            yield from plan_stubs.trigger_and_read([probe, detector])
            assert detector.last is not None  # it has just been read
            agent.tell(proposal, detector.last)

    wrappers: Any = preprocessors  # they are not typed
    wrapped = wrappers.run_wrapper(steps(), md=metadata)
    return str((yield from wrappers.stage_wrapper(wrapped, [detector])))
