"""A disk that fills up under a run costs nothing that the run said to have written."""

import contextlib
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from counting import Count
from killing import (
    Moment,
    Whole,
    essence,
    follow,
    lost,
    read_run_file,
    resume_command,
    run_command,
    run_to_the_end,
)

from spm_auto.data import Journal, JournalReader, LineAcquired
from spm_auto.errors import JournalFull
from spm_auto.instrument import ScanLine

SIZE, SMALL_SIZE = 8, 3  # [MiB] so that a run begins; what is left of it later
WAITS = "waits for room on the disk"
PATIENCE = 120.0  # [s] for a run to notice
NO_RESERVE = 'storage.reserve="0 B"'  # else it would stop long before the disk is full

pytestmark = pytest.mark.torture


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """Give a small disk of its own."""
    place = tmp_path / "disk"
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}m", "tmpfs", str(place)]
    try:
        done = subprocess.run(mount, check=False, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("this system has no mount")
    if done.returncode:
        pytest.skip(f"only root can mount a small disk: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(disk: Path) -> None:
    """Make a disk small, and take all the room that it has."""
    shrink = ["mount", "-o", f"remount,size={SMALL_SIZE}m", str(disk)]
    subprocess.run(shrink, check=True)
    with contextlib.suppress(OSError), (disk / "filler").open("ab", buffering=0) as file:
        while file.write(bytes(4096)) == 4096:
            pass


def empty(disk: Path) -> None:
    """Give all the room back."""
    (disk / "filler").unlink()
    subprocess.run(["mount", "-o", f"remount,size={SIZE}m", str(disk)], check=True)


def await_words(log: Path, words: str) -> None:
    """Wait until a process has printed something."""
    end = time.monotonic() + PATIENCE
    while words not in log.read_text():
        assert time.monotonic() < end, f"nothing is said of {words!r} in {log.read_text()!r}"
        time.sleep(0.05)


def test_a_run_waits_for_room_and_goes_on_as_if_nothing_had_been(
    tmp_path: Path, disk: Path, whole: Whole, count: Count
) -> None:
    folder, log = disk / "run", tmp_path / "run.log"

    def fill_and_empty(_: object) -> None:
        fill(disk)
        await_words(log, WAITS)
        assert lost(folder, {}) == []  # what is there can be read meanwhile
        empty(disk)

    told = follow(run_command(folder, NO_RESERVE), log, Moment(10, 0.0), fill_and_empty)
    assert told.code == 0, log.read_text()
    missing = lost(folder, told.digests)
    count("filled, then freed", runs=1, acknowledged=len(told.digests), lost=len(missing))
    assert missing == []
    assert essence(folder) == whole.essence
    assert read_run_file(folder)


def test_a_run_killed_on_a_full_disk_is_resumed_once_there_is_room(
    tmp_path: Path, disk: Path, whole: Whole, count: Count
) -> None:
    folder, log = disk / "run", tmp_path / "run.log"

    def fill_and_kill(process: "subprocess.Popen[str]") -> None:
        fill(disk)
        await_words(log, WAITS)
        process.kill()

    said = follow(run_command(folder, NO_RESERVE), log, Moment(50, 0.0), fill_and_kill).digests
    assert lost(folder, said) == []
    empty(disk)
    said |= run_to_the_end(resume_command(folder), log).digests
    missing = lost(folder, said)
    count("filled, then killed", runs=1, acknowledged=len(said), lost=len(missing))
    assert missing == []
    assert essence(folder) == whole.essence


def test_without_room_for_its_files_a_run_says_so_and_keeps_its_journal(
    tmp_path: Path, disk: Path, whole: Whole, count: Count
) -> None:
    folder, log = disk / "run", tmp_path / "run.log"
    told = follow(
        run_command(folder, NO_RESERVE), log, Moment(whole.records, 0.0), lambda _: fill(disk)
    )
    missing = lost(folder, told.digests)
    count("filled at the end", runs=1, acknowledged=len(told.digests), lost=len(missing))
    assert told.code == 1, log.read_text()  # an error that is said, and no crash
    assert "error: " in log.read_text().splitlines()[-1]
    assert missing == []
    assert essence(folder) == whole.essence
    assert not read_run_file(folder)


def test_a_run_does_not_begin_on_a_full_disk(tmp_path: Path, disk: Path) -> None:
    fill(disk)
    log = tmp_path / "run.log"
    told = follow(run_command(disk / "run", NO_RESERVE), log)
    assert (told.code, told.digests) == (1, {})
    assert log.read_text().startswith(f"error: {disk / 'run'}: 0 B are free, the run may need ")


def test_a_torn_end_is_not_cut_off_before_there_is_room_to_keep_it(disk: Path) -> None:
    path = disk / "run.spmj"
    values = np.zeros((1, 4096))
    with Journal(path, lambda: 0.0) as journal:
        for number in range(2):
            journal.append(LineAcquired(ScanLine(number, values, values, 0.0)))
    path.write_bytes(path.read_bytes()[:-1])
    fill(disk)
    before = path.read_bytes()
    for _ in range(2):
        with pytest.raises(JournalFull, match="its torn end cannot be kept: No space left"):
            Journal.reopen(path, lambda: 0.0)
        assert path.read_bytes() == before
        assert {file.name for file in disk.iterdir()} == {"filler", "run.spmj"}
    empty(disk)
    with Journal.reopen(path, lambda: 0.0) as journal:
        assert journal.append(LineAcquired(ScanLine(1, values, values, 0.0))).number == 1
    assert [record.number for record in JournalReader(path).poll()] == [0, 1]
