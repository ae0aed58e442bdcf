"""The first script: scan, let a deep-kernel agent choose where to take loops, write the report."""

from pathlib import Path

import spm_auto as spm

HERE = Path(__file__).parent


def main(out: Path = Path("runs/first_run"), budget: int = 60, pixels: int = 256) -> Path:
    """Explore the simulated ferroelectric film; returns the path of the report."""
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=1) as run:
        overview = run.scan(
            center=("0 nm", "0 nm"),
            size=("2 um", "2 um"),
            pixels=(pixels, pixels),
            channels=["amplitude", "phase"],
        )
        agent = spm.agents.make("deep_kernel", overview, scalarizer="loop_area", seed=1)
        loop = spm.BiasWaveform.triangle(amplitude="8.5 V", points=64)
        for proposal in agent.proposals(budget=budget):
            spectrum = run.acquire_spectrum(proposal.x, proposal.y, loop)
            agent.tell(proposal, spectrum)
    return run.report()


if __name__ == "__main__":
    print(main())
