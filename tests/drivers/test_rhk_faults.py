"""What goes wrong on the R9's wire ends in the right data or in an error, never in others."""

import time
from collections.abc import Callable

import marked
import numpy as np
import pytest
from rhk_lab import FRAME, SWEEP, SWEPT, Lab, fault, lab

from spm_auto.clock import InstantClock
from spm_auto.errors import ChangedOutside, InstrumentError, NotConfirmed
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, PositionProbe, Scan

KINDS = (
    *("split", "late", "silent", "doubled", "truncated", "garbage", "stale"),
    *("closed", "unplugged", "half_open", "error"),
)
HARMLESS = {"split", "late", "doubled"}
POINTS = BiasWaveform((0.3, -0.7, 1.1), dwell=1e-3)
BIAS = "GetSWParameter, STM Bias, Value"
SET_BIAS = "SetSWParameter, STM Bias, Value"
SIZE = "SetSWParameter, Scan Area Window, Scan Area Size"
SCAN = "StartProcedure, Image Scan"
MOVE = "StartProcedure, Move Tip"
ENDED = "Image Scan ended"
SOME = {  # the others are tried by `make torture`
    *(("split", BIAS), ("truncated", BIAS), ("stale", SET_BIAS), ("doubled", SCAN)),
    *(("closed", SCAN), ("half_open", ENDED), ("garbage", ENDED), ("late", ENDED)),
}
DEADLINE = 4.0  # [s] for an instruction whose answers are due within 0.25 s, on a busy machine
QUICK = {"reply_timeout": "0.25 s", "file_time": "0.15 s", "frame_settling": "0 s"}


def scan(it: Lab) -> None:
    """Scan, and see that it is the picture."""
    lines = list(it.driver.scan(Scan(FRAME, line_rate=500.0)))
    got = np.stack([line.forward[0] for line in lines])
    expected = np.stack([marked.height(*FRAME.line_positions(i)) for i in range(8)]) + 1e-10
    np.testing.assert_allclose(got, expected, atol=1e-6 * np.abs(expected).max())


def move(it: Lab) -> None:
    """Move, and see that it is there."""
    it.driver.position_probe(PositionProbe(3e-8, -4e-8))
    assert it.station.position == pytest.approx((3e-8, -4e-8))


def step(it: Lab) -> None:
    """Step through a waveform, and see that it is a resistor."""
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, POINTS))
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * POINTS.bias)


def sweep(it: Lab) -> None:
    """Let the procedure sweep, and see that it is a resistor."""
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * SWEEP.bias, atol=1e-16)


def survives(it: Lab, act: Callable[[Lab], None]) -> bool:
    """Act; whatever goes wrong is an error in time, after which it works again.

    Returns:
        Whether it went well at once.
    """
    began, well = time.monotonic(), True
    try:
        act(it)
    except InstrumentError:
        well = False
    assert time.monotonic() - began < DEADLINE
    if not well:
        try:
            act(it)
        except ChangedOutside:  # the tip may be somewhere else now, or held: that must be said
            it.driver.load(Load())
            act(it)
    act(it)
    return well


@pytest.mark.parametrize(
    ("kind", "on", "after", "act"),
    [
        pytest.param(kind, on, after, act, marks=() if (kind, on) in SOME else pytest.mark.torture)
        for kind in KINDS
        for on, after, act in (
            (BIAS, 3, step),
            (SET_BIAS, 1, step),
            (SCAN, 0, scan),
            (ENDED, 0, scan),
        )
    ],
)
def test_a_fault_on_the_wire(kind: str, on: str, after: int, act: Callable[[Lab], None]) -> None:
    microscope = marked.MarkedMicroscope(clock := InstantClock())
    struck = fault(kind, on, after=after, delay="30 ms")
    with lab(struck, instrument=microscope, clock=clock, **QUICK) as it:
        well = survives(it, act)
        if kind in HARMLESS - {"doubled"}:
            assert well
        if act is scan:  # once for the first try, or not at all; then each time that it was asked
            assert len(microscope.scanned) <= 3


@pytest.mark.parametrize(
    ("struck", "act"),
    [
        (fault("coerced", SIZE), scan),
        (fault("stuck", MOVE), move),
        (fault("meddled", BIAS, after=3), move),
        (fault("truncated", "file"), sweep),
    ],
)
def test_a_fault_of_the_program(struck: dict[str, object], act: Callable[[Lab], None]) -> None:
    test_more_faults_of_the_program(struck, act)


@pytest.mark.parametrize(
    ("struck", "act"),
    [
        (fault("late", SIZE, delay="0.4 s"), scan),
        (fault("stuck", SCAN), scan),
        *[(fault(kind, "file", delay="0.1 s"), scan) for kind in ("silent", "late", "garbage")],
        (fault("silent", "file"), sweep),
        (fault("silent", "Move Tip ended"), move),
        (fault("doubled", MOVE), move),
        (fault("closed", "SetHWParameter, Z PI Controller 1, Tip Control", after=1), step),
        (fault("stuck", "StartProcedure, dI-dV Spectroscopy"), sweep),
    ],
)
@pytest.mark.torture
def test_more_faults_of_the_program(struck: dict[str, object], act: Callable[[Lab], None]) -> None:
    driver = SWEPT if act is sweep else {}
    with lab(struck, **QUICK, **driver) as it:
        survives(it, act)


def test_an_emergency_stop_says_when_the_tip_may_be_down() -> None:
    tip = "SetHWParameter, Z PI Controller 1, Tip Control"
    with (
        lab(fault("error", tip, after=1, times=9), **QUICK) as it,
        pytest.raises(NotConfirmed, match="told to retract"),
    ):
        it.driver.emergency_stop()
    with lab(fault("silent", tip, after=1), **QUICK) as it:
        it.driver.emergency_stop()  # said again, and seen from z
        assert not it.station.is_engaged
