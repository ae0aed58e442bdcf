"""Rows 4 to 7: wires that break, fall silent, and answer wrongly."""

import math
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from rows import Table
from test_wire_faults import KINDS, survive
from wired import Broken, run_over
from wires import WIRES

from spm_auto.data import FinishReason
from spm_auto.instrument import InstrumentState

LOST_WITHIN, SILENT_WITHIN = 2.0, 3.0  # [s]
LINES = (0, 1, 2, 7, 15)  # of 16, after which it breaks
BARELY = 0.4  # [s] how long a reply may take where it is not what is tested


def kept_what_arrived(broken: Broken) -> bool:
    """Say whether a run failed, lost nothing that arrived, and repeated no motion."""
    return (
        broken.reason is FinishReason.FAILED
        and broken.kept == broken.arrived
        and broken.marked
        and broken.motions <= 0
        and broken.scans <= 0
    )


@pytest.mark.parametrize("kind", WIRES)
def test_a_connection_that_breaks_in_mid_scan_costs_nothing_that_arrived(
    row: Table, how_many: Callable[..., int], tmp_path: Path, kind: str
) -> None:
    counted = row(4, "connection lost", "closed or unplugged after a line, five wires")
    slowest = 0.0
    lines = random.Random(kind).sample(LINES, how_many(quick=1, full=len(LINES)))
    for fault in ("closed", "unplugged")[: how_many(quick=1, full=2)]:
        for line in lines:
            broken = run_over(kind, fault, line, tmp_path / f"{fault}-{line}", f"{BARELY} s")
            assert not math.isnan(broken.noticed), "nothing was broken"
            slowest = max(slowest, broken.noticed)
            is_lost = broken.state is InstrumentState.LOST
            counted.case(kept_what_arrived(broken) and is_lost and broken.noticed <= LOST_WITHIN)
    counted.figure(f"{kind}: noticed within {1e3 * slowest:.0f} ms")


@pytest.mark.chaos
@pytest.mark.parametrize("kind", WIRES)
def test_a_line_that_falls_silent_is_noticed_within_its_time(
    row: Table, tmp_path: Path, kind: str
) -> None:
    counted = row(5, "half-open", "a wire that is not answered on any more, replies due in 2 s")
    slowest = 0.0
    for line in (0, 3):
        broken = run_over(kind, "half_open", line, tmp_path / f"run-{line}", "2 s")
        assert not math.isnan(broken.noticed), "nothing was broken"
        slowest = max(slowest, broken.noticed)
        is_lost = broken.state is InstrumentState.LOST
        counted.case(kept_what_arrived(broken) and is_lost and broken.noticed <= SILENT_WITHIN)
    counted.figure(f"{kind}: noticed within {slowest:.2f} s")


@pytest.mark.chaos  # the suite has a sample of these elsewhere
@pytest.mark.parametrize("kind", WIRES)
def test_a_damaged_reply_is_rejected_and_never_reshaped(row: Table, kind: str) -> None:
    counted = row(6, "damaged reply", "truncated, garbage, doubled, split; five wires")
    for fault in ("truncated", "garbage", "doubled", "split"):
        for name in ("acquire_spectrum", "scan", "position_probe"):
            for after in (0, 2, 5):
                with counted.trial():
                    survive(kind, fault, name, after)


@pytest.mark.chaos
@pytest.mark.parametrize("kind", WIRES)
def test_the_reply_to_another_request_is_never_taken_for_this_one(row: Table, kind: str) -> None:
    counted = row(7, "reply for another", "the one before once more, or one that is late")
    for fault in ("stale", "late"):
        for name in ("acquire_spectrum", "scan", "position_probe"):
            for after in (0, 1, 3, 6):
                with counted.trial():  # what is late comes after its time was over
                    survive(kind, fault, name, after, delay=f"{1.5 * BARELY} s")


def test_every_fault_of_a_wire_has_its_row() -> None:
    rows = {"closed", "unplugged", "half_open", "truncated", "garbage", "doubled", "split"}
    others = {"silent", "error", "coerced", "meddled", "stuck"}
    assert rows | {"stale", "late"} | others == set(KINDS)
