"""An image with an asymmetric mark comes out upright and in place, from every driver."""

from dataclasses import replace
from math import radians

import numpy as np
import pytest
from marked import height
from wires import FRAME, FRAMES, WIRES, wire

from spm_auto.instrument import FloatArray, Scan


def agreement(image: FloatArray, expected: FloatArray) -> float:
    """Return the share of pixels that show what is there; edges may be a pixel off."""
    off = np.abs(image - expected)
    return float((off < 0.02 * np.ptp(expected)).mean())


@pytest.mark.parametrize("angle", [0, 30])
@pytest.mark.parametrize("kind", WIRES)
def test_what_is_lower_left_comes_out_lower_left(kind: str, angle: int) -> None:
    frame = replace(FRAMES.get(kind, FRAME), angle=radians(angle))
    with wire(kind) as ends:
        lines = list(ends.driver.scan(Scan(frame, channels=("height",), line_rate=10.0)))
    there = np.array([line.forward[0] for line in lines])
    back = np.array([line.backward[0] for line in lines])
    expected = height(*frame.positions())
    assert agreement(there, expected) > 0.97
    if np.isfinite(back).any():  # not every controller measures on the way back
        assert agreement(back - 1e-10, expected) > 0.97
    # the test can tell: turned or mirrored it would not agree
    for wrong in (there[::-1], there[:, ::-1], there[::-1, ::-1]):
        assert agreement(wrong, expected) < 0.8
    other = height(*replace(frame, angle=-frame.angle).positions())
    assert angle == 0 or agreement(there, other) < 0.8
