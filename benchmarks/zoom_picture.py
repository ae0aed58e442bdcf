r"""Draw docs/pictures/zoom.png: the images of a gap hunt, where it zoomed and what it found.

spm-auto run examples/stm_gap_hunt.toml --lab examples/lab_stm_simulated.toml \
    --seed 1 --out runs/gap
python benchmarks/zoom_picture.py runs/gap docs/pictures/zoom.png
"""

import sys
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from spm_auto import open_run
from spm_auto.analysis import level_plane
from spm_auto.instrument import ScanFrame


def main(run: Path, out: Path) -> None:
    """Draw the three scales beside one another."""
    recorded = open_run(run)
    scans = recorded.scans
    figure = Figure(figsize=(9.6, 3.5), layout="constrained")
    axes = figure.subplots(1, len(scans))
    frames = [scan.frame for scan in scans]
    for number, (axis, scan) in enumerate(zip(axes, scans, strict=True)):
        u, v = (1e9 * side / 2 for side in scan.frame.size)
        x, y = (1e9 * at for at in scan.frame.center)
        height = level_plane(scan.channel("height"))
        low, high = np.percentile(height, [1, 99.5])
        extent = (x - u, x + u, y - v, y + v)
        axis.imshow(height, origin="lower", extent=extent, cmap="gray", vmin=low, vmax=high)
        later = scans[number + 1].start_time if number + 1 < len(scans) else np.inf
        mine = [m for m in recorded.measurements if scan.end_time <= m.spectrum.start_time < later]
        at = np.array([(m.spectrum.x, m.spectrum.y) for m in mine]) * 1e9
        values = [m.scored.value if m.scored else np.nan for m in mine]
        drawn = axis.scatter(*at.T, c=values, s=14, cmap="inferno", vmin=0.0, vmax=1.2)
        if number + 1 < len(frames):
            _outline(axis, frames[number + 1])
        axis.set_title(f"{1e9 * scan.frame.size[0]:.0f} nm, {len(mine)} spectra")
        axis.set_xlim(extent[:2])
        axis.set_ylim(extent[2:])
        axis.set_xlabel("x (nm)")
    axes[0].set_ylabel("y (nm)")
    figure.colorbar(drawn, ax=axes[-1], label="dI/dV at 0 V, of the normal one")
    figure.savefig(out, dpi=72)


def _outline(axis, frame: ScanFrame) -> None:  # type: ignore[no-untyped-def]
    corners = 1e9 * np.array(frame.corners()).T
    axis.plot(*np.vstack([corners, corners[:1]]).T, color="tab:cyan", linewidth=1.5)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
