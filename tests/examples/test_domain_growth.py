"""The example of domain growth runs, and finds what its film was made to do."""

import sys
from pathlib import Path

import pytest

from spm_auto import cli
from spm_auto.data import FinishReason, open_run

EXAMPLES = Path(__file__).parent.parent.parent / "examples"


def test_the_example_finds_that_its_walls_creep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ["spm-auto", "run", str(EXAMPLES / "domain_growth.toml")]
    words += ["--lab", str(EXAMPLES / "lab_epitaxial_film.toml"), "--out", str(tmp_path)]
    words += ["--seed", "3", "--set", "steps[0].frame.pixels=[64, 64]"]
    monkeypatch.setattr(sys, "argv", words)
    with pytest.raises(SystemExit) as leaving:
        cli.main()
    assert leaving.value.code == 0
    page = (tmp_path / "report.html").read_text("utf-8")
    assert "log_time is favoured" in page
    run = open_run(tmp_path)
    assert run.finished is not None
    assert run.finished.reason == FinishReason.COMPLETED
    last = run.findings[-1]
    assert (last.kind, last.values["law"]) == ("law", "log_time")
    assert last.values["probability"] >= 0.95
    assert last.values["parameters"]["c"] == pytest.approx(5e-9, abs=3e-9)  # a decade of time
