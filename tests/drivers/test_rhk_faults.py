"""What goes wrong on the R9's wire ends in the right data or in an error, never in others."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import marked
import numpy as np
import pytest
from rhk_lab import FRAME, SWEEP, SWEPT, Lab, fault, lab

from spm_auto.errors import ChangedOutside, InstrumentError, NotConfirmed
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, PositionProbe, Scan
from spm_auto.simulator.servers import WireFault

KINDS = (
    *("split", "late", "silent", "doubled", "truncated", "garbage", "stale"),
    *("closed", "unplugged", "half_open", "error"),
)
HARMLESS = {"split", "late"}
POINTS = BiasWaveform((0.3, -0.7, 1.1), dwell=1e-3)
BIAS = "GetSWParameter, STM Bias, Value"
SET_BIAS = "SetSWParameter, STM Bias, Value"
SIZE = "SetSWParameter, Scan Area Window, Scan Area Size"
SCAN = "StartProcedure, Image Scan"
MOVE = "StartProcedure, Move Tip"
ENDED = "Image Scan ended"
TIP = "SetHWParameter, Z PI Controller 1, Tip Control"
SOME = {  # all the others are tried by `make torture`
    *(("split", BIAS), ("truncated", BIAS), ("doubled", SCAN)),
    *(("closed", SCAN), ("half_open", ENDED), ("late", ENDED)),
}
DEADLINE = 4.0  # [s] for an instruction whose answers are due within 0.25 s, on a busy machine
QUICK = {"reply_timeout": "0.25 s", "file_time": "0.15 s", "frame_settling": "0 s"}


def microscope_of(it: Lab) -> marked.MarkedMicroscope:
    """Return what stands behind the wire."""
    assert isinstance(it.station.instrument, marked.MarkedMicroscope)
    return it.station.instrument


def scan(it: Lab) -> None:
    """Scan, and see that it is the picture."""
    lines = list(it.driver.scan(Scan(FRAME, line_rate=500.0)))
    got = np.stack([line.forward[0] for line in lines])
    expected = np.stack([marked.height(*FRAME.line_positions(i)) for i in range(8)])
    np.testing.assert_allclose(got, expected, atol=1e-6 * np.abs(expected).max())


def move(it: Lab) -> None:
    """Move to where it was not, and see that it is there."""
    at = (1e-8 * (1 + len(microscope_of(it).motions) % 7), -4e-8)
    it.driver.position_probe(PositionProbe(*at))
    assert it.station.position == pytest.approx(at)


def step(it: Lab) -> None:
    """Step through a waveform, and see that it is a resistor."""
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, POINTS))
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * POINTS.bias)


def sweep(it: Lab) -> None:
    """Let the procedure sweep, and see that it is a resistor."""
    spectrum = it.driver.acquire_spectrum(AcquireSpectrum(0.0, 0.0, SWEEP))
    np.testing.assert_allclose(spectrum.data[0], 1e-9 * SWEEP.bias, atol=1e-16)


def survives(it: Lab, act: Callable[[Lab], None], *struck: WireFault) -> bool:
    """Act; whatever goes wrong is an error in time, after which it works again.

    Returns:
        Whether it went well at once.
    """
    it.server.faults.arm(*struck)
    began, well = time.monotonic(), True
    try:
        act(it)
    except InstrumentError:
        well = False
    assert time.monotonic() - began < DEADLINE
    assert it.server.faults.struck
    it.server.faults.arm()
    try:
        act(it)
    except ChangedOutside:  # the tip may be somewhere else now, or held: that must be said
        it.driver.load(Load())
        act(it)
    return well


@pytest.fixture(scope="module")
def stepped() -> Iterator[Lab]:
    with lab(emulator={"has_line_ends": False}, **QUICK) as it:
        yield it


@pytest.fixture(scope="module")
def swept() -> Iterator[Lab]:
    with lab(**SWEPT, **QUICK) as it:
        yield it


@pytest.mark.parametrize(
    ("kind", "on", "after", "act"),
    [
        pytest.param(kind, on, after, act, marks=() if (kind, on) in SOME else pytest.mark.torture)
        for on, after, act in (
            *((BIAS, 1, step), (SET_BIAS, 1, step), (SCAN, 0, scan), (ENDED, 0, scan)),
        )
        for kind in KINDS
        if (kind, on) != ("error", ENDED)  # an end is not refused
    ],
)
def test_a_fault_on_the_wire(
    stepped: Lab, kind: str, on: str, after: int, act: Callable[[Lab], None]
) -> None:
    scanned = len(microscope_of(stepped).scanned)
    well = survives(
        stepped, act, WireFault.model_validate(fault(kind, on, after=after, delay="30 ms"))
    )
    assert well or kind not in HARMLESS
    if act is scan:  # each time that it was asked for, or not at all; never twice
        assert len(microscope_of(stepped).scanned) - scanned <= 2


@pytest.mark.parametrize(
    ("struck", "act"),
    [
        (fault("coerced", SIZE), scan),
        (fault("stuck", MOVE), move),
        (fault("meddled", BIAS), move),
        (fault("silent", "file"), scan),
        *(
            pytest.param(*case, marks=pytest.mark.torture)
            for case in (
                (fault("late", SIZE, delay="0.4 s"), scan),
                (fault("stuck", SCAN), scan),
                (fault("silent", "Move Tip ended"), move),
                (fault("doubled", MOVE), move),
                (fault("late", "file", delay="0.1 s"), scan),
                (fault("garbage", "file"), scan),
                (fault("closed", TIP), step),
                (fault("closed", TIP, after=1), step),
            )
        ),
    ],
)
def test_a_fault_of_the_program(
    stepped: Lab, struck: dict[str, Any], act: Callable[[Lab], None]
) -> None:
    motions = len(microscope_of(stepped).motions)
    survives(stepped, act, WireFault.model_validate(struck))
    if act is move:
        assert len(microscope_of(stepped).motions) - motions <= 4  # two tries, one was repeated


@pytest.mark.torture
@pytest.mark.parametrize(
    "struck",
    [
        fault("silent", "file"),
        fault("truncated", "file"),
        fault("stuck", "StartProcedure, dI-dV Spectroscopy"),
        fault("closed", "dI-dV Spectroscopy ended"),
    ],
)
def test_a_fault_of_the_spectroscopy(swept: Lab, struck: dict[str, Any]) -> None:
    survives(swept, sweep, WireFault.model_validate(struck))


def test_an_emergency_stop_says_when_the_tip_may_be_down() -> None:
    with (
        lab(fault("error", TIP, after=1, times=9), **QUICK) as it,
        pytest.raises(NotConfirmed, match="told to retract"),
    ):
        it.driver.emergency_stop()
    with lab(fault("silent", TIP, after=1), **QUICK) as it:
        it.driver.emergency_stop()  # said again, and seen from z
        assert not it.station.is_engaged
