"""Row 19: files with a flipped bit."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from journals import line
from rows import Table

from spm_auto.data import (
    Alarm,
    FinishReason,
    Journal,
    JournalReader,
    RunFinished,
    open_run,
)
from spm_auto.errors import DataError, RecipeError
from spm_auto.lab import read_lab
from spm_auto.workflow import read_recipe

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
RECIPE, LAB = EXAMPLES / "ferroelectric.toml", EXAMPLES / "lab_simulator.toml"
FILES = Path(__file__).parent.parent / "files"
EVENTS = (line(0), Alarm("one", "room"), line(1), RunFinished(FinishReason.COMPLETED))


def bits(size: int, how_many: int, rng: random.Random) -> list[tuple[int, int]]:
    """Choose a bit of every byte, or of so many of them."""
    places = range(size) if how_many >= size else sorted(rng.sample(range(size), how_many))
    return [(place, 1 << rng.randrange(8)) for place in places]


def flipped(content: bytes, place: int, bit: int) -> bytes:
    changed = bytearray(content)
    changed[place] ^= bit
    return bytes(changed)


def test_a_flipped_bit_of_a_journal_is_said_and_never_written_over(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    counted = row(19, "flipped bits", "a bit of every byte of a journal, read and gone on with")
    path = tmp_path / "whole.spmj"
    with Journal(path, now=lambda: 0.0, utc=lambda: 1.0) as journal:
        for event in EVENTS:
            journal.append(event)
    whole = path.read_bytes()
    for place, bit in bits(len(whole), how_many(quick=60, full=len(whole)), random.Random(19)):
        folder = tmp_path / f"{place}"
        folder.mkdir()
        damaged = folder / "run.spmj"
        damaged.write_bytes(flipped(whole, place, bit))
        with counted.trial():
            reader = JournalReader(damaged)
            assert len(list(reader.poll())) >= len(EVENTS) - 1  # the one it is in, at most
            assert reader.damage
            before = damaged.read_bytes()
            try:
                Journal.reopen(damaged, lambda: 0.0).close()
            except DataError as refusal:
                said = str(refusal)
                assert "\n" not in said
                assert damaged.read_bytes() == before
            else:  # what was cut off is kept beside it
                kept = b"".join(f.read_bytes() for f in folder.iterdir() if f != damaged)
                assert sorted(damaged.read_bytes() + kept) == sorted(before)
        shutil.rmtree(folder)


@pytest.mark.parametrize("name", ["run-1.h5", "run-2.h5"])
def test_a_flipped_bit_of_a_run_file_is_a_value_or_one_clear_line(
    row: Table, how_many: Callable[..., int], tmp_path: Path, name: str
) -> None:
    counted = row(19, "flipped bits", "of run files, at random")
    content = (FILES / name).read_bytes()
    for place, bit in bits(len(content), how_many(quick=1, full=400), random.Random(name)):
        path = tmp_path / "run.h5"
        path.write_bytes(flipped(content, place, bit))
        with counted.trial():
            said = ""
            try:
                open_run(path)
            except DataError as refusal:
                said = str(refusal)
            assert "\n" not in said
            assert path.read_bytes() == flipped(content, place, bit)


@pytest.mark.parametrize("path", [RECIPE, LAB, EXAMPLES / "lab_nanonis.toml"], ids=lambda p: p.stem)
def test_a_flipped_bit_of_a_settings_file_is_a_value_or_lines_that_name_it(
    row: Table, how_many: Callable[..., int], tmp_path: Path, path: Path
) -> None:
    counted = row(19, "flipped bits", "of every byte of recipe and lab files")
    read: Callable[[Path], Any] = read_recipe if path == RECIPE else read_lab
    content = path.read_bytes()
    damaged, refused = tmp_path / path.name, 0
    for place, bit in bits(len(content), how_many(quick=60, full=len(content)), random.Random(1)):
        damaged.write_bytes(flipped(content, place, bit))
        with counted.trial():
            try:
                read(damaged)
            except RecipeError as refusal:
                refused += 1
                said = str(refusal)
                assert path.name in said
    assert refused > 0
