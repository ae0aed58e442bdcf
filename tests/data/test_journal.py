"""The journal as it is written: what was appended is there, whatever the disk does."""

import errno
import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from journals import fail, read, write

from spm_auto.clock import InstantClock
from spm_auto.data import (
    Alarm,
    Journal,
    JournalReader,
    Record,
    RunPaused,
)
from spm_auto.errors import DataError, JournalFull


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.spmj"


def test_records_come_back_in_order_with_their_numbers_and_both_times(path: Path) -> None:
    clock, utc = InstantClock(), iter([1000.0, 1001.5, 1001.5])
    written: list[Record] = []
    with Journal(path, clock.now, lambda: next(utc)) as journal:
        for text in ("a", "b", "c"):
            written.append(journal.append(Alarm(text)))
            clock.wait(2.0)
    read_back = list(JournalReader(path).poll())
    assert read_back == written
    assert [record.number for record in read_back] == [0, 1, 2]
    assert [record.time for record in read_back] == [0.0, 2.0, 4.0]
    assert [record.utc for record in read_back] == [1000.0, 1001.5, 1001.5]


def test_records_of_several_threads_do_not_mix(path: Path) -> None:
    ready = threading.Barrier(4)

    def append(journal: Journal, name: str) -> None:
        ready.wait()
        for number in range(50):
            journal.append(Alarm(f"{name}{number}"))

    with Journal(path, now=lambda: 0.0) as journal:
        threads = [threading.Thread(target=append, args=(journal, name)) for name in "abcd"]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    records = list(JournalReader(path).poll())
    assert [record.number for record in records] == list(range(200))
    texts = [record.event.message for record in records if isinstance(record.event, Alarm)]
    assert [text for text in texts if text[0] == "b"] == [f"b{number}" for number in range(50)]


def test_a_folder_that_holds_a_run_is_refused_and_the_run_stays(path: Path) -> None:
    write(path, Alarm("one"))
    with pytest.raises(DataError, match="holds a run already; choose another folder"):
        Journal(path, now=lambda: 0.0)
    assert read(path)[0] == [Alarm("one")]


def test_a_journal_that_cannot_be_made_names_its_path(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DataError, match=r"file.run\.spmj: the journal cannot be made"):
        Journal(tmp_path / "file" / "run.spmj", now=lambda: 0.0)


def test_a_journal_in_a_read_only_folder_is_refused_and_leaves_nothing(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "open", fail(errno.EROFS))
    with pytest.raises(DataError, match=r"run\.spmj: the journal cannot be made: Read-only file"):
        Journal(path, now=lambda: 0.0)
    assert list(path.parent.iterdir()) == []


def test_folders_above_the_journal_are_made(tmp_path: Path) -> None:
    write(tmp_path / "a" / "b" / "run.spmj", RunPaused())
    assert read(tmp_path / "a" / "b" / "run.spmj")[0] == [RunPaused()]


def short_write(limit: int) -> Callable[[int, bytes], int]:
    """Make a disk that takes at most so many bytes at once."""
    real = os.write
    return lambda file, data: real(file, data[:limit])


def test_a_short_write_is_rolled_back_and_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        journal.append(Alarm("one"))
        size = path.stat().st_size
        with monkeypatch.context() as full:
            full.setattr(os, "write", short_write(20))
            with pytest.raises(DataError, match=r"the disk took 20 of \d+ bytes; is it full\?"):
                journal.append(Alarm("lost"))
        assert path.stat().st_size == size
        journal.append(Alarm("two"))
    records = list(JournalReader(path).poll())
    assert [record.event for record in records] == [Alarm("one"), Alarm("two")]
    assert [record.number for record in records] == [0, 1]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_said_and_once_there_is_room_the_event_can_be_appended(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        with monkeypatch.context() as full:
            full.setattr(os, "write", fail(number))
            for _ in range(2):
                with pytest.raises(JournalFull, match=r"run\.spmj: the journal cannot be written"):
                    journal.append(Alarm("one"))
        assert journal.append(Alarm("one")).number == 0
    assert read(path) == ([Alarm("one")], "")


def test_nothing_is_appended_to_a_torn_record_that_cannot_be_cut_off(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        journal.append(Alarm("one"))
        with monkeypatch.context() as broken:
            broken.setattr(os, "write", short_write(20))
            broken.setattr(os, "ftruncate", fail(errno.EIO))
            with pytest.raises(DataError, match="the disk took 20 of"):
                journal.append(Alarm("two"))
        size = path.stat().st_size
        with pytest.raises(DataError, match="nothing more is written: its end is torn and cannot"):
            journal.append(Alarm("two"))
        assert path.stat().st_size == size
    with Journal.reopen(path, now=lambda: 0.0) as journal:
        journal.append(Alarm("two"))
    assert read(path) == ([Alarm("one"), Alarm("two")], "")


def test_a_record_that_the_disk_did_not_take_is_not_in_the_journal(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        journal.append(Alarm("one"))
        with monkeypatch.context() as broken:
            broken.setattr(os, "fsync", fail(errno.EIO))
            with pytest.raises(DataError, match="Input/output error"):
                journal.append(Alarm("two"), sync=True)
        assert journal.append(Alarm("three"), sync=True).number == 1
    assert read(path) == ([Alarm("one"), Alarm("three")], "")


@pytest.mark.parametrize("call", ["write", "fsync"])
def test_ctrl_c_in_mid_writing_leaves_whole_records_with_numbers_of_their_own(
    path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    real = getattr(os, call)

    def interrupted(*arguments: object) -> NoReturn:
        real(*arguments)
        raise KeyboardInterrupt

    with Journal(path, now=lambda: 0.0) as journal:
        with monkeypatch.context() as pressed:
            pressed.setattr(os, call, interrupted)
            with pytest.raises(KeyboardInterrupt):
                journal.append(Alarm("lost"), sync=True)
        assert journal.append(Alarm("one")).number == 0
    assert read(path) == ([Alarm("one")], "")


def test_a_journal_that_is_deleted_under_the_run_is_missed_at_the_next_record(path: Path) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        journal.append(Alarm("one"))
        path.unlink()
        with pytest.raises(DataError, match="was deleted while it was written"):
            journal.append(Alarm("two"))


def test_an_event_that_cannot_be_stored_leaves_no_trace(path: Path) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        with pytest.raises(TypeError):
            journal.append(Alarm(object()))  # type: ignore[arg-type]  # the fault that is meant
        journal.append(Alarm("one"))
    assert read(path) == ([Alarm("one")], "")


def test_a_closed_journal_refuses_and_may_be_closed_again(path: Path) -> None:
    journal = Journal(path, now=lambda: 0.0)
    journal.close()
    journal.close()
    with pytest.raises(DataError, match="the journal is closed"):
        journal.append(RunPaused())


def test_what_was_written_survives_without_the_journal_being_closed(path: Path) -> None:
    journal = Journal(path, now=lambda: 0.0)
    journal.append(Alarm("one"))
    assert read(path)[0] == [Alarm("one")]
    journal.close()


def synced(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note every call that brings a file to the disk."""
    calls: list[int] = []
    monkeypatch.setattr(os, "fsync", calls.append)
    return calls


def test_the_disk_is_asked_at_most_once_a_second_and_for_what_matters(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([100.0, 100.5, 100.9, 101.1, 101.2])
    calls = synced(monkeypatch)
    with Journal(path, now=lambda: 0.0, utc=lambda: next(times)) as journal:
        calls.clear()
        counts = []
        for sync in (False, False, True, False, False):
            journal.append(RunPaused(), sync=sync)
            counts.append(len(calls))
    assert counts == [1, 1, 2, 2, 2]


def test_a_clock_set_back_does_not_keep_records_from_the_disk(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter([7200.0, 3600.0])
    calls = synced(monkeypatch)
    with Journal(path, now=lambda: 0.0, utc=lambda: next(times)) as journal:
        journal.append(RunPaused())
        before = len(calls)
        journal.append(RunPaused())
        assert len(calls) == before + 1


def test_a_disk_that_fails_to_sync_is_said_as_damaged_data(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path, now=lambda: 0.0)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail(errno.EIO))
        with pytest.raises(DataError, match=r"run\.spmj: .*Input/output error"):
            journal.append(RunPaused())
        with pytest.raises(DataError, match=r"run\.spmj: .*Input/output error"):
            journal.close()
    journal.close()


def test_a_journal_whose_first_bytes_find_no_room_leaves_no_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as full:
        full.setattr(os, "write", short_write(3))
        with pytest.raises(DataError, match="is it full"):
            Journal(path, now=lambda: 0.0)
    assert not path.exists()
    write(path, RunPaused())
