"""The AFM: without artefacts it shows the sample itself; each artefact does what it promises."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.clock import InstantClock
from spm_auto.errors import InstrumentError, LimitExceeded
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instrument,
    Load,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.instrument.contract import InstrumentContract
from spm_auto.lab import read_lab
from spm_auto.simulator import SimulatorSettings, simulate
from spm_auto.simulator.forces import (
    base_at,
    contact_law,
    fit_force_curve,
    force_curve,
    reduced_modulus,
)
from spm_auto.simulator.samples.afm import (
    ConductingGrainsSettings,
    PolymerBlendSettings,
    StiffInclusionsSettings,
)
from spm_auto.simulator.samples.afm.surface import middles
from spm_auto.simulator.techniques.afm import AfmSettings

BLEND = PolymerBlendSettings(cells=192)
INCLUSIONS = StiffInclusionsSettings(cells=256)
GRAINS = ConductingGrainsSettings(cells=192)
FRAME = ScanFrame(center=(0.1e-6, -0.2e-6), size=(1.5e-6, 0.75e-6), pixels=(64, 32))
CURVE = AcquireForceCurve(0.2e-6, 0.1e-6, trigger=100e-9, distance=60e-9)


def opened(sample, technique=None, level=3, seed=0):
    settings = SimulatorSettings(sample=sample, technique=technique or AfmSettings(), level=level)
    microscope, truth = simulate(settings, seed=seed)
    microscope.load(Load())
    return microscope, truth


def images(microscope, frame=FRAME, rate=1.0):
    lines = list(microscope.scan(Scan(frame, line_rate=rate)))
    names = [channel.name for channel in microscope.capabilities.image_channels]
    forward = np.stack([line.forward for line in lines], axis=1)
    backward = np.stack([line.backward for line in lines], axis=1)
    return dict(zip(names, forward, strict=True)), dict(zip(names, backward, strict=True))


def pixels(frame=FRAME):
    line, pixel = np.meshgrid(np.arange(frame.pixels[1]), np.arange(frame.pixels[0]), indexing="ij")
    return frame.to_sample(line, pixel)


class TestTapping(InstrumentContract):
    @pytest.fixture
    def fresh(self) -> Instrument:
        return SimulatorSettings(sample=BLEND).open(InstantClock(), seed=1)


class TestContact(InstrumentContract):
    @pytest.fixture
    def fresh(self) -> Instrument:
        technique = AfmSettings(mode="contact")
        settings = SimulatorSettings(sample=GRAINS, technique=technique)
        return settings.open(InstantClock(), seed=1)


@pytest.mark.parametrize("mode", ["tapping", "contact"])
def test_a_perfect_instrument_shows_the_height_of_the_sample_to_the_last_bit(mode):
    microscope, truth = opened(BLEND, AfmSettings(mode=mode), level=0)
    forward, backward = images(microscope)
    expected = truth.sample.surface("height").at(*pixels())
    np.testing.assert_array_equal(forward["height"], expected)
    np.testing.assert_array_equal(backward["height"], expected)


def test_a_perfect_kelvin_probe_shows_the_contact_potential_to_the_last_bit():
    microscope, truth = opened(BLEND, level=0)
    forward, _ = images(microscope)
    expected = truth.sample.surface("potential").at(*pixels())
    np.testing.assert_array_equal(forward["potential"], expected)


def test_a_perfect_force_curve_is_the_physics_to_the_last_bit():
    microscope, truth = opened(INCLUSIONS, level=0)
    measured = microscope.acquire_force_curve(CURVE)
    probe = AfmSettings().complete_probe()
    place = truth.sample.at(CURVE.x, CURVE.y)
    law = contact_law(probe.radius, reduced_modulus(place.modulus, probe.modulus), place.adhesion)
    extension = np.linspace(0.0, CURVE.distance, CURVE.points)
    base = base_at(law, probe.stiffness, CURVE.trigger) + CURVE.distance - extension
    approach, retract = force_curve(law, probe.stiffness, base)
    np.testing.assert_array_equal(measured.approach[0], approach)
    np.testing.assert_array_equal(measured.retract[0], retract)


@pytest.mark.parametrize("level", [0, 3])
def test_the_same_seed_gives_the_same_bits_and_another_seed_other_noise(level):
    first, again, other = (
        images(opened(BLEND, level=level, seed=seed)[0])[0] for seed in (0, 0, 5)
    )
    for name, image in first.items():
        np.testing.assert_array_equal(image, again[name])
    assert not np.array_equal(first["height"], other["height"])


def test_what_follows_a_snapshot_follows_again_after_restoring_it():
    microscope, truth = opened(GRAINS, AfmSettings(mode="contact"))
    images(microscope)
    snapshot = truth.snapshot()
    first = images(microscope)[0]["height"], microscope.acquire_force_curve(CURVE).approach
    microscope.set_feedback(SetFeedback(setpoint=50e-9))
    truth.sample.dent(0.0, 0.0, 20e-9, 100e-9)
    images(microscope)
    truth.restore(snapshot)
    again = images(microscope)[0]["height"], microscope.acquire_force_curve(CURVE).approach
    for a, b in zip(first, again, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_blunt_tip_shows_no_place_lower_and_inclusions_wider():
    usual = AfmSettings()
    blunt = usual.complete_probe().model_copy(update={"radius": 60e-9})
    cells = middles(INCLUSIONS.size, INCLUSIONS.cells)
    x, y = np.meshgrid(cells, cells)
    sharp, wide = (
        opened(INCLUSIONS, technique)[1].technique._touch().topography.at(x, y)
        for technique in (usual, usual.model_copy(update={"probe": blunt}))
    )
    assert np.all(wide > sharp - 1e-15)
    assert np.mean(wide > 10e-9) > 1.15 * np.mean(sharp > 10e-9)


def test_soft_domains_look_lower_than_they_are_because_the_tip_sinks_in():
    _, truth = opened(BLEND, AfmSettings(is_sharp=True))
    x, y = pixels()
    found = truth.technique._contrast().at(x, y)["height"]
    sunk = truth.sample.surface("height").at(x, y) - found
    is_soft = truth.sample.surface("modulus").at(x, y) < 0.4e9
    assert np.median(sunk[is_soft]) > 3e-9 > np.median(sunk[~is_soft]) > 0.5e-9


def test_soft_viscous_domains_have_the_larger_phase():
    forward, _ = images(opened(BLEND, level=1)[0])
    _, truth = opened(BLEND, level=1)
    is_soft = truth.sample.surface("modulus").at(*pixels()) < 0.4e9
    difference = forward["phase"][is_soft].mean() - forward["phase"][~is_soft].mean()
    assert math.radians(5) < difference < math.radians(40)


def test_decoys_look_like_inclusions_in_phase_and_pull_off_but_not_in_modulus():
    _, truth = opened(INCLUSIONS, level=0)
    phase, pull_off, modulus = {}, {}, {}
    for is_stiff in (True, False):
        spots = [spot for spot in truth.sample.spots if spot.is_stiff == is_stiff]
        where = (np.array([getattr(spot, axis) for spot in spots]) for axis in ("x", "y"))
        x, y = where
        phase[is_stiff] = truth.technique._contrast().at(x, y)["phase"]
        law = truth.technique._touch().law(x, y)
        pull_off[is_stiff], modulus[is_stiff] = law.pull_off, law.modulus
    matrix = truth.technique._contrast().at(*pixels())["phase"]
    apart = np.median(phase[False]) - np.median(phase[True])
    assert abs(apart) < 0.5 * (np.median(matrix) - np.median(phase[True]))
    assert np.median(pull_off[False]) == pytest.approx(np.median(pull_off[True]), rel=0.15)
    assert np.median(modulus[True]) > 20 * np.median(modulus[False])


def test_the_top_of_a_spectrum_is_the_potential_that_the_image_shows():
    microscope, _ = opened(BLEND, level=0)
    x, y = FRAME.to_sample(7, 20)
    spectrum = AcquireSpectrum(float(x), float(y), BiasWaveform.sweep(-2.0, 2.0, 41))
    measured = microscope.acquire_spectrum(spectrum)
    fitted = np.polynomial.Polynomial.fit(measured.bias, measured.data[0], 2).convert().coef
    top = -fitted[1] / (2 * fitted[2])
    assert top == pytest.approx(images(microscope)[0]["potential"][7, 20], abs=1e-9)
    assert fitted[2] < 0


def test_the_deflection_in_contact_is_least_where_bias_meets_the_potential():
    microscope, truth = opened(GRAINS, AfmSettings(mode="contact"), level=0)
    measured = microscope.acquire_spectrum(
        AcquireSpectrum(0.1e-6, 0.1e-6, BiasWaveform.sweep(-1.0, 1.0, 2001))
    )
    top = measured.bias[np.argmax(measured.channel("deflection"))]
    assert top == pytest.approx(truth.sample.at(0.1e-6, 0.1e-6).potential, abs=1e-3)


def test_walls_carry_most_of_the_current():
    microscope, truth = opened(GRAINS, AfmSettings(mode="contact"), level=1)
    current = images(microscope)[0]["current"]
    conductivity = truth.sample.surface("conductivity").at(*pixels())
    is_wall = conductivity > 1e-3
    assert current[is_wall].mean() > 10 * current[~is_wall].mean() > 0


def test_more_bias_and_more_load_drive_more_current():
    microscope, _ = opened(GRAINS, AfmSettings(mode="contact"), level=0)
    before = images(microscope)[0]["current"].mean()
    microscope.set_feedback(SetFeedback(bias=4.0))
    biased = images(microscope)[0]["current"].mean()
    microscope.set_feedback(SetFeedback(setpoint=80e-9))
    pressed = images(microscope)[0]["current"].mean()
    assert biased > 4 * before
    assert pressed == pytest.approx(biased * 4 ** (2 / 3), rel=0.25)


def test_fast_scans_parachute_downhill_and_both_ways_differ():
    slow, fast = (
        images(opened(INCLUSIONS, AfmSettings(), level=2)[0], rate=rate) for rate in (0.3, 10.0)
    )
    apart = [np.std(there["height"] - back["height"]) for there, back in (slow, fast)]
    assert apart[1] > 4 * apart[0]
    amplitude = fast[0]["amplitude"]
    assert amplitude.max() == pytest.approx(40e-9, rel=0.02)
    assert amplitude.min() < 20e-9


def test_a_lazy_loop_shows_more_error_than_a_busy_one():
    microscope, _ = opened(INCLUSIONS, level=2)
    errors = []
    for gain in (50.0, 800.0):
        microscope.set_feedback(SetFeedback(gain=gain))
        errors.append(np.std(images(microscope)[0]["amplitude"]))
    assert errors[0] > 3 * errors[1]


@pytest.mark.parametrize(
    ("mode", "wrong", "message"),
    [
        ("tapping", SetFeedback(setpoint=41e-9), "set-point amplitude of 4.1e-08 m"),
        ("tapping", SetFeedback(gain=2e5), "gain of 200000 1/s"),
        ("contact", SetFeedback(setpoint=1e-3), "set-point of 0.001 N"),
    ],
)
def test_a_feedback_out_of_range_is_refused_and_nothing_changes(mode, wrong, message):
    _, truth = opened(BLEND, AfmSettings(mode=mode), level=0)
    before = truth.technique.held
    with pytest.raises(LimitExceeded, match=message):
        truth.technique.set_feedback(wrong)
    assert truth.technique.held == before


def test_a_trigger_beyond_the_detector_is_refused():
    microscope, _ = opened(BLEND, AfmSettings(mode="contact", probe="soft_contact"))
    with pytest.raises(LimitExceeded, match="trigger of 1e-06 N is outside 0 to 4e-07 N"):
        microscope.acquire_force_curve(replace(CURVE, trigger=1e-6))


def test_force_curves_with_noise_still_rank_the_inclusions():
    microscope, truth = opened(StiffInclusionsSettings(), level=1)
    probe = AfmSettings().complete_probe()
    for spot in truth.sample.spots[:3] + truth.sample.spots[-3:]:
        curve = microscope.acquire_force_curve(
            AcquireForceCurve(spot.x, spot.y, trigger=300e-9, distance=80e-9)
        )
        found = fit_force_curve(
            curve.extension, curve.approach[0], curve.retract[0], probe.stiffness, probe.radius
        )
        place = truth.sample.at(spot.x, spot.y)
        expected = float(reduced_modulus(place.modulus, probe.modulus))
        assert found.modulus == pytest.approx(expected, rel=0.1)


def test_contact_wears_the_tip_in_proportion_to_way_and_load():
    life = AfmSettings().tip_life.model_copy(update={"change_time": None})
    wear = []
    for load in (10e-9, 40e-9):
        technique = AfmSettings(mode="contact", tip_life=life).model_copy(update={"load": load})
        microscope, truth = opened(GRAINS, technique)
        images(microscope)
        wear.append(truth.technique.tip.tip.radius - 25e-9)
    assert wear[1] == pytest.approx(4 * wear[0], rel=0.05)
    assert wear[0] > 0


def test_a_changed_tip_changes_the_image_from_there_on_and_for_good():
    life = AfmSettings().tip_life.model_copy(update={"change_time": 10.0, "twin": 1.0})
    microscope, truth = opened(INCLUSIONS, AfmSettings(tip_life=life))
    before = truth.technique._touch().topography.coefficients
    images(microscope)
    assert len(truth.technique.tip.history) >= 1
    assert truth.technique.tip.tip.twin is not None
    after = truth.technique._touch().topography.coefficients
    assert not np.array_equal(before, after)


def test_running_into_the_sample_hurts_both():
    technique = AfmSettings(mode="contact", probe="contact_conducting").model_copy(
        update={"crash": 20e-9}
    )
    microscope, truth = opened(INCLUSIONS, technique)
    before = truth.sample.fields.height
    images(microscope, rate=20.0)
    assert any(event.kind == "crash" for event in truth.technique.tip.history)
    assert (truth.sample.fields.height < before).any()


def test_a_poke_can_make_another_tip_and_leaves_a_pit():
    microscope, truth = opened(BLEND)
    before = truth.sample.fields.height
    microscope.condition_tip(ConditionTip(0.0, 0.0, depth=12e-9))
    assert truth.technique.tip.history[-1].kind == "poke"
    changed = truth.sample.fields.height - before
    assert changed.min() == pytest.approx(-12e-9, rel=0.1)


def test_a_sample_too_soft_for_the_amplitude_is_refused_by_the_scan():
    gel = BLEND.model_validate(
        {"matrix": {"modulus": "1 kPa", "adhesion": "0 J/m2"}, "domains": {"modulus": "1 kPa"}}
    )
    microscope, _ = opened(gel, level=0)
    with pytest.raises(InstrumentError, match="too soft"):
        images(microscope)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"probe": {"stiffness": "1 N/m", "resonance": "1 kHz", "quality": -3.0, "radius": "8 nm"}},
         "quality"),
        ({"probe": {"stiffness": "1 N/m", "resonance": "1 kHz", "quality": 3.0, "radius": "0 nm"}},
         "must be positive, got 0 m"),
        ({"amplitude": "50 nm"}, "amplitude must be below free_amplitude, 40 nm, got 50 nm"),
        ({"bias": "12 V"}, "bias must lie within bias_limit, 10 V, got 12 V"),
        ({"load": "-1 nN"}, "must be positive, got -1 nN"),
        ({"kelvin": {"contrast": 1.5}}, "must lie between 0 and 1, got 1.5"),
    ],
)  # fmt: skip
def test_an_impossible_instrument_is_refused(wrong, message):
    with pytest.raises(ValidationError, match=message):
        AfmSettings.model_validate(wrong)


def test_the_example_laboratory_opens_an_afm():
    lab, _ = read_lab(Path(__file__).parents[2] / "examples" / "lab_afm.toml")
    microscope = lab.instrument.open(InstantClock(), seed=0)
    assert microscope.capabilities.name == "simulated stiff inclusions"
    assert AcquireForceCurve in microscope.capabilities.instructions
