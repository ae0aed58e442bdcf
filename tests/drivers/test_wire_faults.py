"""Whatever goes wrong on a wire: an error that says so in time, and nothing wrong in the data.

`make faults` runs all of it and prints how many cases there were; the suite takes a sample.
"""

import threading
import time
from collections import Counter
from typing import Any

import numpy as np
import pytest
from marked import height
from wires import FRAME, FRAMES, SWEEP, SWEEPS, WIRES, Wire, wire

from spm_auto.errors import ChangedOutside, InstrumentError, Refused
from spm_auto.instrument import (
    AcquireSpectrum,
    InstrumentState,
    Load,
    PositionProbe,
    Scan,
)
from spm_auto.simulator.servers import WireFault

POINT = (30e-9, -20e-9)
KINDS = (
    *("split", "late", "silent", "doubled", "truncated", "garbage", "stale"),
    *("closed", "unplugged", "half_open", "error", "coerced", "meddled", "stuck"),
)
ARRIVALS = {"position_probe": 1, "acquire_spectrum": 2, "scan": 0}
STRIPS = {"red_panda": 2 * FRAME.pixels[1]}  # each way of a line is a scan of its own
DEADLINE = 20.0  # [s] on the wall, for an instruction that goes wrong
CASES: Counter[str] = Counter()  # of this session, for the figure at its end


def instructions(ends: Wire, name: str) -> Any:
    """Carry out an instruction, and check whatever it gives."""
    driver = ends.driver
    match name:
        case "position_probe":
            driver.position_probe(PositionProbe(*POINT))
            assert any(m == pytest.approx(POINT, abs=1e-9) for m in ends.microscope.motions)
        case "acquire_spectrum":
            sweep = SWEEPS.get(ends.kind, SWEEP)
            spectrum = driver.acquire_spectrum(AcquireSpectrum(*POINT, sweep))
            assert spectrum.data.shape == (len(spectrum.channels), len(sweep.values))
            np.testing.assert_allclose(spectrum.data[0], 1e-9 * sweep.bias, atol=5e-12, rtol=1e-3)
        case "scan":
            frame = FRAMES.get(ends.kind, FRAME)
            lines = list(driver.scan(Scan(frame, channels=("height",), line_rate=20.0)))
            image = np.array([line.forward[0] for line in lines])
            assert [line.index for line in lines] == list(range(frame.pixels[1]))
            expected = height(*frame.positions())
            assert (np.abs(image - expected) < 0.02 * np.ptp(expected)).mean() > 0.97


def within(limit: float, ends: Wire, name: str) -> BaseException | None:
    """Carry out an instruction in a thread; returns what it raised. It must end in time."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            instructions(ends, name)
        except BaseException as error:  # noqa: BLE001  handed on
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    started = time.monotonic()
    thread.start()
    thread.join(limit)
    assert not thread.is_alive(), f"{name} did not end within {limit} s"
    assert time.monotonic() - started < limit
    return raised[0] if raised else None


def survive(kind: str, fault: str, name: str, after: int, delay: str = "150 ms") -> None:
    """Let a fault strike an instruction, and see that nothing worse comes of it."""
    with wire(kind, reply_timeout="400 ms") as ends:
        ends.microscope.motions.clear()
        ends.microscope.scanned.clear()
        ends.server.faults.arm(
            WireFault.model_validate({"kind": fault, "after": after, "delay": delay})
        )
        error = within(DEADLINE, ends, name)
        struck = ends.server.faults.struck
        if error is not None and not isinstance(error, InstrumentError):
            raise error  # wrong data, or an error without a type
        # a motion is sent once; the station's own sweep counts as a second arrival at the point
        arrivals = sum(m == pytest.approx(POINT, abs=1e-9) for m in ends.microscope.motions)
        assert arrivals <= ARRIVALS[name]
        most = STRIPS.get(kind, 1) if name == "scan" else 0
        if kind not in STRIPS or name == "scan":  # a point may be a strip of one pixel
            assert len(ends.microscope.scanned) <= most
        ends.server.faults.arm()
        recovered(ends)
        CASES["run"] += 1
        CASES["struck"] += bool(struck)
        CASES["error"] += error is not None
        CASES["survived"] += 1


def recovered(ends: Wire) -> None:
    """See that the instrument can be worked with again, once it has been looked at."""
    state = ends.driver.status().state
    assert state in (InstrumentState.READY, InstrumentState.LOST)
    error = within(DEADLINE, ends, "position_probe")
    if isinstance(error, ChangedOutside):  # said once; whoever goes on has been told
        error = within(DEADLINE, ends, "position_probe")
    if error is not None:
        assert isinstance(error, InstrumentError), error
        ends.driver.load(Load())
        error = within(DEADLINE, ends, "position_probe")
    end = time.monotonic() + DEADLINE
    while isinstance(error, Refused) and time.monotonic() < end:
        time.sleep(0.05)  # it says that it is still at what it was asked before
        error = within(DEADLINE, ends, "position_probe")
    assert error is None, error
    error = within(DEADLINE, ends, "acquire_spectrum")
    assert error is None, error


@pytest.mark.faults
@pytest.mark.parametrize("after", [0, 1, 3, 6])
@pytest.mark.parametrize("name", ["position_probe", "acquire_spectrum", "scan"])
@pytest.mark.parametrize("fault", KINDS)
@pytest.mark.parametrize("kind", WIRES)
def test_every_fault_is_survived(kind: str, fault: str, name: str, after: int) -> None:
    survive(kind, fault, name, after)


@pytest.mark.parametrize("fault", ["split", "doubled", "truncated", "closed", "stale", "error"])
@pytest.mark.parametrize("kind", WIRES)
def test_a_sample_of_faults_is_survived(kind: str, fault: str) -> None:
    survive(kind, fault, "acquire_spectrum", after=2)
