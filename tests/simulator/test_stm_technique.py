"""The tunnelling microscope: loop, lock-in, noise and tip around the sample's answers."""

import numpy as np
import pytest
from pydantic import ValidationError

from spm_auto.clock import InstantClock
from spm_auto.errors import LimitExceeded
from spm_auto.instrument import (
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
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.feedback import FeedbackSettings
from spm_auto.simulator.instrument import SimulatedMicroscope
from spm_auto.simulator.noise_sources import CurrentNoiseSettings, MechanicalNoiseSettings
from spm_auto.simulator.samples.stm import HopgSettings, SuperconductorSettings
from spm_auto.simulator.techniques.stm import StmSettings, StmTechnique, TipOverSample
from spm_auto.simulator.tips import TipLifeSettings, Twin

FLAT = HopgSettings.model_validate({"steps": 0, "vacancies": 0, "corrugation": "0 pm"})
STEP = HopgSettings.model_validate({"steps": 1, "vacancies": 0, "corrugation": "0 pm"})
QUIET = {
    "current_noise": CurrentNoiseSettings.none(),
    "mechanical_noise": MechanicalNoiseSettings.none(),
    "ideal_lock_in": True,
    "tip_life": TipLifeSettings.none(),
}


def microscope(sample=FLAT, level: int = 3, seed: int = 0, **technique) -> SimulatedMicroscope:
    """Open and load a microscope; at level 3 its scanner is perfect all the same."""
    from spm_auto.simulator.scanner import ScannerSettings

    settings = SimulatorSettings(
        sample=sample,
        technique=StmSettings().model_copy(update=technique),
        scanner=ScannerSettings.perfect(),
        level=level,
    )
    instrument = settings.open(InstantClock(), seed)
    instrument.load(Load())
    return instrument


def technique_of(instrument: SimulatedMicroscope) -> StmTechnique:
    technique = instrument._technique
    assert isinstance(technique, StmTechnique)
    return technique


def image(
    instrument: SimulatedMicroscope, size: float = 4e-9, pixels: int = 64, rate: float = 2.0
) -> np.ndarray:
    frame = ScanFrame(center=(0.0, 0.0), size=(size, size), pixels=(pixels, pixels))
    lines = list(instrument.scan(Scan(frame, line_rate=rate)))
    return np.stack([line.forward for line in lines], axis=1)


class TestStm(InstrumentContract):
    FRAME = ScanFrame(center=(0.0, 0.0), size=(2e-8, 1e-8), pixels=(16, 8))
    POINT = (5e-9, -3e-9)

    @pytest.fixture
    def fresh(self) -> Instrument:
        return SimulatorSettings(sample=STEP).open(InstantClock(), seed=1)


def test_noise_is_visible_in_the_height_and_in_the_current():
    height, current, didv = image(microscope(level=2))
    assert 1e-12 < np.std(height - height.mean(axis=1, keepdims=True)) < 8e-12
    assert 0.01 < np.std(current) / 100e-12 < 0.2
    assert 0.001 < np.std(didv) / didv.mean() < 0.2


def test_the_height_shows_slow_noise_and_the_current_fast_noise():
    height, current, _ = image(microscope(level=2), pixels=256, rate=1.0)
    slow, fast = (
        [np.mean(np.abs(np.fft.rfft(row))[part] ** 2) for row in channel]
        for channel in (height, current)
        for part in (slice(1, 8),)
    )
    rough = [np.mean(np.abs(np.fft.rfft(row))[64:] ** 2) for row in height]
    loud = [np.mean(np.abs(np.fft.rfft(row))[64:] ** 2) for row in current]
    assert np.mean(slow) / np.mean(rough) > 3 * np.mean(fast) / np.mean(loud)


def test_a_slow_loop_lags_and_leaves_an_error_in_the_current():
    sharp = image(microscope(STEP, **QUIET), size=20e-9)
    slow = image(microscope(STEP, feedback=FeedbackSettings(gain=30.0), **QUIET), size=20e-9)
    assert np.ptp(slow[1]) > 1.5 * np.ptp(sharp[1])


def test_the_same_seed_gives_the_same_image_and_another_one_does_not():
    assert np.array_equal(image(microscope(seed=3)), image(microscope(seed=3)))
    assert not np.array_equal(image(microscope(seed=3)), image(microscope(seed=4)))


def test_switching_off_the_shaking_leaves_the_noise_of_the_lock_in_as_it_was():
    def didv(**changed) -> np.ndarray:
        waveform = BiasWaveform.sweep("-0.1 V", "0.1 V", 21)
        instrument = microscope(**(QUIET | {"ideal_lock_in": False} | changed))
        return instrument.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform)).channel("didv")

    noise = CurrentNoiseSettings(flicker=0.0)
    loud = didv(current_noise=noise) - didv()
    tiny = MechanicalNoiseSettings.none().model_copy(update={"white": 1e-19})
    both = didv(current_noise=noise, mechanical_noise=tiny) - didv(mechanical_noise=tiny)
    assert both == pytest.approx(loud, rel=1e-3)


def test_a_spectrum_takes_eight_time_constants_at_each_point():
    instrument = microscope()
    spectrum = AcquireSpectrum(0.0, 0.0, BiasWaveform.sweep("-1 V", "1 V", 101))
    taken = instrument.acquire_spectrum(spectrum)
    assert taken.end_time - taken.start_time == pytest.approx(101 * 8 * 5e-3 + 0.31, abs=0.05)
    patient = BiasWaveform.sweep("-1 V", "1 V", 101, dwell="0.1 s")
    assert instrument.duration(AcquireSpectrum(0, 0, patient)) == pytest.approx(10.4, abs=0.1)


def test_a_longer_dwell_makes_a_spectrum_less_noisy():
    white = CurrentNoiseSettings(flicker=0.0)
    instrument = microscope(mechanical_noise=MechanicalNoiseSettings.none(), current_noise=white)

    def noise(dwell: str) -> float:
        waveform = BiasWaveform.sweep("49 mV", "51 mV", 200, dwell=dwell)
        found = instrument.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
        return float(np.std(np.diff(found.channel("current"))))

    assert noise("1 s") < 0.3 * noise("0.04 s")


def test_the_preamplifier_saturates_at_its_rail():
    instrument = microscope()
    waveform = BiasWaveform.sweep("0.1 V", "4 V", 40)
    spectrum = instrument.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
    assert spectrum.channel("current")[-1] == 10e-9
    assert spectrum.channel("didv")[-1] == 0.0
    assert technique_of(instrument).is_saturated


def test_the_loop_can_be_told_another_bias_setpoint_and_gain():
    instrument = microscope(level=0)
    before = image(instrument)
    instrument.set_feedback(SetFeedback(setpoint=1e-9))
    closer = image(instrument)
    assert np.all(closer[1] == 1e-9)
    expected = np.log(10) / technique_of(instrument).over_sample().decay
    assert before[0] - closer[0] == pytest.approx(expected, rel=1e-9)
    instrument.set_feedback(SetFeedback(bias=-0.2, gain=1000.0))
    held = technique_of(instrument).held
    assert (held.bias, held.setpoint, held.feedback.gain) == (-0.2, 1e-9, 1000.0)


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (SetFeedback(bias=0.0), "magnitude of the bias of 0 V is outside 0.0001 to 10 V"),
        (SetFeedback(setpoint=20e-9), "setpoint of 2e-08 A is outside 1e-12 to 5e-09 A"),
        (SetFeedback(setpoint=-1e-10), "setpoint of -1e-10 A"),
        (SetFeedback(gain=1e6), "gain of 1e"),
        (SetFeedback(bias=12.0), "bias of 12 V is outside -10 to 10 V"),
    ],
)
def test_a_loop_out_of_range_is_refused_and_stays_as_it_was(asked, said):
    instrument = microscope()
    before = technique_of(instrument).held
    with pytest.raises(LimitExceeded, match=said):
        instrument.set_feedback(asked)
    assert technique_of(instrument).held == before


def test_a_poke_leaves_a_pit_and_a_pulse_a_mound():
    instrument = microscope(**(QUIET | {"tip_life": TipLifeSettings()}))
    clean = image(instrument, size=40e-9)[0]
    tip = technique_of(instrument).snapshot().tip
    instrument.condition_tip(ConditionTip(x=-8e-9, y=0.0, depth=1e-9))
    instrument.condition_tip(ConditionTip(x=8e-9, y=0.0, bias=6.0))
    technique_of(instrument)._life.restore(tip)
    marked = image(instrument, size=40e-9)[0] - clean
    assert marked[32, 19] < -0.5e-9
    assert marked[32, 44] > 0.3e-9


def test_a_step_run_into_at_full_speed_hurts_tip_and_surface():
    instrument = microscope(STEP, feedback=FeedbackSettings(gain=20.0), setpoint=1e-9)
    image(instrument, size=40e-9, rate=20.0)
    technique = technique_of(instrument)
    assert "crash" in {event.kind for event in technique.tip_history}
    assert technique._sample.dents
    gentle = microscope(STEP)
    image(gentle, size=40e-9, rate=0.5)
    assert not technique_of(gentle)._sample.dents


def test_a_tip_change_divides_an_image_into_blocks():
    instrument = microscope(**(QUIET | {"tip_life": TipLifeSettings(change_time="10 s")}))
    technique = technique_of(instrument)
    origin = np.zeros(1)
    first = technique.over_sample().topography(origin, origin)[0]
    levels = np.median(image(instrument)[0], axis=1)
    last = technique.over_sample().topography(origin, origin)[0]
    assert technique.tip_history
    assert np.ptp(levels) > 20e-12
    assert levels[[0, -1]] == pytest.approx(np.concatenate([first, last]), abs=1e-12)


def test_a_twin_tip_shows_everything_twice():
    settings = SuperconductorSettings.model_validate(
        {"corrugation": "0 pm", "field": "0 T", "gap_spread": 0.0}
    )
    instrument = microscope(settings, level=0)
    technique = technique_of(instrument)
    sample = technique._sample
    single = technique.over_sample()
    twin = TipOverSample(single.view, single.setpoint, twin=Twin(2e-9, 0.0, 10e-12))
    x, y = sample.adatom_x[:1], sample.adatom_y[:1]
    ghost, beside = x - 2e-9, x - 6e-9
    heights = [float(twin.topography(at, y)[0][0]) for at in (x, ghost, beside)]
    assert heights[0] - heights[2] > 80e-12
    assert heights[1] - heights[2] > 70e-12
    assert float((single.topography(ghost, y)[0] - single.topography(beside, y)[0])[0]) < 5e-12
    bias = np.array([-5e-3, 10e-3])
    current, conductance = twin.spectra(ghost, y, bias)
    assert current[0, 1] == pytest.approx(100e-12, rel=1e-9)
    assert conductance[0, 1] == pytest.approx(twin.topography(ghost, y)[1][0], rel=1e-9)


def test_a_fast_scan_smears_what_the_lock_in_shows():
    vacancies = HopgSettings.model_validate({"steps": 0, "corrugation": "0 pm", "vacancies": 40})
    without_noise = {
        name: QUIET[name] for name in ("current_noise", "mechanical_noise", "tip_life")
    }

    def contrast(rate: float) -> float:
        instrument = microscope(vacancies, bias=0.02, **without_noise)
        return float(np.std(image(instrument, size=40e-9, rate=rate)[2]))

    assert contrast(20.0) < 0.7 * contrast(0.2)


def test_a_snapshot_brings_back_tip_loop_and_surface():
    instrument = microscope()
    before = instrument._snapshot()
    first = image(instrument)
    instrument.condition_tip(ConditionTip(x=0.0, y=0.0, depth=1e-9))
    instrument.set_feedback(SetFeedback(bias=0.5))
    assert not np.array_equal(image(instrument), first)
    instrument._restore(before)
    assert np.array_equal(image(instrument), first)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"bias": "0 V"}, "bias must lie within 10 V and not be 0 V, got 0 V"),
        ({"bias": "20 V"}, "got 20 V"),
        ({"setpoint": "0 A"}, "must be positive, got 0 A"),
        ({"setpoint": "20 nA"}, "setpoint, rail and crash_current must rise, got 20 nA"),
        ({"blur": "-1 nm"}, "must not be negative, got -1 nm"),
        ({"temperature": "0 K"}, "must be positive, got 0 K"),
    ],
)
def test_impossible_settings_are_refused(table, said):
    with pytest.raises(ValidationError, match=said):
        StmSettings.model_validate(table)


def test_it_is_found_by_name_for_its_samples():
    settings = SimulatorSettings.model_validate(
        {"kind": "simulator", "sample": {"kind": "superconductor"}}
    )
    assert isinstance(settings.complete_technique(), StmSettings)
    with pytest.raises(ValidationError, match="cannot measure the sample"):
        SimulatorSettings.model_validate({"sample": {"kind": "hopg"}, "technique": {"kind": "pfm"}})
