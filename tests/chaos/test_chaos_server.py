"""Rows 1 to 3 at the instrument server: what the tip feels, on a clock that really runs."""

import contextlib
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from rows import Table
from serving import PATIENCE, Child, ServerProcess, server_process
from siege import percentile

from spm_auto.data import (
    Alarm,
    CommandGiven,
    Record,
    TipWithdrawn,
)
from spm_auto.errors import (
    EmergencyStopped,
    NotAcknowledged,
)
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
)

CRASH_WITHIN = 0.1  # [s]
SPECTRUM = AcquireSpectrum(1e-9, 1e-9, BiasWaveform.triangle(0.5, 8, dwell=0.1))
SCAN = Scan(ScanFrame((0.0, 0.0), (1e-8, 1e-8), (16, 16)), line_rate=20.0)
MOVE = PositionProbe(2e-9, 0.0)

heavy = pytest.mark.chaos
posix = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")


def crashes(folder: Path, count: int) -> Iterator[tuple[bool, float]]:
    """Let the tip crash in one instruction after the other.

    Yields:
        Whether it went as it should, and how long it took at most until the tip was up, by the
        simulator's clock [s].
    """
    rng = random.Random(1)
    delays = [round(rng.uniform(0.02, 0.5), 3) for _ in range(count)]
    faults = [
        {"kind": "tip_crash", "action": 2 * number + 1, "after": f"{delay} s"}
        for number, delay in enumerate(delays)
    ]
    with server_process(folder, *faults) as bench:
        client = bench.client(bench.key("alice"))
        human = bench.client(bench.key("bob"), has_control=False)
        for number, delay in enumerate(delays):
            client.load(Load())
            already = len(bench.records())
            with pytest.raises(EmergencyStopped):
                client.acquire_spectrum(SPECTRUM) if number % 2 else list(client.scan(SCAN))
            with pytest.raises(EmergencyStopped):
                client.position_probe(MOVE)
            with pytest.raises(NotAcknowledged):
                client.load(Load())
            records = _until_withdrawn(bench, already)
            human.acknowledge()
            yield _judged(records, delay)


def _until_withdrawn(bench: ServerProcess, already: int) -> list[Record]:
    end = time.monotonic() + PATIENCE
    while True:
        records = bench.records()[already:]
        if any(isinstance(each.event, Alarm) for each in records):
            return records
        assert time.monotonic() < end, records
        time.sleep(0.01)


def _judged(records: list[Record], delay: float) -> tuple[bool, float]:
    """Hold a crash against the journal: up in time, nothing given meanwhile, alarm after it."""
    events = [type(each.event) for each in records]
    began = records[events.index(CommandGiven)].time + delay
    up = records[events.index(TipWithdrawn)]
    assert isinstance(up.event, TipWithdrawn)
    took = up.time - began
    given = [r for r in records if isinstance(r.event, CommandGiven) and began < r.time < up.time]
    in_order = events.index(TipWithdrawn) < events.index(Alarm)
    return in_order and not given and up.event.is_confirmed and took <= CRASH_WITHIN, took


@heavy
def test_a_crash_is_answered_within_100_ms(row: Table, tmp_path: Path) -> None:
    counted = row(1, "tip crash", "current ten times the threshold, in scans and spectra, served")
    times = []
    for survived, took in crashes(tmp_path, 30):
        counted.case(survived)
        times.append(1e3 * took)
    counted.figure(
        f"up and written down {percentile(times, 0.5):.0f} ms after the crash, "
        f"at most {max(times):.0f} ms"
    )


@heavy
@posix
def test_a_crash_is_answered_within_100_ms_while_a_model_trains_and_the_window_is_frozen(
    row: Table, tmp_path: Path
) -> None:
    counted = row(2, "crash while busy", "deep-kernel agent, a burning core, a frozen window")
    others = [Child("burning.py", "deep_kernel"), Child("burning.py")]
    others[0].wait_for("training")
    others[1].wait_for("burning")
    times = []
    try:
        looking = None
        for survived, took in crashes(tmp_path, 30):
            if looking is None:  # shows the journal, and is frozen from now on
                (folder,) = (tmp_path / "journals").iterdir()
                looking = Child("onlooker.py", str(folder))
                looking.wait_for("here")
                looking.process.send_signal(signal.SIGSTOP)
                others.append(looking)
            counted.case(survived)
            times.append(1e3 * took)
    finally:
        for each in others:
            each.end()
    counted.figure(
        f"up and written down {percentile(times, 0.5):.0f} ms after the crash, "
        f"at most {max(times):.0f} ms"
    )


@heavy
@pytest.mark.parametrize("how", ["nan", "stale", "raise"])
def test_a_served_microscope_that_feels_nothing_is_withdrawn(
    row: Table, tmp_path: Path, how: str
) -> None:
    counted = row(3, "signal missing", "the same at the server, while nothing is asked for")
    with server_process(tmp_path, {"kind": "blind", "action": 2, "how": how}) as bench:
        client = bench.client(bench.key("alice"))
        client.load(Load())
        client.position_probe(MOVE)
        with counted.trial():
            assert bench.events(TipWithdrawn) == []
            began = time.monotonic()
            with contextlib.suppress(EmergencyStopped):
                client.position_probe(MOVE)
            up = bench.await_event(TipWithdrawn)
            took = time.monotonic() - began
            assert isinstance(up.event, TipWithdrawn)
            assert (up.event.who, up.event.is_confirmed) == ("watchdog", True)
            assert bench.await_event(Alarm)
            assert not client.status().is_engaged
    counted.figure(f"{how}: up after {1e3 * took:.0f} ms")
