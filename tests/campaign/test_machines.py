"""The same campaign on a pool, on Dask, with workers killed, by two at once: the same results."""

import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from benchmarks.campaign import LOOK, carry_out, is_half_done
from spm_auto.campaign import entries
from spm_auto.campaign.attempts import read_attempts

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.skipif(sys.platform == "win32", reason="kill -9 is of other systems"),
]

SPEC = """
schema_version = 1
title = "Eight games of a second"

[[runs]]
name = "eight"
tasks = ["write_pattern"]
agents = ["random", "sobol"]
seeds = "0..3"
"""
TWO = ("--workers", "2")


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("spec") / "eight.toml"
    path.write_text(SPEC)
    return path


@pytest.fixture(scope="module")
def expected(spec: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Give the results as one worker makes them."""
    out = tmp_path_factory.mktemp("alone")
    carry_out(spec, out, "--workers", "1")
    return made(out)


def made(out: Path) -> dict[str, bytes]:
    """Return all results, by key."""
    return {entry.key: (entry.folder / "result.json").read_bytes() for entry in entries(out)}


def attempts(out: Path) -> Counter[str]:
    """Return how many attempts began, ended and so on; no run ended twice."""
    lines = [[line["what"] for line in read_attempts(entry.folder)] for entry in entries(out)]
    assert all(each.count("ended") == 1 for each in lines)
    return Counter(what for each in lines for what in each)


def test_a_pool_and_dask_make_the_same_results(
    spec: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    carry_out(spec, tmp_path / "pool", *TWO)
    carry_out(spec, tmp_path / "dask", "--on", "dask", *TWO)
    assert len(expected) == 8
    for way in ("pool", "dask"):
        assert made(tmp_path / way) == expected
        assert attempts(tmp_path / way) == {"began": 8, "ended": 8}


@pytest.mark.parametrize("words", [TWO, ("--on", "dask", *TWO)])
def test_with_a_worker_killed_no_run_is_lost_or_doubled(
    spec: Path, expected: dict[str, bytes], tmp_path: Path, words: tuple[str, ...]
) -> None:
    carry_out(spec, tmp_path, *words, kill="worker")
    assert made(tmp_path) == expected
    assert attempts(tmp_path) == {"began": 9, "ended": 8}


def test_after_a_kill_of_all_two_at_once_go_on_and_no_run_is_doubled(
    spec: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    carry_out(spec, tmp_path, *TWO, kill="all")
    half = sum(entry.is_done for entry in entries(tmp_path))
    assert 4 <= half < 8
    calls = [called(spec, tmp_path) for _ in range(2)]
    assert [process.wait(300) for process in calls] == [0, 0]
    assert made(tmp_path) == expected
    assert attempts(tmp_path)["ended"] == 8


def test_ctrl_c_ends_in_order_and_the_next_call_goes_on(
    spec: Path, expected: dict[str, bytes], tmp_path: Path
) -> None:
    process = called(spec, tmp_path)
    while not is_half_done(tmp_path):
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(LOOK)
    process.send_signal(signal.SIGINT)
    assert process.wait(60) == 130
    open_ones = [entry for entry in entries(tmp_path) if not entry.is_done]
    begun = [read_attempts(entry.folder) for entry in open_ones if read_attempts(entry.folder)]
    assert begun
    assert {lines[-1]["what"] for lines in begun} == {"dropped"}
    assert called(spec, tmp_path).wait(300) == 0
    assert made(tmp_path) == expected


def called(spec: Path, out: Path) -> subprocess.Popen[bytes]:
    """Call a campaign, in a process that goes on."""
    call = [sys.executable, "-m", "spm_auto", "campaign", str(spec), "--out", str(out), *TWO]
    return subprocess.Popen(call, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
