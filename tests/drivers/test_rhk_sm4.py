"""RHK files: the asymmetric image and spectra, written as the R9 does and read again."""

import contextlib
import struct
from dataclasses import replace
from pathlib import Path

import asymmetric
import numpy as np
import pytest

from spm_auto.data import open_file
from spm_auto.errors import DataError
from spm_auto.instrument import Channel
from spm_auto.simulator.servers.rhk.sm4 import Conditions, images_bytes, spectra_bytes

IMAGE = asymmetric.image()
TAKEN = Conditions("a_0001.sm4", bias=0.5, current=1e-10, line_time=0.25)
FLOAT32 = 1e-6  # relative: the file keeps steps and offsets as 32-bit floats
CURVES = np.stack([np.linspace(-1e-9, 1e-9, 11), np.linspace(2e-9, 0.0, 11)])


def pictures() -> list[tuple[Channel, np.ndarray, bool]]:
    return [
        (channel, IMAGE.channel(channel.name, back), back)
        for channel in IMAGE.channels
        for back in (False, True)
    ]


def put(folder: Path, content: bytes) -> Path:
    (folder / "a_0001.sm4").write_bytes(content)
    return folder / "a_0001.sm4"


def test_an_image_is_upright_and_where_it_was(tmp_path: Path) -> None:
    data = open_file(put(tmp_path, images_bytes(IMAGE.frame, pictures(), TAKEN)))
    (image,) = data.images
    assert image.frame.pixels == IMAGE.frame.pixels
    np.testing.assert_allclose(image.frame.size, IMAGE.frame.size, rtol=FLOAT32)
    np.testing.assert_allclose(image.frame.center, IMAGE.frame.center, rtol=FLOAT32)
    assert image.frame.angle == pytest.approx(IMAGE.frame.angle, rel=FLOAT32)
    assert image.channels == IMAGE.channels
    np.testing.assert_allclose(image.forward, IMAGE.forward, rtol=FLOAT32, atol=1e-18)
    np.testing.assert_allclose(image.backward, IMAGE.backward, rtol=FLOAT32, atol=1e-18)
    assert data.metadata["bias"] == "0.5 V"
    assert any("counter-clockwise" in note for note in data.notes)


def test_lines_that_were_not_scanned_are_missing(tmp_path: Path) -> None:
    content = images_bytes(IMAGE.frame, pictures(), TAKEN, completed=5)
    (image,) = open_file(put(tmp_path, content)).images
    assert np.isfinite(image.forward[:, -5:]).all()
    assert np.isnan(image.forward[:, :-5]).all()
    assert not image.is_complete


def test_each_curve_is_a_spectrum_with_all_channels(tmp_path: Path) -> None:
    curves = [(Channel("Current", "A"), CURVES), (Channel("LIA Current", "A"), 2 * CURVES)]
    data = open_file(put(tmp_path, spectra_bytes((-1.0, 0.5, 11), curves, (3e-8, -2e-8), TAKEN)))
    assert [spectrum.channels for spectrum in data.spectra] == [tuple(c for c, _ in curves)] * 2
    for curve, spectrum in zip(CURVES, data.spectra, strict=True):
        np.testing.assert_allclose(spectrum.bias, np.linspace(-1.0, 0.5, 11), atol=1e-7)
        np.testing.assert_allclose(spectrum.data, [curve, 2 * curve], atol=1e-17)
        assert (spectrum.x, spectrum.y) == pytest.approx((3e-8, -2e-8))


def test_curves_that_bring_their_axis_are_read_on_it(tmp_path: Path) -> None:
    """A discrete spectrum stores, for each point, its bias and then the values of the curves."""
    content = bytearray(
        spectra_bytes((-1.0, 0.5, 4), [(Channel("I", "A"), np.zeros((3, 4)))], (0.0, 0.0), TAKEN)
    )
    table = np.array([[0.1, 1.0, 2.0], [0.4, 3.0, 4.0], [0.2, 5.0, 6.0], [0.9, 7.0, 8.0]], "<f4")
    content[-48:] = table.tobytes()  # 4 points of 3 curves become 4 points of an axis and 2 curves
    header = content.index(struct.pack("<2H", 170, 18))
    struct.pack_into("<I", content, header + 12, 22)
    struct.pack_into("<2I", content, header + 24, 4, 2)
    struct.pack_into("<3f", content, header + 56, 1.0, 1.0, 1.0)
    struct.pack_into("<f", content, header + 80, 0.0)
    first, second = open_file(put(tmp_path, bytes(content))).spectra
    np.testing.assert_allclose(first.bias, table[:, 0])
    np.testing.assert_allclose(first.data[0], table[:, 1])
    np.testing.assert_allclose(second.data[0], table[:, 2])


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    content = images_bytes(IMAGE.frame, pictures()[:2], TAKEN)
    refused = 0
    for end in range(40, len(content) - 1, 97):
        with pytest.raises(DataError):
            open_file(put(tmp_path, content[:end]))
        refused += 1
    assert refused > 100


def test_a_flipped_byte_anywhere_in_the_heads_does_no_harm(tmp_path: Path) -> None:
    content = images_bytes(IMAGE.frame, pictures()[:1], TAKEN)
    heads = len(content) - 4 * IMAGE.frame.pixels[0] * IMAGE.frame.pixels[1]
    for place in range(heads):
        damaged = bytearray(content)
        damaged[place] ^= 0xFF
        with contextlib.suppress(DataError):
            open_file(put(tmp_path, bytes(damaged)))


def test_a_page_of_something_else_is_told_of(tmp_path: Path) -> None:
    content = images_bytes(replace(IMAGE.frame, angle=0.0), pictures()[:2], TAKEN)
    second = content.index((1).to_bytes(16, "little")) + 16
    moved = content[:second] + struct.pack("<I", 7) + content[second + 4 :]
    data = open_file(put(tmp_path, moved))
    assert len(data.images) == 1
    assert ["page 1" in note for note in data.notes] == [True]
