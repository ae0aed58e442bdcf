"""Rows 25 to 27: clocks that jump, instruments that are others, and versions that differ."""

import random
import re
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import h5py
import pytest
from by_hand import SCAN, SPECTRUM, Microscope, doing
from ohmic_runs import new_runner
from resuming import cut, records_of, resumed_runner
from rows import Table
from test_resuming_hardware import STEPS, Hardware

import spm_auto as spm
from spm_auto.clock import InstantClock, ResumedClock
from spm_auto.data import (
    FILE_NAME,
    FinishReason,
    Journal,
    JournalReader,
    RunFinished,
    RunPaused,
    RunStarted,
    consolidate,
    open_run,
)
from spm_auto.data.framing import HEAD_LENGTH, pack_head
from spm_auto.errors import CannotResume, DataError, NotOwner, RecipeError
from spm_auto.execute import resume
from spm_auto.instrument import Capabilities, GuardedInstrument, Limits
from spm_auto.lab import read_lab
from spm_auto.resume import changes_since, read_tape, resumed
from spm_auto.server import Due, Lease, Terms
from spm_auto.workflow import read_recipe

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
HOUR = 3600.0


class Wall:
    """A clock that a test turns."""

    def __init__(self, time: float = 0.0) -> None:
        self.time = time

    def __call__(self) -> float:
        return self.time


def test_a_computer_that_slept_has_lost_the_lease_and_its_tip_goes_up(
    row: Table, how_many: Callable[..., int]
) -> None:
    counted = row(25, "clock jumps", "sleep of minutes to days, clocks set back, DST")
    rng = random.Random(25)
    for _ in range(how_many(quick=5, full=200)):
        now, terms = Wall(rng.uniform(0, 1e6)), Terms(rng.uniform(1, 9), rng.uniform(5, 60))
        lease = Lease(terms, now)
        token = lease.take("alice")
        now.time += 0.9 * terms.hold_after
        lease.renew(token)
        with counted.trial():
            assert lease.look() == (Due.NOTHING, "alice")
            now.time += rng.uniform(1, 72) * HOUR  # the lid was closed
            assert lease.look() == (Due.HOLD, "alice")
            with pytest.raises(NotOwner):
                lease.renew(token)
            with pytest.raises(NotOwner):
                lease.check(token)
            now.time += terms.withdraw_after + 1.0
            assert lease.look() == (Due.WITHDRAW, "alice")
            assert lease.look()[0] is Due.NOTHING  # once


def test_no_duration_of_a_run_is_negative_when_the_time_of_day_is_set_back(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(25, "clock jumps", "sleep of minutes to days, clocks set back, DST")
    jumps = (-HOUR, HOUR, -1e9, 1e9, -0.5, 86400.0)
    for number, jump in enumerate(jumps[: how_many(quick=2, full=len(jumps))]):
        path, clock, utc = tmp_path / f"{number}" / FILE_NAME, InstantClock(), Wall(1.8e9)
        started = RunStarted("uid", "t", "", "", "ohmic sample", 1, {}, {})
        with Journal(path, clock.now, utc) as journal:
            journal.append(started)
            for step in range(10):
                clock.wait(1.0)
                utc.time += jump if step == 4 else 1.0
                journal.append(RunPaused())
            journal.append(RunFinished(FinishReason.CANCELLED))
        with counted.trial():
            records = list(JournalReader(path).poll())
            assert len(records) == 12
            assert all(after.time >= before.time for before, after in pairwise(records))
            assert open_run(path).simulated_time == 10.0
            consolidate(path)
            assert [r.number for r in open_run(path.with_name("run.h5")).records] == [*range(12)]
            tape = read_tape(path.parent)
            gone_on = resumed(InstantClock(), tape, is_simulated=False)
            assert isinstance(gone_on, ResumedClock)
            assert gone_on.now() >= records[-1].time  # never before what is on record


def test_nobody_measures_a_duration_with_the_time_of_day() -> None:
    reckons = re.compile(r"time\.time\(\)\s*[-+<>]|[-+<>]\s*time\.time\(\)")
    found = [
        path.relative_to(ROOT).as_posix()
        for folder in ("spm_auto", "drivers", "simulator")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if reckons.search(path.read_text("utf-8"))
    ]
    # how long hardware was left alone, which another process can know no better; never negative
    assert found == ["spm_auto/resume.py"]


class Another(Hardware):
    """Another microscope."""

    def __init__(self, clock: InstantClock, **changed: object) -> None:
        super().__init__(clock)
        self._changed = changed

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, **self._changed)  # type: ignore[arg-type]


OTHERS: dict[str, dict[str, object]] = {
    "another name": {"name": "the microscope next door"},
    "no such channel": {"image_channels": ()},
    "other spectra": {"spectrum_channels": ()},
}


def test_another_instrument_or_laboratory_is_told_before_anything_moves(
    row: Table, tmp_path: Path
) -> None:
    counted = row(26, "wrong instrument", "another name, channels, limits, lab file")
    clock = InstantClock()
    new_runner(tmp_path / "whole", Hardware(clock), clock).run(STEPS, seed=1)
    names = [type(r.event).__name__ for r in records_of(tmp_path / "whole")]
    folder = cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / "cut")
    tape = read_tape(folder)
    for what, changed in OTHERS.items():
        clock = InstantClock()
        hardware = Another(clock, **changed)
        with counted.trial():
            assert changes_since(tape, GuardedInstrument(hardware)), what
            assert (hardware.scans, hardware.taken, clock.now()) == (0, [], 0.0)
    for limits in (Limits(bias=(-5.0, 5.0)), Limits(x=(-3e-7, 3e-7)), Limits(scan_speed=1e-6)):
        clock = InstantClock()
        with counted.trial():
            assert changes_since(tape, GuardedInstrument(Hardware(clock), limits))
    lab = tmp_path / "lab.toml"
    text = (EXAMPLES / "lab_simulator.toml").read_text("utf-8")
    lab.write_text(text, "utf-8")
    with spm.start_run(lab=lab, out=tmp_path / "run"):
        pass
    before = (tmp_path / "run" / FILE_NAME).read_bytes()
    for then, now in (
        ('laboratory = "simulator"', 'laboratory = "next door"'),
        ("ferroelectric_film", "granular_film"),
        ('"-10 V", "10 V"', '"-9 V", "10 V"'),
        ("50 um/s", "60 um/s"),
    ):
        lab.write_text(text.replace(then, now), "utf-8")
        with counted.trial():
            with pytest.raises(CannotResume, match="of the lab file was"):
                spm.start_run(lab=lab, out=tmp_path / "run", resume=True)
            assert (tmp_path / "run" / FILE_NAME).read_bytes() == before


def test_another_sample_is_not_taken_for_the_one_that_was_measured(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(26, "wrong instrument", "another sample")
    clock = InstantClock()
    new_runner(tmp_path / "whole", Hardware(clock), clock).run(STEPS, seed=1)
    names = [type(r.event).__name__ for r in records_of(tmp_path / "whole")]
    for seed in range(4, 4 + how_many(quick=1, full=12)):
        folder = cut(tmp_path / "whole", names.index("SpectrumAcquired") + 1, tmp_path / f"{seed}")
        clock = InstantClock()
        hardware = Hardware(clock, seed=seed)
        with counted.trial():
            finished = resumed_runner(folder, hardware, clock).run(STEPS, seed=1)
            assert finished.reason is FinishReason.FAILED
            assert "the sample was not found again" in finished.message
            assert hardware.taken == []


def test_a_file_of_another_version_is_refused_or_only_read(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(27, "version skew", "journal, run file, recipe, lab file of other versions")
    clock = InstantClock()
    new_runner(tmp_path / "run", Microscope(clock), clock).run([doing(SCAN, SPECTRUM)], seed=1)
    whole = (tmp_path / "run" / FILE_NAME).read_bytes()
    for version in (0, 3, 4, 99, 65535)[: how_many(quick=2, full=5)]:
        folder = tmp_path / f"v{version}"
        folder.mkdir()
        content = pack_head(version) + whole[HEAD_LENGTH:]
        (folder / FILE_NAME).write_bytes(content)
        with counted.trial():
            with pytest.raises(DataError, match="version"):
                open_run(folder)
            with pytest.raises(DataError, match="version"):
                Journal.reopen(folder / FILE_NAME, clock.now)
            with pytest.raises(DataError, match="version"):
                resume(folder, as_json=True)
            assert (folder / FILE_NAME).read_bytes() == content
    old = tmp_path / "old"
    old.mkdir()
    (old / FILE_NAME).write_bytes((ROOT / "tests/files/journal-1.spmj").read_bytes())
    with counted.trial():
        assert len(open_run(old).records) > 40  # read as it always was
        with pytest.raises(DataError, match="version 1: it can be read and exported, but only"):
            resume(old, as_json=True)
    made = consolidate(tmp_path / "run" / FILE_NAME)
    for version in ("", "0", "3", "99", "two")[: how_many(quick=2, full=5)]:
        with h5py.File(made, "r+") as file:
            file.attrs["spm_auto_schema"] = version
        with counted.trial(), pytest.raises(DataError):
            open_run(made)
    for path, read in (
        (EXAMPLES / "ferroelectric.toml", read_recipe),
        (EXAMPLES / "lab_stm.toml", read_lab),
    ):
        text = path.read_text("utf-8")
        for version in ("0", "2", "99", '"1"', "1.5")[: how_many(quick=2, full=5)]:
            changed = tmp_path / path.name
            changed.write_text(text.replace("schema_version = 1", f"schema_version = {version}"))
            with counted.trial(), pytest.raises(RecipeError, match="schema_version"):
                read(changed)
