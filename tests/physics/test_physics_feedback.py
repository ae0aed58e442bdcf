"""Validation of the z feedback: lag, critical gain, and the loop against its closed form."""

from math import exp, pi

import numpy as np
import pytest

from spm_auto.simulator.feedback import (
    Control,
    Current,
    Deflection,
    FeedbackSettings,
    ZLoop,
    critical_gain,
    filtered,
)

CONTROL = Control(steps=1, step_time=1 / 40e3)


def staircase() -> np.ndarray:
    """Give 4 s over a terraced, corrugated metal: steps of 235 pm up and down."""
    t = np.arange(160_000) / 40e3
    x = 20e-9 * np.abs((4 * t) % 2 - 1)
    terraces = 235e-12 * 0.5 * (1 + np.tanh((x - 12e-9) / 0.15e-9))
    return np.asarray(terraces + 10e-12 * np.cos(2 * pi * x / 0.25e-9))


def test_on_a_ramp_the_tip_lags_by_speed_over_gain(validation):
    speed = 20e-9
    loop = ZLoop(FeedbackSettings(gain=600.0), Deflection())
    z_eq = speed * np.arange(4000) * 0.25e-3
    line = loop.line(z_eq, Control(steps=10, step_time=25e-6))
    lag = float((z_eq - line.z)[-100] / speed)
    source = "integral control: e = v / Ki"
    validation.close(
        30, "lag of the tip on a ramp", lag * 1e3, 1e3 / 600, source, relative=1e-3, unit="ms"
    )


def test_without_amplifier_the_critical_gain_is_that_of_the_resonance(validation):
    settings = FeedbackSettings(bandwidth=None, control_rate="100 kHz")
    reference = 2 * pi * settings.resonance / settings.quality
    source = "Ki = wz / Qz, continuous control; here 25 steps per period"
    found = critical_gain(settings)
    validation.close(30, "critical gain", found, reference, source, relative=0.02, unit="1/s")


def test_the_amplifier_moves_the_critical_gain_as_routh_and_hurwitz_say(validation):
    settings = FeedbackSettings(control_rate="4 MHz")
    wz, wa = 2 * pi * settings.resonance, 2 * pi * 2e3
    damping = wz / settings.quality
    a3, a2, a1 = damping + wa, wz**2 + damping * wa, wz**2 * wa
    reference = (a3 * a2 - a1) / a3**2
    found = critical_gain(settings)
    source = "Routh-Hurwitz of the quartic, continuous control; here 1000 steps per period"
    validation.close(
        30, "critical gain, 2 kHz amplifier", found, reference, source, relative=0.02, unit="1/s"
    )


@pytest.mark.parametrize("bandwidth", [None, "2 kHz"])
def test_the_ringing_grows_above_the_critical_gain_and_dies_below(validation, bandwidth):
    settings = FeedbackSettings(bandwidth=bandwidth)
    critical = critical_gain(settings)

    def growth(share: float) -> float:
        set_up = settings.model_copy(update={"gain": share * critical})
        loop = ZLoop(set_up, Deflection())
        line = loop.line(np.where(np.arange(8000) < 10, 0.0, 1e-12), CONTROL)
        error = np.abs(line.signal)
        return float(error[6000:].max() / error[2000:4000].max())

    below, above = growth(0.99), growth(1.01)
    validation.holds(
        30,
        "ringing at 0.99 and 1.01 of the critical gain" + (", amplifier" if bandwidth else ""),
        below < 1 < above,
        measured=f"x{below:.3g} and x{above:.3g} in 0.1 s at {critical:.0f} 1/s",
        reference="dies, grows",
        source="poles of the closed loop",
    )


@pytest.mark.parametrize("gain", [60.0, 600.0, 1500.0])
def test_the_linear_filter_is_the_sequential_loop_of_the_logarithm(validation, gain):
    settings = FeedbackSettings(gain=gain)
    z_eq = staircase()
    full = ZLoop(settings, Current(100e-12), exact_current=True).line(z_eq, CONTROL)
    off = full.z - filtered(z_eq, settings, CONTROL)
    rms = 1e12 * float(np.sqrt(np.mean(off**2)))
    source = "scipy.signal.lfilter beside the loop with exponential, amplifier and logarithm"
    validation.close(
        31, f"filter less sequential loop, Ki {gain:g}", rms, 0.0, source, absolute=0.1, unit="pm"
    )


def test_the_linear_filter_is_the_stepwise_loop_to_rounding(validation):
    settings = FeedbackSettings(proportional=0.02)
    z_eq = staircase()
    stepwise = ZLoop(settings, Current(100e-12)).line(z_eq, CONTROL)
    worst = 1e12 * float(np.max(np.abs(stepwise.z - filtered(z_eq, settings, CONTROL))))
    validation.close(
        31, "filter less stepwise loop", worst, 0.0, "scipy.signal.lfilter", absolute=1e-6,
        unit="pm",
    )  # fmt: skip


def test_a_step_is_followed_as_a_first_order_loop_does(validation):
    settings = FeedbackSettings(
        gain=600.0, bandwidth=None, resonance="40 kHz", control_rate="400 kHz"
    )
    control = Control(steps=1, step_time=1 / 400e3)
    z_eq = np.where(np.arange(8000) < 1, 0.0, 1e-10)
    z = ZLoop(settings, Deflection()).line(z_eq, control).z
    reached = int(np.argmax(z > 1e-10 * (1 - exp(-1)))) / 400e3
    source = "1 - exp(-Ki t), piezo and amplifier fast"
    validation.close(
        30, "time to 63 % of a step", reached * 1e3, 1e3 / 600, source, relative=0.02, unit="ms"
    )
