"""spm-auto steer: what a human types is done to the run, or refused in one line."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from bench import PATIENCE, Bench
from ohmic_runs import EXPLORE, OVERVIEW, recipe
from prompt import LAB, Command

from spm_auto.agents import AllowRegion, ForbidRegion, ForcePoint, Prefer, Rescalarize
from spm_auto.data import FinishReason, InstructionFailed, Judged, Verdict, open_run
from spm_auto.ear import Ear
from spm_auto.listening import parse_every

_TICK = 0.002  # [s]
ASKING = {**EXPLORE, "approval": "every", "budget": 4}


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path / "run")
    with Ear(bench.runner, bench.folder, "ohmic contacts"):
        yield bench


def wait_for_question(bench: Bench, number: int) -> None:
    for _ in range(int(PATIENCE / _TICK)):
        question = bench.runner.question
        if bench.runner.wait(_TICK) or (question is not None and question.number >= number):
            break
    assert bench.runner.question is not None


def test_a_run_is_answered_and_steered_from_another_terminal(
    command: Command, bench: Bench
) -> None:
    def steer(*words: str) -> str:
        code, out, err = command("steer", bench.folder, *words, "--who", "Ada", "--why", "so")
        assert code == 0, err
        assert out.count("\n") == 1  # one clear line
        return out.strip()

    bench.runner.start(recipe(OVERVIEW, ASKING).steps, seed=1)
    wait_for_question(bench, 1)
    assert steer("approve").startswith("approved: spectrum 1: measure at (")
    wait_for_question(bench, 2)
    assert steer("reject").startswith("rejected: spectrum 2")
    wait_for_question(bench, 3)
    assert steer("note", "it rains") == "noted"
    assert steer("edit", "-200 nm", "0 nm").startswith("edited: spectrum 2")
    wait_for_question(bench, 4)
    assert steer("point", "-40 nm", "30 nm") == "asked: measure at (-40 nm, 30 nm)"
    assert steer("scalarizer", "peak") == "asked: judge all spectra by peak"
    assert steer("pause") == "it waits before its next instruction"
    assert steer("resume") == "it goes on"
    assert steer("approval", "never") == "a human is asked about no proposal"
    assert bench.runner.wait(PATIENCE)
    run = open_run(bench.folder)
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    kinds = [event.kind for event in run.interventions]
    assert kinds == ["annotate", "force_point", "rescalarize", "pause", "resume", "set_approval"]
    assert {(event.who, event.why) for event in run.interventions} == {("Ada", "so")}
    judged = [record.event for record in run.records if isinstance(record.event, Judged)]
    assert [j.verdict for j in judged] == [Verdict.APPROVED, Verdict.REJECTED, Verdict.EDITED]
    assert any(spectrum.x < -1e-7 for spectrum in run.spectra)


def test_quantities_and_negative_ones_are_read(command: Command, bench: Bench) -> None:
    for words in (
        ("point", "-1 nm", "-2 nm", "--bias", "-3 V"),
        ("forbid", "10 nm", "-20 nm", "--radius", "5 nm"),
        ("allow", "10 nm", "-20 nm", "--size", "5 nm", "1 um"),
        ("prefer", "12", "-10 nm, 20 nm"),
        ("scalarizer", "peak"),
    ):
        assert command("steer", bench.folder, *words)[0] == 0, words
    assert bench.runner.waiting == tuple(
        map(
            str,
            (
                ForcePoint(-1e-9, -2e-9, -3.0),
                ForbidRegion((1e-8, -2e-8), radius=5e-9),
                AllowRegion((1e-8, -2e-8), size=(5e-9, 1e-6)),
                Prefer(12, (-1e-8, 2e-8)),
                Rescalarize("peak"),
            ),
        )
    )


def test_status_is_for_people_and_for_scripts(command: Command, bench: Bench) -> None:
    code, out, _ = command("steer", bench.folder, "status")
    assert code == 0
    assert "title      ohmic contacts\nstate      idle\nasks       -\n" in out
    table = json.loads(command("steer", bench.folder, "status", "--json")[1])
    assert (table["state"], table["asks"], table["waiting"]) == ("idle", [], [])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("approve",), "the run asks nothing just now"),
        (("point", "1", "2 nm"), "unit"),
        (("point", "1 V", "2 nm"), "'1 V'"),
        (("forbid", "1 nm", "2 nm"), "either a size"),
        (("forbid", "1 nm", "2 nm", "--radius", "0 nm"), "positive"),
        (("exploration", "-1"), "must be finite and not negative"),
        (("prefer", "somewhere", "2"), "'somewhere' is neither a candidate"),
        (("approval", "often"), "'often' does not say how often"),
        (("scalarizer", "peek"), "did you mean 'peak'?"),
        (("note", " "), "a note is a text that says something"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(
    words: tuple[str, ...], said: str, command: Command, bench: Bench
) -> None:
    code, out, err = command("steer", bench.folder, *words)
    assert code == 1
    assert out == ""
    assert err.startswith("error: ")
    assert err.count("\n") == 1
    assert said in err
    assert bench.runner.waiting == ()


def test_a_folder_where_nothing_runs_says_so(command: Command, tmp_path: Path) -> None:
    code, _, err = command("steer", tmp_path, "pause")
    assert code == 1
    assert "no run listens here (ear.json is missing)" in err


def test_nobody_has_to_be_there_for_a_run_that_is_told_so(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "asks.toml"
    path.write_text(
        'schema_version = 1\ntitle = "asks"\n[[steps]]\nkind = "approve"\nmessage = "good?"\n',
        "utf-8",
    )
    code, _, err = command(
        "run", path, "--lab", LAB, "--out", tmp_path / "run", "--approve", "never"
    )
    assert code == 0, err
    records = open_run(tmp_path / "run").records
    (judged,) = [record.event for record in records if isinstance(record.event, Judged)]
    assert (judged.verdict, judged.who) == (Verdict.APPROVED, "--approve never")
    assert not (tmp_path / "run" / "ear.json").exists()
    code, _, err = command(
        "run", path, "--lab", LAB, "--out", tmp_path / "other", "--approve", "maybe"
    )
    assert code == 1
    assert "'maybe' does not say how often" in err
    assert not (tmp_path / "other").exists()


def test_how_often_is_read_as_it_is_said() -> None:
    assert [parse_every(text) for text in ("never", "every", "every 5", "7")] == [0, 1, 5, 7]


def test_a_run_is_worked_with_by_hand_from_another_terminal(command: Command, bench: Bench) -> None:
    def steer(*words: str) -> str:
        code, out, err = command("steer", bench.folder, *words)
        return out.strip() if code == 0 else err.strip()

    bench.runner.start(recipe({"kind": "by_hand"}).steps, seed=1)
    orders = (
        ("scan", "0 nm", "-50 nm", "--size", "200 nm", "100 nm", "--pixels", "8", "4"),
        ("move", "-100 nm", "0 nm"),
        ("spectrum", "50 nm", "0 nm", "--amplitude", "2 V", "--points", "8"),
        ("move", "5 um", "0 nm"),
        ("load",),
    )
    for number, words in enumerate(orders, start=1):
        wait_for_question(bench, number)
        assert steer("do", *words).startswith("begun: ")
    wait_for_question(bench, 6)
    assert "nothing is being done by hand" in steer("do", "interrupt")
    nothing = steer("do", "scan", "0 nm", "0 nm", "--size", "0 nm", "1 nm")
    assert "size must be positive" in nothing
    assert steer("do", "move", "3 V", "0 nm").startswith("error: ")
    assert bench.runner.question is not None  # nothing of it was sent
    assert steer("do", "finish") == "the run goes on"
    assert bench.runner.wait(PATIENCE)
    run = open_run(bench.folder)
    assert run.scans[0].frame.pixels == (8, 4)
    assert run.scans[0].frame.center == (0.0, -5e-8)
    assert len(run.spectra[0].bias) == 8
    failed = [r.event for r in run.records if isinstance(r.event, InstructionFailed)]
    assert [each.error for each in failed] == ["LimitExceeded"]
