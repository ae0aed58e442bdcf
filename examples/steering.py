"""Stepping in: a human forbids a region, asks for a point, and changes what is looked for."""

from pathlib import Path

import spm_auto as spm
from spm_auto.agents import ForbidRegion, ForcePoint, Rescalarize, SetExploration

HERE = Path(__file__).parent


def main(out: Path = Path("runs/steering"), budget: int = 48, pixels: int = 64) -> None:
    """Explore a film; a quarter of the way, half of it and later on, someone steps in."""
    quarter = budget // 4
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=1) as run:
        overview = run.scan(
            ("0 nm", "0 nm"), ("2 um", "2 um"), pixels=(pixels, pixels), line_rate="2 Hz"
        )
        agent = spm.agents.make("gp", overview, scalarizer="loop_area", seed=1, initial=6)
        triangle = spm.BiasWaveform.triangle(amplitude="8.5 V", points=64)
        for number, proposal in enumerate(agent.proposals(budget), start=1):
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, triangle))
            if number == quarter:
                scratch = ForbidRegion((5e-7, 5e-7), radius=3e-7)
                agent.steer(scratch, who="Ada", why="there is a scratch")
            if number == 2 * quarter:
                agent.steer(ForcePoint(-4e-7, -4e-7), who="Ada", why="looks odd there")
                agent.steer(Rescalarize("loop_opening"), who="Ada", why="amplitude matters more")
            if number == 3 * quarter:
                run.steer(SetExploration(0.5), who="Bob", why="time is nearly up")
    for event in run.recorded.interventions:
        print(f"{event.who}: {event.what} ({event.why})")


if __name__ == "__main__":
    main()
