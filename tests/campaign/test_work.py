"""A run in its folder: done once, done again after a kill, and not done where it cannot be."""

import errno
from pathlib import Path

import pytest
from hands import Here, end, written

from spm_auto.campaign import Entry, carry_on, carry_out, do, order, read_result
from spm_auto.campaign import work as work_module
from spm_auto.campaign.attempts import losses, note, read_attempts
from spm_auto.campaign.work import at_work
from spm_auto.errors import DataError, JournalFull, TaskError

ONE = """
schema_version = 1
title = "One"
[[runs]]
name = "one"
tasks = ["gap_hunt"]
agents = ["random"]
seeds = [3]
"""


@pytest.fixture
def entry(tmp_path: Path) -> Entry:
    (ordered,) = order(written(tmp_path, ONE), tmp_path / "out")
    return ordered


def test_a_run_that_was_killed_is_done_again_to_the_same_byte_and_then_never_more(
    entry: Entry, tmp_path: Path
) -> None:
    (other,) = order(written(tmp_path, ONE), tmp_path / "other")
    note(entry.folder, "began")
    (entry.folder / "run.spmj").write_bytes(b"what an attempt that was killed has left")
    for each in (entry, other):
        (outcome,) = carry_on([each.folder], Here())
        assert outcome.finish == "completed"
    made = (entry.folder / "result.json").read_bytes()
    assert made == (other.folder / "result.json").read_bytes()
    assert [line["what"] for line in read_attempts(entry.folder)] == ["began", "began", "ended"]
    assert do(entry.folder).finish == "completed"
    assert len(read_attempts(entry.folder)) == 3
    (ended,) = (line for line in read_attempts(other.folder) if line["what"] == "ended")
    assert ended["seconds"] > 0


def test_a_run_that_another_process_does_is_left_alone(entry: Entry) -> None:
    with at_work(entry.folder):
        outcome = do(entry.folder)
    assert outcome.finish == "elsewhere"
    assert "another process is doing this run" in outcome.message
    assert not entry.is_done


def test_a_run_that_was_waited_for_and_is_done_by_then_is_not_done_again(entry: Entry) -> None:
    end(entry, regret=0.125)
    assert do(entry.folder, patience=60.0).finish == "completed"
    assert read_attempts(entry.folder) == ()


def test_a_damaged_result_is_said_and_not_overwritten(entry: Entry) -> None:
    (entry.folder / "result.json").write_text("{}")
    outcome = do(entry.folder)
    assert (outcome.finish, entry.is_done) == ("not done", True)
    assert "is no result of a run" in outcome.message or "cannot be read" in outcome.message


def test_a_folder_whose_order_was_changed_by_hand_is_refused(entry: Entry) -> None:
    spec = entry.folder / "spec.json"
    spec.write_text(spec.read_text().replace('"seed": 3', '"seed": 4'))
    with pytest.raises(DataError, match="was changed"):
        carry_out(entry.folder)


def test_no_run_is_begun_without_room_or_after_its_time(
    entry: Entry, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert do(entry.folder, until=0.0).message == "there was no time left for it"
    monkeypatch.setattr(work_module, "RESERVE", 2**62)
    assert do(entry.folder).finish == "no room"
    assert read_attempts(entry.folder) == ()


def full() -> JournalFull:
    return JournalFull("the journal: no space left on device")


def caused(number: int) -> DataError:
    error = DataError("the journal cannot be written")
    error.__cause__ = OSError(number, "said by the disk")
    return error


@pytest.mark.parametrize(
    ("error", "is_result"),
    [
        (TaskError("there is nothing to search for"), True),
        (caused(errno.ENOENT), True),
        (caused(errno.EIO), False),
        (full(), False),
    ],
)
def test_an_error_that_would_come_again_is_a_result_and_one_of_the_disk_is_none(
    entry: Entry, monkeypatch: pytest.MonkeyPatch, error: Exception, is_result: bool
) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr(work_module, "play_game", fail)
    outcome = do(entry.folder)
    result = read_result(entry.folder)
    assert outcome.finish == ("failed" if is_result else "not done")
    assert (result is not None) == is_result
    assert losses(entry.folder) == 0
    if result:
        assert result.message == f"{type(error).__name__}: {error}"
