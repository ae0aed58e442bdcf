"""`spm-auto conformance` examines instruments, and tells who lacks what and who fails."""

import json
from pathlib import Path

import pytest
from marked import MarkedMicroscope

from spm_auto.conformance import conformance
from spm_auto.errors import PluginError
from spm_auto.instrument.examined import Candidate, examine

LAB = """
schema_version = 1
laboratory = "graphite"
instrument = { kind = "simulator", level = 0, sample = { kind = "hopg" } }
limits = { bias = ["-8 V", "8 V"], x = ["0 nm", "40 nm"], y = ["0 nm", "40 nm"] }
clock = { kind = "instant" }
"""


def test_the_instrument_of_a_lab_file_is_examined_within_its_limits(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lab.toml").write_text(LAB, "utf-8")
    assert conformance((), tmp_path / "lab.toml", as_json=True) == 0
    marks = json.loads(capsys.readouterr().out)["graphite"]
    assert marks["faults"] == []
    assert marks["right"] == marks["asked"]
    assert marks["asked"]["scan"] >= 5
    assert "acquire_force_curve" in marks["lacks"]


def test_a_promise_that_is_broken_is_found_and_named() -> None:
    class Forgetful(MarkedMicroscope):
        """A microscope that cannot be stopped."""

        def emergency_stop(self) -> None:
            """Do nothing, which is the fault."""

    marks = examine(Candidate("forgetful", Forgetful))
    assert marks.right["emergency_stop"] == 0
    assert marks.right["scan"] == marks.asked["scan"]
    assert any("emergency" in question for question, _ in marks.faults)


def test_an_unknown_name_is_refused_with_one_that_is_close() -> None:
    with pytest.raises(PluginError, match="did you mean 'simulator'"):
        conformance(["simulater"], None)
