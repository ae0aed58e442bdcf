"""Each notebook runs from top to bottom, and what its practice student hands in is passed."""

import os
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from spm_auto import plugins
from spm_auto.classroom import AnswerSheet, grade, load_lesson, read_course

TUTORIALS = sorted((Path(__file__).parents[2] / "docs" / "tutorials").glob("[0-9]*.py"))
PASSED = 0.6  # share of the points
ALL_TOGETHER = 300.0  # [s] of processor time, whatever else the computer does


@dataclass(frozen=True, slots=True)
class Executed:
    """Notebooks that were executed.

    Attributes:
        home: Folder of the course.
        folder: With a folder for each notebook.
        seconds: How long each took [s], by name.
        cpu: Processor time of all, with their microscopes [s].
        faults: What went wrong, by name of the notebook; empty where nothing did.
    """

    home: Path
    folder: Path
    seconds: Mapping[str, float]
    cpu: float
    faults: Mapping[str, str]


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Executed:
    """Execute all notebooks, by nbmake, as a student without any course would."""
    import jupytext

    folder, home = tmp_path_factory.mktemp("notebooks"), tmp_path_factory.mktemp("home")
    (folder / "pytest.ini").write_text("[pytest]\n")
    for source in TUTORIALS:
        place = folder / source.stem
        place.mkdir()
        jupytext.write(jupytext.read(source, fmt="py:percent"), place / f"{source.stem}.ipynb")
    report, before = folder / "report.xml", _spent()
    subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-q", "-c", str(folder / "pytest.ini")),
            *("-p", "no:cacheprovider", "--nbmake", "--nbmake-timeout=240"),
            *(f"--junitxml={report}", str(folder)),
        ],
        cwd=folder,
        env={**os.environ, "SPM_AUTO_HOME": str(home), "MPLBACKEND": "agg"},
        check=False,
        timeout=900,
    )
    spent = _spent() - before
    seconds, faults = {}, {}
    for case in ElementTree.parse(report).iter("testcase"):
        where = case.attrib["classname"] + case.attrib["name"]
        name = next(source.stem for source in TUTORIALS if source.stem in where)
        seconds[name] = float(case.attrib["time"])
        faults[name] = "\n".join(
            part.text or "" for part in case if part.tag in ("failure", "error")
        )
    return Executed(home, folder, seconds, spent, faults)


@pytest.mark.lessons
def test_there_is_a_notebook_for_each_lesson() -> None:
    numbers = [f"{plugins.load('lessons', name).number:02d}" for name in plugins.names("lessons")]
    assert sorted(numbers) == [source.stem[:2] for source in TUTORIALS]


@pytest.mark.lessons
@pytest.mark.parametrize("name", [source.stem for source in TUTORIALS])
def test_a_notebook_runs_and_its_answer_passes(name: str, executed: Executed) -> None:
    assert executed.faults[name] == ""
    (answer,) = (executed.folder / name).glob("lessons/*/answer.json")
    sheet = AnswerSheet.read(answer)
    marks = grade(read_course(executed.home / "course.toml"), load_lesson(sheet.lesson), sheet)
    said = "\n".join(f"{m.points:g} of {m.most:g} {m.question}: {m.said}" for m in marks.marks)
    sys.stdout.write(f"{executed.seconds[name]:.0f} s, {marks.points:g} of {marks.most:g} points\n")
    assert marks.points >= PASSED * marks.most, said


@pytest.mark.lessons
@pytest.mark.skipif(os.name != "posix", reason="processor time of children is not told")
def test_all_notebooks_together_cost_less_than_five_minutes_of_a_processor(
    executed: Executed,
) -> None:
    sys.stdout.write(f"{executed.cpu:.0f} s of processor time\n")
    assert 0 < executed.cpu < ALL_TOGETHER


def _spent() -> float:
    """Return the processor time of all processes that this one has started and seen end [s]."""
    return os.times().children_user + os.times().children_system
