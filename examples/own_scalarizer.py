"""Your own scalarizer: a function from a spectrum to a number.

To use it by name in recipes, make it an entry point of your package:
``[project.entry-points."spm_auto.scalarizers"]  at_zero = "my_package:at_zero"``.
"""

from pathlib import Path

import numpy as np

import spm_auto as spm

HERE = Path(__file__).parent


def at_zero(spectrum: spm.Spectrum) -> float:
    """Return the opening of the loop at zero bias [unit of the response].

    A number that is NaN, or a `spm_auto.agents.Scalar` with a flag, tells the agent that the
    spectrum is no good.
    """
    at_zero = spectrum.channel()[np.abs(spectrum.bias) < 0.1]
    return float(np.ptp(at_zero)) if len(at_zero) >= 2 else float("nan")


def main(out: Path = Path("runs/own_scalarizer"), budget: int = 15) -> None:
    """Look for the loop that is open widest at zero bias."""
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=2) as run:
        overview = run.scan(("0 nm", "0 nm"), ("1 um", "1 um"), pixels=(64, 64))
        agent = spm.agents.make("gp", overview, scalarizer=at_zero, seed=2)
        loop = spm.BiasWaveform.triangle("8.5 V", points=64, cycles=2)
        for proposal in agent.proposals(budget):
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, loop))
    best = run.recorded.best
    if best is not None and best.scored is not None:
        print(f"largest opening at zero bias: {best.scored.value:.3g} m")


if __name__ == "__main__":
    main()
