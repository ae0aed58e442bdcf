"""A journal whose torn end is being cut off when the process dies is reopened all the same."""

import itertools
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from counting import Count

from spm_auto.data import Alarm, Journal, JournalReader, LineAcquired
from spm_auto.instrument import ScanLine

DIED = 9
AT_ONCE = 2  # processes
# dies before the N-th line of our own code that is run while a journal is reopened
REOPENER = """
import os, pathlib, sys
from spm_auto.data import Journal, journal, journal_file
ours, left = (journal.__file__, journal_file.__file__), int(sys.argv[2])
def trace(frame, event, argument):
    global left
    if frame.f_code.co_filename not in ours:
        return None
    if event == "line":
        left -= 1
        if left == 0:
            os._exit(9)
    return trace
import filelock
sys.settrace(trace)
Journal.reopen(pathlib.Path(sys.argv[1]), lambda: 0.0)
sys.settrace(None)
"""


def torn_journal(folder: Path) -> tuple[bytes, bytes]:
    """Write a journal with a torn end; returns what is whole of it, and the rest."""
    values = np.arange(6.0).reshape(1, 6)
    with Journal(folder / "run.spmj", lambda: 0.0) as journal:
        for number in range(3):
            journal.append(LineAcquired(ScanLine(number, values, -values, 0.0)))
        length = (folder / "run.spmj").stat().st_size
        journal.append(Alarm("the last words"))
    whole = (folder / "run.spmj").read_bytes()
    (folder / "run.spmj").write_bytes(whole[:-5])
    return whole[:length], whole[length:-5]


def die_at(folder: Path, line: int) -> bool:
    """Reopen a journal in a process that dies at a line; returns whether it came that far."""
    command = [sys.executable, "-c", REOPENER, str(folder / "run.spmj"), str(line)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode in (0, DIED), done.stderr
    return done.returncode == DIED


def check(folder: Path, whole: bytes, torn: bytes) -> None:
    """Reopen a journal once more: what was whole is there, what was torn is kept."""
    with Journal.reopen(folder / "run.spmj", lambda: 0.0) as journal:
        assert journal.append(Alarm("goes on")).number == 3
    assert (folder / "run.spmj").read_bytes().startswith(whole)
    assert [record.number for record in JournalReader(folder / "run.spmj").poll()] == [0, 1, 2, 3]
    assert torn in [kept.read_bytes() for kept in folder.glob("run.torn-*.bin")]


@pytest.mark.parametrize(
    "step", [pytest.param(1, marks=pytest.mark.torture), 60], ids=["every line", "some lines"]
)
def test_whatever_line_a_process_dies_at_the_journal_can_be_reopened(
    tmp_path: Path, count: Count, step: int
) -> None:
    def kill(line: int) -> bool:
        folder = tmp_path / f"{line}"
        whole, torn = torn_journal(folder)
        died = die_at(folder, line)
        check(folder, whole, torn)
        return died

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for first in itertools.count(step, step * AT_ONCE):
            died = list(pool.map(kill, range(first, first + step * AT_ONCE, step)))
            count("lines", kills=sum(died))
            if not all(died):
                break
    assert died != [False, False] or first > step


@pytest.mark.torture
def test_a_process_that_dies_again_and_again_while_it_reopens_loses_nothing(
    tmp_path: Path, count: Count
) -> None:
    whole, torn = torn_journal(tmp_path)
    kills = 0
    for line in range(2, 400, 9):
        kills += die_at(tmp_path, line)
        with (tmp_path / "run.spmj").open("rb") as file:
            assert file.read(len(whole)) == whole
        if (tmp_path / "run.spmj").stat().st_size == len(whole):  # cut: torn once more
            with (tmp_path / "run.spmj").open("ab") as file:
                file.write(torn)
    count("one journal", kills=kills)
    check(tmp_path, whole, torn)
    assert kills > 10
