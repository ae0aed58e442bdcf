"""What no microscope could do is refused: with a unit, a limit, and before anything moves."""

from typing import Any

import pytest

from spm_auto.clock import InstantClock
from spm_auto.errors import InstrumentError, LimitExceeded, RecipeError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    GuardedInstrument,
    Instruction,
    Load,
    SetFeedback,
)
from spm_auto.settings import validate
from spm_auto.simulator import SimulatorSettings

STM = {"sample": {"kind": "hopg", "vacancies": 0, "steps": 0}, "technique": {"kind": "stm"}}
CONTACT = {
    "sample": {"kind": "conducting_grains", "cells": 64},
    "technique": {"kind": "afm", "mode": "contact"},
}
TAPPING = {"sample": {"kind": "polymer_blend", "cells": 64}, "technique": {"kind": "afm"}}


class HalfwayClock(InstantClock):
    """A clock that asks a question in the middle of each longer wait."""

    def __init__(self, question: Any) -> None:
        super().__init__()
        self.question = question

    def wait(self, duration: float, stop: Any = None) -> bool:
        super().wait(duration / 2, stop)
        self.question()
        return super().wait(duration / 2, stop)


def settings(table: dict[str, Any]) -> SimulatorSettings:
    return validate(SimulatorSettings, {"kind": "simulator", **table}, "lab.toml")


def opened(table: dict[str, Any]) -> GuardedInstrument:
    instrument = GuardedInstrument(settings(table).open(InstantClock(), seed=1))
    instrument.load(Load())
    return instrument


@pytest.mark.parametrize(
    ("table", "instruction", "said"),
    [
        (STM, ConditionTip(0, 0, depth=1e-3), "depth of a poke of 0.001 m is outside 0 to 5e-07 m"),
        (CONTACT, ConditionTip(0, 0, depth=1e-3), "depth of a poke of 0.001 m"),
        (TAPPING, AcquireForceCurve(0, 0, distance=1e-3), "outside 0 to 1e-06 m"),
        (TAPPING, AcquireForceCurve(0, 0, trigger=1.0), "trigger of 1 N is outside 0 to 8e-05 N"),
        (CONTACT, SetFeedback(setpoint=0.0), "set-point of 0 N is outside 1e-12 to"),
        (TAPPING, SetFeedback(setpoint=40e-9), "set-point amplitude of 4e-08 m is outside"),
        (STM, SetFeedback(bias=0.0), "magnitude of the bias of 0 V is outside 0.0001 to 10 V"),
        (STM, SetFeedback(gain=1e9), "gain of 1e\\+09 1/s is outside 0 to 40000 1/s"),
    ],
)
def test_an_instruction_out_of_reach_is_refused_before_anything_moves(
    table: dict[str, Any], instruction: Instruction, said: str
) -> None:
    instrument = opened(table)
    before = instrument.status()
    act = {
        ConditionTip: instrument.condition_tip,
        AcquireForceCurve: instrument.acquire_force_curve,
        SetFeedback: instrument.set_feedback,
    }[type(instruction)]
    with pytest.raises(LimitExceeded, match=said):
        act(instruction)
    assert instrument.status() == before


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"sample": {"kind": "hopg", "size": "1 mm"}}, "size: must lie within 1 nm to 1 um"),
        ({"sample": {"kind": "si111_7x7", "size": "1 um"}}, "size: must lie within 1 nm to 200 nm"),
        ({"sample": {"kind": "polymer_blend", "size": "1 m"}}, "within 1 nm to 100 um, got 1 m"),
        (
            {"sample": {"kind": "superconductor", "field": "20 T"}},
            "critical field of NbSe2, 5.55 T",
        ),
        ({**STM, "technique": {"kind": "stm", "bias": "1 nV"}}, "bias must be 100 uV at least"),
        (
            {**STM, "technique": {"kind": "stm", "setpoint": "1 fA"}},
            "setpoint must be 1 pA at least",
        ),
        (
            {**TAPPING, "technique": {"kind": "afm", "amplitude": "1 pm"}},
            "amplitude must lie within 2 nm to 39.6 nm to be held, got 1 pm",
        ),
        (
            {
                **TAPPING,
                "technique": {"kind": "afm", "free_amplitude": "1 mm", "amplitude": "0.5 mm"},
            },
            "free_amplitude must not exceed the detector's range, 2 um, got 1 mm",
        ),
        (
            {**CONTACT, "technique": {"kind": "afm", "mode": "contact", "load": "3 uN"}},
            "load must lie within 1 pN to 2 uN",
        ),
    ],
)
def test_an_impossible_setting_is_refused_with_its_limit(table: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError) as caught:
        settings(table)
    assert said in str(caught.value)


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({"sample": {"kind": "superconductor", "size": "20 nm"}}, "no room on a sample of 20 nm"),
        ({"sample": {"kind": "au111", "steps": 9}}, "9 steps have no room on a sample of 60 nm"),
        (
            {**STM, "faults": [{"kind": "saturated_preamp", "action": 1, "channel": "taste"}]},
            "there is no channel 'taste' to fail; known: height, current, didv",
        ),
    ],
)
def test_what_shows_only_when_it_is_made_is_an_error_of_the_instrument(
    table: dict[str, Any], said: str
) -> None:
    with pytest.raises(InstrumentError, match=said):
        settings(table).open(InstantClock(), seed=1)


def test_no_technique_may_be_said_outright() -> None:
    assert SimulatorSettings(technique=None).complete_technique().kind == "pfm"


def test_a_key_of_another_kind_of_fault_is_not_suggested_to_itself() -> None:
    fault = {"kind": "garbage", "action": 1, "channel": "height"}
    with pytest.raises(RecipeError) as caught:
        settings({**STM, "faults": [fault]})
    assert "faults[0].channel: unknown key" in str(caught.value)
    assert "did you mean 'channel'" not in str(caught.value)


def test_the_bias_read_back_in_a_slow_sweep_is_that_of_the_point_in_progress() -> None:
    read: list[float] = []
    clock = HalfwayClock(lambda: read.append(microscope.status().bias))
    microscope = settings({**STM, "level": 0}).open(clock, seed=1)
    microscope.load(Load())
    waveform = BiasWaveform((0.1, 0.1, 0.1, 0.1, -0.2, -0.2, -0.2, -0.2), dwell=1e-3)
    microscope.acquire_spectrum(AcquireSpectrum(0.0, 0.0, waveform))
    assert read[-1] == -0.2
