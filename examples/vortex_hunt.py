"""An STM finds a vortex: no topograph shows it, only the conductance at zero bias does."""

from pathlib import Path

import numpy as np

import spm_auto as spm

HERE = Path(__file__).parent


def zero_bias_conductance(spectrum: spm.Spectrum) -> float:
    """Return how much of the gap is filled: dI/dV at zero bias over dI/dV outside the gap."""
    slope = spectrum.channel("didv")
    inside = np.abs(spectrum.bias) < 0.2e-3
    outside = np.abs(spectrum.bias) > 3e-3
    return float(slope[inside].mean() / slope[outside].mean())


def main(out: Path = Path("runs/vortex_hunt"), budget: int = 80, pixels: int = 64) -> None:
    """Scan a superconductor, then let an agent look for the core of a vortex."""
    with spm.start_run(lab=HERE / "lab_stm.toml", out=out, seed=1) as run:
        overview = run.scan(
            ("0 nm", "0 nm"), ("110 nm", "110 nm"), pixels=(pixels, pixels), line_rate="4 Hz"
        )
        agent = spm.agents.make("gp", overview, scalarizer=zero_bias_conductance, seed=1)
        sweep = spm.BiasWaveform.sweep("-4 mV", "4 mV", points=81, dwell="5 ms")
        for proposal in agent.proposals(budget):
            agent.tell(proposal, run.acquire_spectrum(proposal.x, proposal.y, sweep))
    best = run.recorded.best
    if best is not None and best.scored is not None:
        at = best.instruction
        where = f"({at.x * 1e9:.1f}, {at.y * 1e9:.1f}) nm"
        print(f"dI/dV at zero bias is {best.scored.value:.2f} of the normal one at {where}")


if __name__ == "__main__":
    main()
