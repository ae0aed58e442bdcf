"""Whatever bit of a journal is flipped, and wherever it is cut off, the undamaged records are read.

The journal is one that an earlier program wrote: a whole run with lines, spectra, choices and fits.
"""

import itertools
import random
from collections.abc import Sequence
from pathlib import Path

import pytest
from counting import Count
from victim import digest

from spm_auto.data import JournalReader
from spm_auto.data.framing import HEAD_LENGTH, Content, pack_head, read_at

RUN = Path(__file__).parent.parent / "files" / "journal-1.spmj"
SOME, MANY, ALL = 150, 10_000, 48
RUNS = [pytest.param(MANY, marks=pytest.mark.torture, id="many"), pytest.param(SOME, id="some")]


def records_of(path: Path) -> tuple[list[str], str]:
    """Return the digest of each record that can be read, and the damage."""
    reader = JournalReader(path)
    return [digest(record) for record in reader.poll()], reader.damage


def ends_of(path: Path) -> list[int]:
    """Return where the head ends, and each record."""
    ends = [HEAD_LENGTH]
    with path.open("rb") as file:
        while isinstance(content := read_at(file, ends[-1], path.stat().st_size), Content):
            ends.append(content.end)
    return ends


def without(records: Sequence[str], ends: Sequence[int], places: set[int]) -> list[str]:
    """Return the records in which none of the places lies."""
    spans = zip(records, itertools.pairwise(ends), strict=True)
    return [r for r, (start, end) in spans if not any(start <= p < end for p in places)]


@pytest.mark.parametrize("flips", RUNS)
def test_flipped_bits_cost_the_records_that_they_are_in_and_no_other(
    tmp_path: Path, count: Count, flips: int
) -> None:
    data, (records, _), ends = RUN.read_bytes(), records_of(RUN), ends_of(RUN)
    assert len(records) == len(ends) - 1 > 40
    path, rng = tmp_path / "run.spmj", random.Random(7)
    for number in range(flips):
        places = {rng.randrange(HEAD_LENGTH, len(data)) for _ in range(rng.choice((1, 1, 1, 5)))}
        changed = bytearray(data)
        for place in places:
            changed[place] ^= 1 << rng.randrange(8)
        path.write_bytes(changed)
        read, damage = records_of(path)
        expected = without(records, ends, places)
        count("journals", flipped=1, records_read=len(read), wrong=int(read != expected))
        assert read == expected, (number, places)
        assert damage


@pytest.mark.parametrize("bit", range(8 * HEAD_LENGTH))
def test_a_flipped_bit_of_the_head_costs_nothing(tmp_path: Path, bit: int) -> None:
    data, (records, _) = RUN.read_bytes(), records_of(RUN)
    head = bytearray(pack_head(1))  # the first journals had no checksum of their version
    head[bit // 8] ^= 1 << bit % 8
    path = tmp_path / "run.spmj"
    path.write_bytes(bytes(head) + data[HEAD_LENGTH:])
    assert records_of(path) == (records, "its head is damaged")


@pytest.mark.parametrize(
    ("records", "step"),
    [
        pytest.param(8, 1, marks=pytest.mark.torture, id="every byte"),
        pytest.param(48, 97, id="all"),
    ],
)
def test_a_run_cut_off_anywhere_is_good_up_to_its_last_whole_record(
    tmp_path: Path, count: Count, records: int, step: int
) -> None:
    data, (whole, _), ends = RUN.read_bytes(), records_of(RUN), ends_of(RUN)
    path = tmp_path / "run.spmj"
    for length in range(ends[-records - 1], len(data), step):
        path.write_bytes(data[:length])
        read, damage = records_of(path)
        count("journals", cut=1, records_read=len(read))
        assert read == whole[: sum(end <= length for end in ends) - 1]
        assert (damage == "") == (length in ends)
