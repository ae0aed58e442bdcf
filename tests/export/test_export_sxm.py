"""Nanonis .sxm: byte by byte as the instrument writes it, and as nanonispy2 reads it."""

from dataclasses import replace
from pathlib import Path

import nanonispy2
import numpy as np
import pytest
from asymmetric import CHANNELS, FRAME, SCALES, image, look

from spm_auto.export import Origin, write_sxm
from spm_auto.instrument import Channel

ORIGIN = Origin("a title", "me", utc=1452165574.0, bias=-0.4, details={"Seed": "7"})


def _parts(path: Path) -> tuple[bytes, np.ndarray]:
    header, body = path.read_bytes().split(b"\x1a\x04", 1)
    lines, pixels = FRAME.shape
    return header, np.frombuffer(body, ">f4").reshape(-1, 2, lines, pixels)


def test_the_header_is_what_the_instrument_writes(tmp_path: Path) -> None:
    header, _ = _parts(write_sxm(tmp_path / "scan000.sxm", image(), ORIGIN))
    assert header == (
        b":NANONIS_VERSION:\n2\n"
        b":SCANIT_TYPE:\n              FLOAT            MSBFIRST\n"
        b":REC_DATE:\n 07.01.2016\n"
        b":REC_TIME:\n11:19:34\n"
        b":REC_TEMP:\n      NaN\n"
        b":ACQ_TIME:\n       32.0\n"
        b":SCAN_PIXELS:\n       48       32\n"
        b":SCAN_FILE:\nscan000.sxm\n"
        b":SCAN_TIME:\n             5.000E-01             5.000E-01\n"
        b":SCAN_RANGE:\n           3.000000000E-07           2.000000000E-07\n"
        b":SCAN_OFFSET:\n             1.200000000E-07         -7.500000000E-08\n"
        b":SCAN_ANGLE:\n            -2.000000000E+01\n"
        b":SCAN_DIR:\nup\n"
        b":BIAS:\n            -4.000000000E-01\n"
        b":COMMENT:\na title\n"
        b":Scan>Scanfield:\n1.200000000E-07;-7.500000000E-08;3.000000000E-07;2.000000000E-07;"
        b"-2.000000000E+01\n"
        b":Scan>channels:\nheight (m);current (A)\n"
        b":Scan>pixels/line:\n48\n"
        b":Scan>lines:\n32\n"
        b":spm_auto>Seed:\n7\n"
        b":DATA_INFO:\n\tChannel\tName\tUnit\tDirection\tCalibration\tOffset\n"
        b"\t0\theight\tm\tboth\t1.000E+0\t0.000E+0\n"
        b"\t1\tcurrent\tA\tboth\t1.000E+0\t0.000E+0\n"
        b"\n:SCANIT_END:\n\n\n"
    )


def test_the_data_begin_with_the_lower_line_and_the_way_back_is_mirrored(tmp_path: Path) -> None:
    _, body = _parts(write_sxm(tmp_path / "a.sxm", image()))
    there, back = look(), look(backward=True)
    for index, scale in enumerate(SCALES):
        for corner in ((0, 0), (0, -1), (-1, 0), (-1, -1)):
            line, pixel = corner
            assert body[index, 0, line, pixel] == np.float32(scale * there[corner])
            assert body[index, 1, line, -1 - pixel] == np.float32(scale * back[corner])


def test_a_missing_pixel_is_the_nan_that_gwyddion_knows(tmp_path: Path) -> None:
    forward = image().forward.copy()
    forward[1, 20:, :] = np.nan  # aborted after 20 lines
    path = write_sxm(tmp_path / "a.sxm", replace(image(), forward=forward))
    _, body = _parts(path)
    words = body.view(">u4")
    assert (words[1, 0, 20:] == 0x7FFFFFFF).all()
    assert np.isfinite(body[1, 0, :20]).all()
    assert np.isfinite(body[1, 1]).all()


def test_nanonispy_reads_channels_range_offset_angle_and_units(tmp_path: Path) -> None:
    scan = nanonispy2.read.Scan(str(write_sxm(tmp_path / "a.sxm", image(), ORIGIN)))
    header = scan.header
    assert list(header["scan_pixels"]) == list(FRAME.pixels)
    np.testing.assert_allclose(header["scan_range"], FRAME.size)
    np.testing.assert_allclose(header["scan_offset"], FRAME.center)
    assert float(header["scan_angle"]) == pytest.approx(-20)  # clockwise
    assert header["scan_dir"] == "up"
    assert header["bias"] == -0.4
    assert header["data_info"]["Unit"] == tuple(channel.unit for channel in CHANNELS)
    for scale, channel in zip(SCALES, CHANNELS, strict=True):
        ways = scan.signals[channel.name]
        np.testing.assert_allclose(ways["forward"], scale * look(), rtol=1e-6)
        mirrored = ways["backward"][:, ::-1]
        np.testing.assert_allclose(mirrored, scale * look(backward=True), rtol=1e-6)


def test_names_of_several_words_and_odd_text_do_not_break_the_header(tmp_path: Path) -> None:
    channels = (Channel("frequency shift", "Hz"), Channel("dI/dV", "1"))
    origin = Origin(":SCANIT_END:\nÅ \x1a\x04 :x", details={"a:b\n": ":DATA_INFO:\n:c"})
    path = write_sxm(tmp_path / "a.sxm", replace(image(), channels=channels), origin)
    scan = nanonispy2.read.Scan(str(path))
    assert list(scan.signals) == ["frequency_shift", "dI/dV"]
    np.testing.assert_allclose(scan.signals["dI/dV"]["forward"], SCALES[1] * look(), rtol=1e-6)
    assert path.read_bytes().index(b"\x1a") == path.read_bytes().index(b"\x1a\x04")
    assert scan.header["comment"].splitlines()[1] == "\\xc5    :x"
