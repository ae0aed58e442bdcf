"""Your own step: a generator that yields instructions and is sent their results.

In a script it is followed with ``run.follow``. To use it by name in recipes, derive from
`spm_auto.workflow.Step` and make the class an entry point of the group ``spm_auto.steps``.
"""

from pathlib import Path

import numpy as np

import spm_auto as spm
from spm_auto.workflow import StepGenerator

HERE = Path(__file__).parent


def zoom_on_the_strongest(first: spm.ScanFrame, zoom: float, levels: int) -> StepGenerator:
    """Scan, then zoom on the strongest response, level by level; returns the last image.

    Args:
        first: The first frame.
        zoom: How much smaller each frame is than the one before.
        levels: How many times to zoom.
    """
    frame = first
    image: spm.ScanImage = yield spm.Scan(frame, channels=("amplitude",), line_rate=2.0)
    for _ in range(levels):
        line, pixel = np.unravel_index(np.argmax(image.channel("amplitude")), frame.shape)
        x, y = frame.to_sample(line, pixel)
        size = (frame.size[0] / zoom, frame.size[1] / zoom)
        # stay inside the first frame: its half width minus the new one's
        reach = [(first.size[k] - size[k]) / 2 for k in (0, 1)]
        center = (
            float(np.clip(x, first.center[0] - reach[0], first.center[0] + reach[0])),
            float(np.clip(y, first.center[1] - reach[1], first.center[1] + reach[1])),
        )
        frame = spm.ScanFrame(center, size, first.pixels)
        image = yield spm.Scan(frame, channels=("amplitude",), line_rate=2.0, purpose="zoom")
    return image


def main(out: Path = Path("runs/own_step")) -> None:
    """Zoom twice."""
    first = spm.ScanFrame.of(("0 nm", "0 nm"), ("2 um", "2 um"), pixels=(64, 64))
    with spm.start_run(lab=HERE / "lab_simulator.toml", out=out, seed=4) as run:
        image = run.follow(zoom_on_the_strongest(first, zoom=3.0, levels=2))
    if image is not None:
        print(f"last frame: {image.frame.size[0] * 1e9:.0f} nm wide at {image.frame.center}")


if __name__ == "__main__":
    main()
