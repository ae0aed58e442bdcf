"""The journal as it is read: damage costs the record that it is in, and no other."""

import errno
import struct
import tracemalloc
import zlib
from pathlib import Path

import msgpack
import pytest
from journals import fail, line, read, write

from spm_auto.data import (
    Alarm,
    Journal,
    JournalReader,
    StepStarted,
)
from spm_auto.errors import DataError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "run.spmj"


def test_a_journal_cut_anywhere_in_its_last_record_is_good_up_to_there(path: Path) -> None:
    write(path, line(0), line(1))
    before = path.stat().st_size
    with_last = path.with_name("longer.spmj")
    write(with_last, line(0), line(1), line(2))
    whole = with_last.read_bytes()
    for length in range(before, len(whole)):
        path.write_bytes(whole[:length])
        events, damage = read(path)
        assert len(events) == 2
        if length == before:
            assert damage == ""
        else:
            assert damage == f"a torn record at byte {before}"
    assert len(read(with_last)[0]) == 3


def test_a_flipped_bit_anywhere_in_the_last_record_is_noticed(path: Path) -> None:
    write(path, line(0))
    before = path.stat().st_size
    other = path.with_name("other.spmj")
    write(other, line(0), line(1))
    whole = other.read_bytes()
    for place in range(before, len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 1 << place % 8
        path.write_bytes(changed)
        events, damage = read(path)
        assert len(events) == 1, f"byte {place}"
        assert damage.endswith(f"at byte {before}")


def test_what_follows_a_damaged_record_is_read_and_the_loss_is_named(path: Path) -> None:
    write(path, Alarm("one"), Alarm("two"), Alarm("three"))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"two", b"owt"))
    place = data.index(b"SPMr", data.index(b"one"))
    length = data.index(b"SPMr", place + 1) - place
    assert read(path) == (
        [Alarm("one"), Alarm("three")],
        f"a damaged record at byte {place} ({length} bytes); record 1 is missing with it",
    )


def test_whatever_byte_is_damaged_one_record_is_lost_and_no_other(path: Path) -> None:
    write(path, line(0), Alarm("two"), StepStarted(1, "explore"), line(3, pixels=2))
    whole = path.read_bytes()
    records = list(JournalReader(path).poll())
    starts = [place for place in range(len(whole)) if whole.startswith(b"SPMr", place)]
    for place in range(len(whole)):
        changed = bytearray(whole)
        changed[place] ^= 0xFF
        path.write_bytes(changed)
        reader = JournalReader(path)
        lost = sum(start <= place for start in starts) - 1  # -1 is the head
        left = [record.number for record in reader.poll()]
        assert left == [number for number in range(len(records)) if number != lost], place
        assert f"record {lost} is missing" in reader.damage or lost in (-1, len(records) - 1)
        assert reader.damage


def test_records_that_were_cut_out_are_missed(path: Path) -> None:
    write(path, *(Alarm(text) for text in "abcd"))
    data = path.read_bytes()
    length = (len(data) - 16) // 4
    path.write_bytes(data[: 16 + length] + data[16 + 3 * length :])
    assert read(path) == (
        [Alarm("a"), Alarm("d")],
        f"records 1 to 2 are missing before byte {16 + length}",
    )


def test_a_record_that_stands_there_twice_is_read_once(path: Path) -> None:
    write(path, Alarm("a"), Alarm("b"))
    data = path.read_bytes()
    path.write_bytes(data + data[16:])
    events, damage = read(path)
    assert events == [Alarm("a"), Alarm("b")]
    assert damage == f"a record out of order (number 0) at byte {len(data)}"


def test_a_journal_with_a_damaged_head_is_read_on(path: Path) -> None:
    write(path, Alarm("one"))
    path.write_bytes(b"X" + path.read_bytes()[1:])
    assert read(path) == ([Alarm("one")], "its head is damaged")


def test_damage_that_good_records_follow_while_the_file_grows_is_passed(path: Path) -> None:
    write(path, Alarm("one"), Alarm("two"), Alarm("three"))
    whole = path.read_bytes()
    last = whole.rindex(b"SPMr")
    damaged = whole.replace(b"two", b"owt")
    path.write_bytes(damaged[:last])
    reader = JournalReader(path)
    assert [record.number for record in reader.poll()] == [0]
    assert reader.damage.startswith("a damaged record at byte")
    path.write_bytes(damaged[:-1])
    assert list(reader.poll()) == []
    path.write_bytes(damaged)
    assert [record.number for record in reader.poll()] == [2]
    assert "record 1 is missing" in reader.damage


def test_a_long_torn_end_full_of_false_beginnings_is_searched_in_bounded_time(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, Alarm("one"))
    start = path.stat().st_size
    prefix = struct.pack("<4sHHIQdI", b"SPMr", 1, 0, 0, 50_000, 0.0, 0)  # longer than to the next
    with path.open("ab") as file:
        file.write(prefix * 3000)
    checked = 0
    real = zlib.crc32

    def count(data: bytes, value: int = 0) -> int:
        nonlocal checked
        checked += len(data)
        return real(data, value)

    monkeypatch.setattr(zlib, "crc32", count)
    reader = JournalReader(path)
    assert [record.event for record in reader.poll()] == [Alarm("one")]
    assert reader.damage.startswith(f"a damaged record at byte {start}; no whole record")
    assert checked < 6 * path.stat().st_size
    checked = 0
    assert list(reader.poll()) == []
    assert checked < path.stat().st_size


@pytest.mark.parametrize("lengths", [(2**32 - 1, 0), (0, 2**63), (2**31, 2**62)])
def test_a_prefix_that_declares_a_huge_record_costs_no_memory(
    path: Path, lengths: tuple[int, int]
) -> None:
    write(path, Alarm("one"))
    size = path.stat().st_size
    with path.open("ab") as file:
        file.write(struct.pack("<4sHHIQdI", b"SPMr", 1, 0, *lengths, 0.0, 0) + bytes(100))
    tracemalloc.start()
    try:
        events, damage = read(path)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert events == [Alarm("one")]
    assert damage == f"a torn record at byte {size}"
    assert peak < 2**20


def test_a_journal_can_be_read_while_it_is_being_written(path: Path) -> None:
    with Journal(path, now=lambda: 0.0) as journal:
        reader = JournalReader(path)
        assert list(reader.poll()) == []
        journal.append(Alarm("one"))
        assert [record.event for record in reader.poll()] == [Alarm("one")]
        assert list(reader.poll()) == []
        journal.append(Alarm("two"))
        journal.append(Alarm("three"))
        assert [record.event for record in reader.poll()] == [Alarm("two"), Alarm("three")]
    assert reader.damage == ""


def test_a_record_seen_half_written_is_read_once_it_is_whole(path: Path) -> None:
    write(path, line(0), line(1))
    whole = path.read_bytes()
    path.write_bytes(whole[:-10])
    reader = JournalReader(path)
    assert len(list(reader.poll())) == 1
    assert "torn" in reader.damage
    path.write_bytes(whole)
    assert [record.number for record in reader.poll()] == [1]
    assert reader.damage == ""


def test_whoever_stops_reading_in_between_goes_on_with_the_next_record(path: Path) -> None:
    write(path, Alarm("one"), Alarm("two"))
    reader = JournalReader(path)
    assert next(reader.poll()).event == Alarm("one")
    assert next(reader.poll()).event == Alarm("two")


@pytest.mark.parametrize("content", [b"", b"SPM", b"\x89HDF\r\n\x1a\n" + bytes(64)])
def test_a_file_of_another_kind_is_refused_in_one_line(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(DataError) as refusal:
        JournalReader(path)
    assert str(refusal.value) == f"{path} is no journal of spm_auto"


def test_a_journal_of_another_version_is_refused_with_both_versions(path: Path) -> None:
    path.write_bytes(struct.pack("<8sII", b"SPMAUTOJ", 7, 0))
    with pytest.raises(DataError, match="has journal version 7; this program reads 1 and 2"):
        JournalReader(path)


def test_a_missing_journal_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="cannot be read: No such file"):
        JournalReader(path)


def test_a_disk_that_does_not_give_the_journal_back_is_said_in_one_line(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, Alarm("one"))
    reader = JournalReader(path)
    monkeypatch.setattr("spm_auto.data.journal.read_at", fail(errno.EIO))
    with pytest.raises(DataError, match=r"run\.spmj: the journal cannot be read: Input/output"):
        list(reader.poll())


def test_a_whole_record_of_an_unknown_kind_names_the_file_and_the_place(path: Path) -> None:
    write(path, Alarm("one"))
    size = path.stat().st_size
    header = msgpack.packb({"~kind": "FromTheFuture"})
    prefix = struct.pack("<4sHHIQd", b"SPMr", 1, 0, len(header), 0, 0.0)
    with path.open("ab") as file:
        file.write(prefix + struct.pack("<I", zlib.crc32(header, zlib.crc32(prefix))) + header)
    with pytest.raises(DataError, match=rf"run\.spmj: at byte {size}: .*FromTheFuture"):
        list(JournalReader(path).poll())
