"""Instructions and results are values that check themselves."""

import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spm_auto.errors import UnitError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)

FRAME = ScanFrame(center=(0.0, 0.0), size=(1e-6, 5e-7), pixels=(4, 3))
AMPLITUDE, PHASE = Channel("amplitude", "m"), Channel("phase", "rad")


def test_the_triangle_is_the_loop_of_switching_spectroscopy() -> None:
    bias = BiasWaveform.triangle("8.5 V", points=64).bias
    step = 8.5 / 16
    assert len(bias) == 64
    assert bias[0] == 0.0
    assert bias[16] == bias.max() == 8.5
    assert bias[32] == 0.0
    assert bias[48] == bias.min() == -8.5
    assert bias[-1] == pytest.approx(-0.53, abs=0.005)  # one step short of where it began
    np.testing.assert_allclose(np.abs(np.diff(bias)), step)


@given(quarter=st.integers(1, 64), amplitude=st.floats(0.1, 100), offset=st.floats(-5, 5))
def test_every_triangle_swings_evenly_about_its_offset(
    quarter: int, amplitude: float, offset: float
) -> None:
    bias = BiasWaveform.triangle(amplitude, points=4 * quarter, offset=offset).bias
    assert bias[0] == offset
    assert bias.max() == pytest.approx(offset + amplitude)
    assert bias.min() == pytest.approx(offset - amplitude)
    assert bias.mean() == pytest.approx(offset, abs=1e-9)


def test_a_sweep_runs_from_start_to_stop_and_back_where_asked_for() -> None:
    there = BiasWaveform.sweep("-1 V", 1.0, points=5, dwell="4 ms")
    assert there.values == (-1.0, -0.5, 0.0, 0.5, 1.0)
    assert there.dwell == 4e-3
    both = BiasWaveform.sweep(-1.0, 1.0, points=3, backward=True)
    assert both.values == (-1.0, 0.0, 1.0, 1.0, 0.0, -1.0)


def test_a_waveform_lasts_for_all_its_points_and_cycles() -> None:
    assert BiasWaveform((0.0, 1.0, 2.0), dwell=0.5, cycles=4).duration == 6.0


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"values": ()}, "at least one point"),
        ({"values": (1.0,), "dwell": 0.0}, "dwell must be positive"),
        ({"values": (1.0,), "dwell": math.nan}, "dwell must be positive"),
        ({"values": (1.0,), "dwell": math.inf}, "dwell must be positive"),
        ({"values": (1.0,), "cycles": 0}, "at least once"),
    ],
)
def test_a_waveform_that_cannot_be_run_is_refused(values: dict[str, object], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        BiasWaveform(**values)  # type: ignore[arg-type]  # the point of the test


@pytest.mark.parametrize("points", [0, -4, 3, 63])
def test_a_triangle_needs_a_multiple_of_four_points(points: int) -> None:
    with pytest.raises(ValueError, match="multiple of 4"):
        BiasWaveform.triangle(1.0, points=points)


def test_a_sweep_needs_two_points() -> None:
    with pytest.raises(ValueError, match="at least 2 points"):
        BiasWaveform.sweep(0.0, 1.0, points=1)


def test_a_wrong_unit_in_a_waveform_is_refused() -> None:
    with pytest.raises(UnitError, match="expected 'V'"):
        BiasWaveform.triangle("8.5 nm")
    with pytest.raises(UnitError, match="expected 's'"):
        BiasWaveform.sweep("0 V", "1 V", dwell="1 V")


@pytest.mark.parametrize("rate", [0.0, -1.0, math.nan, math.inf])
def test_a_scan_needs_a_line_rate(rate: float) -> None:
    with pytest.raises(ValueError, match="line_rate must be positive"):
        Scan(FRAME, line_rate=rate)


def test_a_scan_that_names_a_channel_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice: phase, phase"):
        Scan(FRAME, channels=("phase", "phase"))


@pytest.mark.parametrize(
    "instruction",
    [
        Load("film"),
        Scan(FRAME, ("phase",)),
        PositionProbe(1e-9, 2e-9),
        AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(8.5)),
    ],
)
def test_instructions_are_values_equal_by_content_and_not_to_be_changed(
    instruction: Load | Scan | PositionProbe | AcquireSpectrum,
) -> None:
    assert instruction == dataclasses.replace(instruction)
    assert hash(instruction) == hash(dataclasses.replace(instruction))
    name = dataclasses.fields(instruction)[0].name
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(instruction, name, None)


def _image(complete: bool = True) -> ScanImage:
    forward = np.arange(24.0).reshape(2, 3, 4)
    if not complete:
        forward[:, 2] = np.nan
    return ScanImage(FRAME, (AMPLITUDE, PHASE), forward, -forward, 0.0, 3.0)


def test_an_image_gives_its_channels_by_name_and_direction() -> None:
    image = _image()
    assert image.channel()[0].tolist() == [0.0, 1.0, 2.0, 3.0]
    assert image.channel("phase")[2, 3] == 23.0
    assert image.channel("phase", backward=True)[2, 3] == -23.0
    with pytest.raises(ValueError, match="no channel 'taste'; it has amplitude, phase"):
        image.channel("taste")


def test_an_image_with_a_missing_line_is_not_complete() -> None:
    assert _image().is_complete
    assert not _image(complete=False).is_complete


def test_an_image_whose_shape_does_not_fit_its_frame_is_refused() -> None:
    turned = np.zeros((1, 4, 3))
    with pytest.raises(ValueError, match=r"shape \(1, 4, 3\), the frame needs \(1, 3, 4\)"):
        ScanImage(FRAME, (PHASE,), turned, turned, 0.0, 1.0)


def test_a_spectrum_gives_its_channels_by_name() -> None:
    data = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    spectrum = Spectrum(0.0, 0.0, np.array([0.0, 1.0, 0.0]), (AMPLITUDE, PHASE), data, 0.0, 1.0)
    assert spectrum.channel().tolist() == [1.0, 2.0, 3.0]
    assert spectrum.channel("phase").tolist() == [4.0, 5.0, 6.0]
    with pytest.raises(ValueError, match="no channel 'height'; it has amplitude, phase"):
        spectrum.channel("height")


def test_a_spectrum_whose_shape_does_not_fit_its_bias_is_refused() -> None:
    with pytest.raises(ValueError, match=r"shape \(1, 2\), the spectrum needs \(1, 3\)"):
        Spectrum(0.0, 0.0, np.zeros(3), (PHASE,), np.zeros((1, 2)), 0.0, 1.0)
