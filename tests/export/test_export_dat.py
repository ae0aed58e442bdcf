"""Nanonis .dat: byte by byte as the instrument writes it, and as nanonispy2 reads it."""

from pathlib import Path

import nanonispy2
import numpy as np
from asymmetric import spectrum

from spm_auto.export import Origin, write_dat
from spm_auto.instrument import BiasWaveform, Channel, Spectrum

ORIGIN = Origin("a title", "me", utc=1452165574.0, details={"Seed": "7"})


def test_header_and_table_are_what_the_instrument_writes(tmp_path: Path) -> None:
    bias = BiasWaveform.sweep(1.0, -1.0, 3).bias
    data = np.array([[0.5, np.nan, -2.0]])
    taken = Spectrum(1.5e-8, -2e-8, bias, (Channel("current", "A"),), data, 0.0, 1.0)
    assert write_dat(tmp_path / "a.dat", taken, ORIGIN).read_bytes() == (
        b"Experiment\tbias spectroscopy\t\r\n"
        b"Saved Date\t07.01.2016 11:19:34\t\r\n"
        b"User\tme\t\r\n"
        b"Date\t07.01.2016\t\r\n"
        b"X (m)\t1.4999999999999999E-08\t\r\n"
        b"Y (m)\t-2.0000000000000000E-08\t\r\n"
        b"Start time\t07.01.2016 11:19:34\t\r\n"
        b"Bias Spectroscopy>Sweep Start (V)\t1.0000000000000000E+00\t\r\n"
        b"Bias Spectroscopy>Sweep End (V)\t-1.0000000000000000E+00\t\r\n"
        b"Bias Spectroscopy>Num Pixel\t3\t\r\n"
        b"Bias Spectroscopy>backward sweep\tFALSE\t\r\n"
        b"Bias Spectroscopy>Channels\tcurrent (A)\t\r\n"
        b"Comment01\ta title\t\r\n"
        b"spm_auto>Seed\t7\t\r\n"
        b"\r\n[DATA]\r\n"
        b"Bias calc (V)\tcurrent (A)\r\n"
        b"1.0000000000000000E+00\t5.0000000000000000E-01\r\n"
        b"0.0000000000000000E+00\tNaN\r\n"
        b"-1.0000000000000000E+00\t-2.0000000000000000E+00\r\n"
    )


def test_the_way_back_has_columns_on_the_axis_of_the_way_there(tmp_path: Path) -> None:
    taken = spectrum()
    read = nanonispy2.read.Spec(str(write_dat(tmp_path / "a.dat", taken, ORIGIN)))
    half = len(taken.bias) // 2
    assert list(read.signals) == [
        "Bias calc (V)", "current (A)", "dI/dV (A/V)", "current [bwd] (A)", "dI/dV [bwd] (A/V)",
    ]  # fmt: skip
    np.testing.assert_array_equal(read.signals["Bias calc (V)"], taken.bias[:half])
    for index, name in enumerate(("current", "dI/dV")):
        unit = taken.channels[index].unit
        there, back = taken.data[index, :half], taken.data[index, half:][::-1]
        np.testing.assert_array_equal(read.signals[f"{name} ({unit})"], there)
        np.testing.assert_array_equal(read.signals[f"{name} [bwd] ({unit})"], back)
    assert float(read.header["X (m)"]) == taken.x
    assert float(read.header["Y (m)"]) == taken.y
    assert read.header["Bias Spectroscopy>backward sweep"] == "TRUE"


def test_a_turning_point_that_was_measured_once_belongs_to_both_ways(tmp_path: Path) -> None:
    bias = np.array([0.0, 1.0, 2.0, 1.0, 0.0])
    taken = Spectrum(0.0, 0.0, bias, (Channel("current", "A"),), np.arange(5.0)[None], 0.0, 1.0)
    read = nanonispy2.read.Spec(str(write_dat(tmp_path / "a.dat", taken)))
    assert list(read.signals["Bias calc (V)"]) == [0, 1, 2]
    assert list(read.signals["current (A)"]) == [0, 1, 2]
    assert list(read.signals["current [bwd] (A)"]) == [4, 3, 2]


def test_a_hysteresis_loop_is_written_in_the_order_of_time(tmp_path: Path) -> None:
    bias = BiasWaveform.triangle(4.0, 16).bias
    data = np.arange(16.0)[None]
    taken = Spectrum(0.0, 0.0, bias, (Channel("piezoresponse", "m"),), data, 0.0, 1.0)
    read = nanonispy2.read.Spec(str(write_dat(tmp_path / "a.dat", taken)))
    assert list(read.signals) == ["Bias calc (V)", "piezoresponse (m)"]
    np.testing.assert_array_equal(read.signals["Bias calc (V)"], bias)
    np.testing.assert_array_equal(read.signals["piezoresponse (m)"], data[0])


def test_tabs_and_line_ends_in_a_text_do_not_break_the_header(tmp_path: Path) -> None:
    origin = Origin("a\ttitle\r\n\r\n[DATA]", details={"Reason\t": "Å\n"})
    read = nanonispy2.read.Spec(str(write_dat(tmp_path / "a.dat", spectrum(), origin)))
    assert len(read.signals["Bias calc (V)"]) == 21
    assert read.header["spm_auto>Reason "] == "\\xc5 "
