"""The piezoresponse technique: lock-in, band excitation, cantilever and a tip that changes."""

import numpy as np
import pytest

from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    FloatArray,
    Load,
    Scan,
    ScanFrame,
)
from spm_auto.simulator import (
    FerroelectricFilmSettings,
    LamellarFilmSettings,
    PfmSettings,
    SimulatorSettings,
    simulate,
)
from spm_auto.simulator.samples import Contact
from spm_auto.simulator.techniques.pfm import (
    Band,
    BandExcitationReadout,
    CantileverSettings,
    LockIn,
    PfmNoise,
    PfmTechnique,
)

FILM = FerroelectricFilmSettings.model_validate({"size": "1 um", "cells": 128})
LOOP = BiasWaveform.triangle(8.5, points=64)
FRAME = ScanFrame((0.0, 0.0), (1e-6, 1e-6), (64, 64))
LEVER = CantileverSettings()
USUAL = Contact(stiffness=120.0, transmission=0.0)
BAND = Band(LEVER.contact_resonance(120.0))


def noise(**amounts: object) -> PfmNoise:
    return PfmNoise.none().model_copy(update=amounts)


def readout(**amounts: object) -> BandExcitationReadout:
    return BandExcitationReadout(1.0, BAND, LEVER, noise(**amounts))


def answer() -> FloatArray:
    return 60e-12 * np.sin(np.linspace(0, 2 * np.pi, 64))[np.newaxis]


def test_without_noise_a_loop_is_the_answer_to_the_last_bit() -> None:
    loop = readout().read(answer(), USUAL, LOOP, np.random.default_rng(0))
    np.testing.assert_array_equal(loop.piezoresponse, answer()[0])
    assert np.all(loop.resonance == BAND.center)


def test_noise_of_the_band_becomes_scatter_of_the_loop() -> None:
    def scatter(amount: float, dwell: float = 8e-3) -> float:
        waveform = BiasWaveform(LOOP.values, dwell)
        loops = [
            readout(band=amount).read(answer(), USUAL, waveform, np.random.default_rng(k))
            for k in range(10)
        ]
        return float(np.std([loop.piezoresponse - answer()[0] for loop in loops]))

    assert scatter(2e-11) == pytest.approx(2 * scatter(1e-11), rel=0.15)
    assert scatter(2e-11, 32e-3) == pytest.approx(scatter(1e-11), rel=0.15)


def test_the_raw_band_is_what_the_loop_was_fitted_to() -> None:
    reading = readout(band=2e-11)
    raw = reading.raw(answer(), USUAL, LOOP, np.random.default_rng(3))
    loop = reading.read(answer(), USUAL, LOOP, np.random.default_rng(3))
    assert raw.shape == (64, BAND.bins)
    np.testing.assert_array_equal(BAND.fit(raw).response.real, loop.piezoresponse)


def test_fits_fail_where_the_resonance_leaves_the_band() -> None:
    def gross(stiffness: float) -> float:
        contact = Contact(stiffness, 0.0)
        reading = readout(band=1e-11, failures=True)
        rng = np.random.default_rng(0)
        even = np.full((1, 64), 60e-12)
        loops = [reading.read(even, contact, LOOP, rng).piezoresponse for _ in range(50)]
        return float(np.mean(np.abs(loops) > 4 * 60e-12))

    soft = 40.0
    assert abs(LEVER.contact_resonance(soft) - BAND.center) > 31e3
    assert gross(120.0) < 0.005
    assert gross(soft) > 0.1


def test_a_contact_that_turns_the_phase_turns_the_loop_over() -> None:
    odd = Contact(120.0, 0.0, turn=2.0)
    loop = readout(failures=True, band=1e-12).read(answer(), odd, LOOP, np.random.default_rng(0))
    assert np.corrcoef(loop.piezoresponse, answer()[0])[0, 1] < -0.9


def test_the_fitted_resonance_can_be_shown() -> None:
    settings = SimulatorSettings(sample=FILM, technique=PfmSettings(fit_channels=True), level=1)
    microscope, truth = simulate(settings, 1)
    microscope.load(Load())
    data = microscope.acquire_spectrum(AcquireSpectrum(1e-7, 2e-7, LOOP)).data
    names = [channel.name for channel in microscope.capabilities.spectrum_channels]
    assert names == ["piezoresponse", "resonance", "quality"]
    expected = LEVER.contact_resonance(truth.sample.contact(1e-7, 2e-7).stiffness)
    assert np.median(data[1]) == pytest.approx(expected, rel=1e-3)
    assert np.median(data[2]) == pytest.approx(60, rel=0.1)


def test_a_film_with_lamellae_has_lateral_channels_that_the_cantilever_chooses() -> None:
    film = LamellarFilmSettings.model_validate({"size": "1 um", "cells": 128})
    images = []
    for twist in ("0 deg", "90 deg"):
        technique = PfmSettings.model_validate({"twist": twist})
        microscope, truth = simulate(
            SimulatorSettings(sample=film, technique=technique, level=0), 1
        )
        microscope.load(Load())
        lines = list(microscope.scan(Scan(FRAME, ("lateral_amplitude",))))
        images.append(np.stack([line.forward[0] for line in lines]))
    x, y = np.meshgrid(*(FRAME.line_positions(0)[0],) * 2)
    sideways = truth.sample.view(truth.technique.tip).at(x, y).lateral
    np.testing.assert_allclose(images[0], np.abs(sideways[0]), rtol=1e-6, atol=1e-20)
    np.testing.assert_allclose(images[1], np.abs(sideways[1]), rtol=1e-6, atol=1e-17)


def test_a_lock_in_with_a_bad_tip_reads_less_and_turned() -> None:
    response = np.array([50e-12, -50e-12])
    bad = LockIn(2.0, PfmNoise.none(), gain=0.4, phase=np.radians(30))
    amplitude, phase = bad.read(response, 1e-3, np.random.default_rng(0))
    np.testing.assert_allclose(amplitude, 40e-12)
    np.testing.assert_allclose(np.degrees(phase), [30, 210])


def scanned(change_at: int | None) -> tuple[FloatArray, PfmTechnique]:
    settings = SimulatorSettings(sample=FILM, level=1)
    microscope, truth = simulate(settings, 2)
    microscope.load(Load())
    technique = truth.technique
    assert isinstance(technique, PfmTechnique)
    often = {"change_time": "1 ms", "spread": 0.4, "lowest_gain": 0.3, "highest_gain": 0.5}
    life = type(technique._settings.tip_life).model_validate(often)
    lines = []
    for line in microscope.scan(Scan(FRAME, ("amplitude",))):
        lines.append(line.forward[0])
        if line.index == change_at:
            technique._life._settings = life  # the next line is sure to change the tip
        elif change_at is not None and line.index == change_at + 1:
            technique._life._settings = settings.complete_technique().tip_life
    return np.stack(lines), technique


def test_a_tip_that_changes_changes_the_rest_of_the_image() -> None:
    image, technique = scanned(30)
    usual, _ = scanned(None)
    np.testing.assert_array_equal(image[:32], usual[:32])
    ratio = np.median(image[32:]) / np.median(usual[32:])
    assert ratio < 0.6
    assert [event.kind for event in technique.tip_history] == ["change"]
    assert technique.tip.radius != 25e-9


def test_a_tip_can_be_taken_back() -> None:
    microscope, truth = simulate(SimulatorSettings(sample=FILM, level=3), 2)
    microscope.load(Load())
    before = truth.snapshot()
    first = [line.forward for line in microscope.scan(Scan(FRAME))]
    truth.technique._life.change(np.random.default_rng(0), 0.0)
    truth.restore(before)
    again = [line.forward for line in microscope.scan(Scan(FRAME))]
    np.testing.assert_array_equal(np.stack(first), np.stack(again))


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"cantilever": {"quality": -1.0}}, "quality\n.*must be positive, got -1"),
        ({"cantilever": {"stiffness": "0 N/m"}}, "must be positive, got 0 N/m"),
        ({"tip": {"radius": "0 nm"}}, "must be positive, got 0 m"),
        ({"noise": {"band": "-1 pm"}}, "must not be negative, got -1 pm"),
        ({"twist": "270 deg"}, "must lie within"),
    ],
)
def test_what_cannot_be_is_refused(table: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        PfmSettings.model_validate(table)
