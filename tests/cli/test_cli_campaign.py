"""Campaigns at the command line; the runs themselves are put there."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from prompt import Command

from spm_auto.campaign import entries, read_result
from spm_auto.campaign.result import Result, write_result
from spm_auto.campaign.work import read_spec

SPEC = """
schema_version = 1
title = "Two players, two seeds"

[[runs]]
name = "small"
tasks = ["gap_hunt"]
agents = ["random", "sobol"]
seeds = "0..1"
"""


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "campaign.toml"
    path.write_text(SPEC)
    return path


def finish(out: Path, count: int, regret: float = 0.25) -> None:
    """Put the results of some runs there."""
    for entry in entries(out)[:count]:
        spec, _ = read_spec(entry.folder)
        figures = {"regret": regret, "time_to_good": float("inf")}
        result = Result(key=spec.key, spec=spec, finish="completed", figures=figures)
        write_result(entry.folder, result)


def test_a_dry_run_counts_and_writes_nothing(command: Command, spec: Path, tmp_path: Path) -> None:
    code, out, _ = command("campaign", spec, "--out", tmp_path / "out", "--dry-run")
    assert (code, out) == (0, "4 runs: 4 open\n")
    assert not (tmp_path / "out").exists()


def test_an_array_of_jobs_is_written_and_a_job_that_finds_its_part_done_does_nothing(
    command: Command, spec: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    code, said, _ = command("campaign", spec, "--out", out, "--array", 2)
    assert (code, said.splitlines()[0]) == (0, f"SLURM: sbatch {out / 'array.sbatch'}")
    finish(out, 2)
    code, said, _ = command("campaign-work", out, "--part", 0, "--of", 2, "--json")
    assert (code, json.loads(said)["counts"]["completed"]) == (0, 2)
    code, _, err = command("campaign-work", out, "--part", 2, "--of", 2)
    assert (code, err) == (1, "error: there is no part 2 of 2; they are 0 to 1\n")


def test_results_are_read_while_runs_are_open(command: Command, spec: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    command("campaign", spec, "--out", out, "--array", 1)
    finish(out, 3)
    code, said, _ = command("results", out, "--json")
    found = json.loads(said)
    assert code == 0
    assert (found["counts"]["completed"], found["counts"]["open"]) == (3, 1)
    assert [(line["label"], line["done"], line["mean"]) for line in found["lines"]] == [
        ("random", 2, 0.25),
        ("sobol", 1, 0.25),
    ]
    assert command("results", out, "--csv")[1].count("\n") == 5
    table = command("results", out, "--figure", "time_to_good")[1]
    assert "4 runs: 3 completed, 1 open" in table
    assert command("results", out, "--figure", "regrt")[2].startswith("error: no run has a figure")


def test_what_is_done_is_not_begun_and_failed_runs_only_where_it_is_asked_for(
    command: Command, spec: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command("campaign", spec, "--out", out, "--array", 1)
    finish(out, 4)
    entry = entries(out)[0]
    result = read_result(entry.folder)
    assert result is not None
    failed = result.model_copy(update={"finish": "failed", "message": "no such data"})
    write_result(entry.folder, failed)
    code, said, _ = command("campaign", spec, "--out", out)
    assert code == 1
    assert said.splitlines()[0] == "4 runs: 3 completed, 1 failed"
    assert "no such data" in said
    assert "--again failed" in said
    _, _, err = command("campaign", spec, "--out", out, "--array", 1, "--again", "failed")
    assert err == "1 runs are done again\n"
    assert [each.is_done for each in entries(out)] == [False, True, True, True]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--on", "slurm"], "--on slurm needs --cluster FILE"),
        (["--cluster", "x.toml"], "--cluster belongs to --on dask"),
        (["--on", "dask", "--array", "3"], "--array writes job scripts and does no runs"),
        (["--on", "dask", "--cluster", "tcp://h:1", "--workers", "2"], "it has its workers"),
        (["--on", "dask", "--cluster", "host:8786"], "is no address of a scheduler"),
    ],
)
def test_options_that_do_not_go_together_are_refused(
    command: Command, spec: Path, tmp_path: Path, words: list[str], said: str
) -> None:
    code, _, err = command("campaign", spec, "--out", tmp_path / "out", *words)
    assert code == 1
    assert said in err


def test_the_help_of_campaigns_needs_no_numerics() -> None:
    code = (
        "import sys, spm_auto.cli; "
        "print({'numpy', 'dask', 'distributed', 'spm_auto.campaign'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
