"""A recorded map behind the instrument's words: the recorded values, nothing else."""

import os
from pathlib import Path

import h5py
import numpy as np
import pytest
from nsid_files import BIAS, X, Y, recorded_values, write_nsid

from spm_auto import plugins
from spm_auto.clock import InstantClock
from spm_auto.errors import DataError, LimitExceeded, RecipeError, Unsupported
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)
from spm_auto.settings import validate
from spm_auto.simulator import ReplayMicroscope, ReplaySettings, read_recording

LOOP = BiasWaveform.triangle(8.5, points=64)
# exactly the sites: outer edges half a pitch beyond the outer sites
ALL_SITES = ScanFrame(center=(1e-7, 2e-7), size=(2.4e-7, 4.4e-7), pixels=(6, 11))


def opened(path: Path, **settings: object) -> ReplayMicroscope:
    table = {"kind": "replay", "file": str(path), **settings}
    microscope = validate(ReplaySettings, table, "lab.toml").open(InstantClock(), seed=0)
    microscope.load(Load())
    return microscope


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write_nsid(tmp_path / "map.h5")
    return tmp_path / "map.h5"


def image(microscope: ReplayMicroscope, channel: str) -> np.ndarray:
    lines = list(microscope.scan(Scan(ALL_SITES, (channel,))))
    return np.stack([line.forward[0] for line in lines])


def test_the_replay_is_a_plugin() -> None:
    assert plugins.load("instruments", "replay") is ReplaySettings


def test_a_spectrum_is_the_recorded_one_of_the_nearest_site(file: Path) -> None:
    microscope = opened(file)
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(1.3e-7, 0.7e-7, LOOP))
    assert (spectrum.x, spectrum.y) == (X[3], Y[2])
    assert microscope.status().position == (X[3], Y[2])
    np.testing.assert_array_equal(spectrum.channel("piezoresponse"), 20300.0 + np.arange(64))


@pytest.mark.parametrize("order", ["xyb", "yxb", "bxy", "ybx"])
def test_the_axes_may_be_stored_in_any_order(tmp_path: Path, order: str) -> None:
    write_nsid(tmp_path / "map.h5", order)
    recording = read_recording(tmp_path / "map.h5")
    np.testing.assert_array_equal(recording.values, recorded_values())
    np.testing.assert_array_equal(recording.bias, BIAS)


@pytest.mark.parametrize(
    "how",
    [
        {"as_bytes": True},
        {"attached": False},
        {"dimension_types": False},
        {"position_unit": "um", "position_factor": 1e6},
        {"unit": None},
    ],
)
def test_files_may_be_written_in_different_ways(tmp_path: Path, how: dict[str, object]) -> None:
    write_nsid(tmp_path / "map.h5", **how)
    recording = read_recording(tmp_path / "map.h5")
    np.testing.assert_array_equal(recording.values, recorded_values())
    np.testing.assert_allclose(recording.x, X, rtol=1e-12)
    np.testing.assert_allclose(recording.y, Y, rtol=1e-12)
    assert recording.unit == "a.u."


def test_values_with_an_si_unit_are_turned_into_it(tmp_path: Path) -> None:
    write_nsid(tmp_path / "map.h5", unit="pm")
    recording = read_recording(tmp_path / "map.h5")
    assert recording.unit == "m"
    np.testing.assert_allclose(recording.values, recorded_values() * 1e-12)


def test_a_scan_shows_the_site_of_each_pixel_with_line_zero_at_the_lowest_y(file: Path) -> None:
    y, x = np.indices((11, 6))
    np.testing.assert_array_equal(image(opened(file), "first_point"), 10000.0 * y + 100.0 * x)


def test_a_turned_frame_shows_the_site_nearest_to_each_pixel(file: Path) -> None:
    frame = ScanFrame((1e-7, 2e-7), (1e-7, 1.2e-7), (20, 12), angle=0.5)
    lines = list(opened(file).scan(Scan(frame, ("first_point",))))
    x, y = frame.positions()
    expected = 10000.0 * np.round(y / 4e-8) + 100.0 * np.round(x / 4e-8)
    np.testing.assert_array_equal(np.stack([line.forward[0] for line in lines]), expected)
    np.testing.assert_array_equal(np.stack([line.backward[0] for line in lines]), expected)


def test_images_are_what_they_say_of_the_spectra(file: Path) -> None:
    microscope = opened(file, slice_bias="5.3 V")
    base = recorded_values()[:, :, 0]
    upper = np.flatnonzero(BIAS >= 0.8 * 8.5)
    lower = np.flatnonzero(BIAS <= -0.8 * 8.5)
    half = (np.median(upper) - np.median(lower)) / 2
    np.testing.assert_allclose(image(microscope, "mean_response"), base + 31.5)
    np.testing.assert_allclose(image(microscope, "saturation_amplitude"), half)
    np.testing.assert_array_equal(image(microscope, "response_at_bias"), base + 10)
    names = [channel.name for channel in microscope.capabilities.image_channels]
    assert names == ["mean_response", "first_point", "saturation_amplitude", "response_at_bias"]


def test_missing_values_stay_missing(tmp_path: Path) -> None:
    values = recorded_values()
    values[2, 3, :] = np.nan
    write_nsid(tmp_path / "map.h5", values=values)
    microscope = opened(tmp_path / "map.h5")
    for channel in ("mean_response", "first_point", "saturation_amplitude"):
        missing = np.isnan(image(microscope, channel))
        assert missing[2, 3]
        assert missing.sum() == 1
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(X[3], Y[2], LOOP))
    assert np.isnan(spectrum.data).all()


def test_what_was_given_out_cannot_change_the_recording(file: Path) -> None:
    microscope = opened(file)
    here = AcquireSpectrum(0.0, 0.0, LOOP)
    microscope.acquire_spectrum(here).data[:] = -1.0
    assert microscope.acquire_spectrum(here).data[0, 0] == 0.0


@pytest.mark.parametrize(
    ("waveform", "said"),
    [
        (BiasWaveform.triangle(8.5, points=32), "has 64 points, not 32"),
        (BiasWaveform.triangle(8.49, points=64), "point 16 of the recorded waveform is at 8.5 V"),
    ],
)
def test_a_waveform_that_was_not_recorded_is_refused(
    file: Path, waveform: BiasWaveform, said: str
) -> None:
    microscope = opened(file)
    before = microscope.status()
    with pytest.raises(Unsupported, match=said):
        microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
    assert microscope.status() == before


def test_a_waveform_within_a_millivolt_passes_and_the_recorded_bias_is_told(file: Path) -> None:
    waveform = BiasWaveform(tuple((BIAS * (1 - 1e-4)).tolist()), dwell=0.1, cycles=2)
    spectrum = opened(file).acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
    np.testing.assert_array_equal(spectrum.bias, BIAS)


def test_a_bias_beyond_the_recorded_ones_exceeds_the_limits(file: Path) -> None:
    with pytest.raises(LimitExceeded, match="bias of 9 V"):
        opened(file).acquire_spectrum(AcquireSpectrum(0.0, 0.0, BiasWaveform.triangle(9.0)))


def test_a_loop_takes_the_time_that_the_settings_say(file: Path) -> None:
    microscope = opened(file, loop_time="2.5 s")
    microscope.position_probe(PositionProbe(X[1], Y[1]))
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(X[1], Y[1], LOOP))
    assert spectrum.end_time - spectrum.start_time == pytest.approx(2.51)


def test_settings_out_of_range_are_refused(file: Path) -> None:
    with pytest.raises(RecipeError, match="loop_time: must be positive, got 0 s"):
        opened(file, loop_time="0 s")
    with pytest.raises(DataError, match=r"no bias near 12 V; it goes from -8\.5 V to 8\.5 V"):
        opened(file, slice_bias="12 V")


def test_a_file_that_is_missing_or_no_hdf5_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"nothing\.h5: there is no such file"):
        opened(tmp_path / "nothing.h5")
    (tmp_path / "text.h5").write_text("no measurement")
    with pytest.raises(DataError, match=r"text\.h5: this is no HDF5 file"):
        opened(tmp_path / "text.h5")
    with pytest.raises(DataError, match="there is no such file"):
        opened(tmp_path)


@pytest.mark.parametrize("kept", [0.3, 0.7, 0.95])
def test_a_truncated_file_is_refused(file: Path, kept: float) -> None:
    os.truncate(file, int(kept * file.stat().st_size))
    with pytest.raises(DataError, match=r"map\.h5: the file is damaged") as caught:
        opened(file)
    assert "\n" not in str(caught.value)


def test_a_file_without_a_map_of_spectra_is_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "image.h5", "w") as image_file:
        image_file["image"] = np.zeros((4, 4))
    with pytest.raises(DataError, match="no data set with two spatial axes and one spectral"):
        opened(tmp_path / "image.h5")


def test_the_map_can_be_named_and_must_be_when_there_are_two(file: Path, tmp_path: Path) -> None:
    write_nsid(tmp_path / "other.h5", values=recorded_values() + 0.5)
    with h5py.File(file, "a") as target, h5py.File(tmp_path / "other.h5") as source:
        source.copy("Channel_000", target, name="Channel_001")
    with pytest.raises(DataError, match="several maps of spectra; name one of /Channel_000/gen"):
        opened(file)
    second = opened(file, dataset="Channel_001/generic/generic")
    spectrum = second.acquire_spectrum(AcquireSpectrum(0.0, 0.0, LOOP))
    assert spectrum.data[0, 0] == 0.5
    with pytest.raises(DataError, match="there is no data set '/Channel_002'"):
        opened(file, dataset="Channel_002")
    with pytest.raises(DataError, match="/Channel_000/generic/X is no map of spectra"):
        opened(file, dataset="/Channel_000/generic/X")


def test_a_file_that_leads_to_other_files_is_refused(file: Path, tmp_path: Path) -> None:
    (tmp_path / "secret.bin").write_bytes(bytes(8 * 64))
    with h5py.File(tmp_path / "stored.h5", "w") as stored:
        stored.create_dataset(
            "a", shape=(64,), dtype="f8", external=[(tmp_path / "secret.bin", 0, 512)]
        )
    with pytest.raises(DataError, match="/a is stored in other files, which is refused"):
        opened(tmp_path / "stored.h5")
    with h5py.File(tmp_path / "linked.h5", "w") as linked:
        linked["map"] = h5py.ExternalLink(str(file), "/Channel_000/generic/generic")
    with pytest.raises(DataError, match="/map is a link to another file, which is refused"):
        opened(tmp_path / "linked.h5")


def test_scales_that_say_too_little_are_refused(tmp_path: Path) -> None:
    write_nsid(tmp_path / "map.h5", position_unit="")
    with pytest.raises(DataError, match="the scale X names no units; expected 'm'"):
        opened(tmp_path / "map.h5")
    write_nsid(tmp_path / "still.h5", position_factor=0.0)
    with pytest.raises(DataError, match="the scale X does not tell the sites apart"):
        opened(tmp_path / "still.h5")


def test_the_measured_map_gives_its_own_loops_and_knows_its_units(beps: Path) -> None:
    microscope = opened(beps)
    with h5py.File(beps) as measured:
        values = measured["Channel_000/generic/generic"][:]
        x = measured["Channel_000/generic/X"][:]
    spectrum = microscope.acquire_spectrum(AcquireSpectrum(x[7], x[31], LOOP))
    # stored as (X, Y, Voltage): column 7 and row 31 are [7, 31]
    np.testing.assert_array_equal(spectrum.data[0], values[7, 31])
    assert (spectrum.x, spectrum.y) == (x[7], x[31])
    assert microscope.capabilities.spectrum_channels[0].unit == "a.u."
    assert microscope.capabilities.position_accuracy == pytest.approx(2e-6 / 49 / 2**0.5)
