"""Files of the emulated R9 in other people's readers."""

from dataclasses import replace
from math import degrees
from pathlib import Path

import asymmetric
import numpy as np
import pytest
from running import run_client

from spm_auto.data import open_file
from spm_auto.instrument import Channel, ScanImage
from spm_auto.simulator.servers.rhk import Conditions, images_bytes, spectra_bytes

pytestmark = pytest.mark.clients

# spym reshapes pages as if their rows were columns; squares do not show it
ITS_OWN_FAULT = {"spym image that is not square"}
TAKEN = Conditions("a_0001.sm4", bias=0.5, current=1e-10, line_time=0.25)


def read(path: Path, image: ScanImage) -> dict[str, np.ndarray]:
    """Write an image and return what our own reader sees."""
    pictures = [(c, image.channel(c.name, b), b) for c in image.channels for b in (False, True)]
    path.write_bytes(images_bytes(image.frame, pictures, TAKEN))
    (seen,) = open_file(path).images
    return {
        f"{path.stem}_{c.name}_{way}": seen.channel(c.name, way == "Backward")
        for c in seen.channels
        for way in ("Forward", "Backward")
    }


def test_spym_and_gwyddion_see_what_our_reader_sees(tmp_path: Path) -> None:
    wide = asymmetric.image()
    frame = replace(wide.frame, size=(200e-9, 200e-9), pixels=(32, 32))
    square = replace(
        wide, frame=frame, forward=wide.forward[..., :32], backward=wide.backward[..., :32]
    )
    expected = read(tmp_path / "wide.sm4", wide) | read(tmp_path / "square.sm4", square)
    curves = np.stack([np.linspace(-1e-9, 1e-9, 11) ** 3, np.linspace(0.0, 2e-9, 11)])
    content = spectra_bytes(
        (-1.0, 0.5, 11), [(Channel("Current", "A"), curves)], (3e-8, 1e-8), TAKEN
    )
    (tmp_path / "spectra.sm4").write_bytes(content)
    spectra = open_file(tmp_path / "spectra.sm4").spectra
    np.savez(
        tmp_path / "expected.npz",
        center=frame.center,
        size=wide.frame.size,
        angle=degrees(frame.angle),
        step=frame.size[0] / frame.pixels[0],
        curves=np.stack([spectrum.channel("Current") for spectrum in spectra]),
        bias=spectra[0].bias,
        place=(spectra[0].x, spectra[0].y),
        **expected,
    )
    calls = run_client("sm4_readers", {"folder": str(tmp_path)})
    assert {call.name for call in calls if not call.right} == ITS_OWN_FAULT
    assert len(calls) == 16
