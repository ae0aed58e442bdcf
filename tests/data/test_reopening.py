"""A journal is gone on with after its last whole record, by one process at a time."""

import errno
import os
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from spm_auto.data import Alarm, Event, Journal, JournalReader
from spm_auto.errors import DataError, JournalFull

ONE, TWO, THREE = Alarm("one"), Alarm("two"), Alarm("three")
WRITER = """
import sys, pathlib
from spm_auto.data import Alarm, Journal
path = pathlib.Path(sys.argv[1])
journal = Journal.reopen(path, lambda: 0.0) if path.exists() else Journal(path, lambda: 0.0)
journal.append(Alarm("one"))
print("ready", flush=True)
sys.stdin.read()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.spmj"


def now() -> float:
    return 0.0


def write(path: Path, *events: Event) -> bytes:
    with Journal(path, now) as journal:
        for event in events:
            journal.append(event)
    return path.read_bytes()


def reopen(path: Path, *events: Event) -> str:
    """Go on with a journal; returns what was dropped."""
    with Journal.reopen(path, now) as journal:
        for event in events:
            journal.append(event)
        return journal.dropped


def read(path: Path) -> list[tuple[int, Event]]:
    reader = JournalReader(path)
    records = [(record.number, record.event) for record in reader.poll()]
    assert reader.damage == ""
    return records


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def refusal(path: Path) -> str:
    """Return why a journal cannot be gone on with; nothing in its folder changes."""
    before = files(path.parent)
    with pytest.raises(DataError) as refused:
        Journal.reopen(path, now)
    assert files(path.parent) == before
    return str(refused.value)


def test_a_whole_journal_is_gone_on_with_and_its_numbers_too(path: Path) -> None:
    write(path, ONE, TWO)
    assert reopen(path, THREE) == ""
    assert read(path) == [(0, ONE), (1, TWO), (2, THREE)]
    assert list(files(path.parent)) == ["run.spmj"]


def test_a_journal_without_a_record_is_gone_on_with(path: Path) -> None:
    write(path)
    assert reopen(path, ONE) == ""
    assert read(path) == [(0, ONE)]


def test_wherever_its_last_record_was_torn_the_rest_is_kept_and_cut_off(path: Path) -> None:
    start, whole = len(write(path, ONE)), b""
    whole = write(path.with_name("longer.spmj"), ONE, TWO)
    for length in range(start + 1, len(whole)):
        path.write_bytes(whole[:length])
        dropped = reopen(path, THREE)
        assert read(path) == [(0, ONE), (1, THREE)]
        kept = path.with_name(dropped.rpartition(" ")[2])
        assert kept.read_bytes() == whole[start:length]
        kept.unlink()
    assert dropped == (
        f"a torn record at byte {start}: {len(whole) - 1 - start} bytes were cut off "
        "and are kept in run.torn-001.bin"
    )


def test_what_was_kept_before_is_never_overwritten(path: Path) -> None:
    whole = write(path, ONE, TWO)
    path.with_name("run.torn-001.bin").write_bytes(b"before")
    path.write_bytes(whole[:-1])
    assert reopen(path).endswith("run.torn-002.bin")
    assert path.with_name("run.torn-001.bin").read_bytes() == b"before"


def test_a_missing_journal_is_not_gone_on_with(path: Path) -> None:
    assert refusal(path) == f"{path.parent}: there is no run here to go on with (no run.spmj)"


def test_a_journal_of_an_older_version_is_not_gone_on_with(path: Path) -> None:
    records = write(path, ONE)[16:]
    from spm_auto.data.journal import READABLE, VERSION

    (other,) = {*READABLE} - {VERSION}
    path.write_bytes(struct.pack("<8sII", b"SPMAUTOJ", other, 0) + records)
    assert f"has journal version {other}: it can be read and exported, but" in refusal(path)
    assert read(path) == [(0, ONE)]


def test_a_journal_that_is_damaged_before_its_end_is_not_gone_on_with(path: Path) -> None:
    whole = write(path, ONE, TWO, THREE)
    path.write_bytes(whole.replace(b"two", b"owt"))
    assert "is damaged before its end: it can be read and exported, but not" in refusal(path)


def test_a_journal_with_a_damaged_head_is_not_gone_on_with(path: Path) -> None:
    path.write_bytes(b"X" + write(path, ONE)[1:])
    assert "its head is damaged" in refusal(path)


def test_another_file_is_not_gone_on_with(path: Path) -> None:
    path.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(64))
    assert refusal(path) == f"{path} is no journal of spm_auto"


def test_without_room_to_keep_the_torn_end_nothing_is_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(write(path, ONE, TWO)[:-1])

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as disk:
        disk.setattr(os, "fsync", full)
        before = files(path.parent)
        with pytest.raises(JournalFull, match="its torn end cannot be kept: No space left"):
            Journal.reopen(path, now)
        assert files(path.parent) == before
    assert reopen(path)


def test_a_torn_end_that_cannot_be_cut_off_is_not_gone_on_with(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.write_bytes(write(path, ONE, TWO)[:-1])

    def broken(*_: int) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "ftruncate", broken)
    assert "its torn end cannot be cut off: Input/output error" in refusal(path)


@pytest.mark.parametrize("name", ["run.lock", "run.spmj"])
def test_read_only_media_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    write(path, ONE)
    real = os.open

    def read_only(file: object, flags: int, *more: int) -> int:
        if Path(str(file)).name == name and flags & (os.O_WRONLY | os.O_RDWR):
            raise OSError(errno.EROFS, "Read-only file system")
        return real(file, flags, *more)  # type: ignore[arg-type]  # whatever was asked for

    monkeypatch.setattr(os, "open", read_only)
    assert refusal(path) == f"{path}: the journal cannot be gone on with: Read-only file system"


def test_a_second_writer_is_refused_and_the_first_one_named(path: Path) -> None:
    with Journal(path, now) as journal:
        journal.append(ONE)
        said = f"{path.parent}: another process (pid {os.getpid()}) is writing this run"
        assert refusal(path) == said
        with pytest.raises(DataError) as refused:
            Journal(path, now)
        assert str(refused.value) == said
        journal.append(TWO)
    assert reopen(path, THREE) == ""
    assert read(path) == [(0, ONE), (1, TWO), (2, THREE)]


def test_a_lock_that_names_nobody_does_not_name_anybody(path: Path) -> None:
    with Journal(path, now):
        path.with_name("run.lock").write_bytes(b"\xff12")
        assert refusal(path) == f"{path.parent}: another process is writing this run"


def test_the_lock_of_a_killed_process_is_free_and_its_records_are_there(path: Path) -> None:
    command = [sys.executable, "-c", WRITER, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        assert f"another process (pid {writer.pid}) is writing this run" in refusal(path)
        assert read(path) == [(0, ONE)]  # who reads does not ask for the lock
        writer.kill()
    assert reopen(path, TWO) == ""
    assert read(path) == [(0, ONE), (1, TWO)]
