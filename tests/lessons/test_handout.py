"""The form of answers: what a student may write, and what is refused before it is handed in."""

from pathlib import Path

import numpy as np
import pytest

from spm_auto.classroom import AnswerSheet, Handout, checked
from spm_auto.errors import LessonError
from spm_auto.lessons import Question

QUESTIONS = {
    "width": Question("How wide?", unit="m"),
    "place": Question("Where?", unit="m", size=2),
    "state": Question("Does it ring?", options=("lags", "rings")),
    "share": Question("Which share?", unit="1"),
}
ANSWERS = {"width": "412 nm", "place": (1e-9, "2 nm"), "state": "lags", "share": 0.25}


def test_answers_become_si_numbers_whether_they_were_text_floats_or_arrays() -> None:
    expected = {"width": 412e-9, "place": (1e-9, 2e-9), "state": "lags", "share": 0.25}
    assert checked(QUESTIONS, ANSWERS) == expected
    arrays = {"place": np.array([1e-9, 2e-9]), "width": np.float64(412e-9), "share": 0.25}
    assert checked(QUESTIONS, ANSWERS | arrays) == expected


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"width": "412 V"}, r"width: '412 V' has the unit 'V'; expected 'm'"),
        ({"width": "wide"}, "width: 'wide' is not a quantity"),
        ({"width": float("nan")}, "width: a finite number is asked for, got nan"),
        ({"width": True}, "width: a number in m or text with a unit, got True"),
        ({"width": None}, "width: a number in m or text with a unit, got None"),
        ({"place": (1e-9,)}, r"place: 2 numbers are asked for, got \(1e-09,\)"),
        ({"place": "ab"}, "place: 2 numbers are asked for, got 'ab'"),
        ({"state": "lag"}, "state: 'lag' is none of lags, rings; did you mean 'lags'"),
        ({"widht": 1.0}, "there is no question 'widht'; did you mean 'width'"),
    ],
)
def test_an_answer_of_the_wrong_form_is_refused_by_name(
    changed: dict[str, object], said: str
) -> None:
    with pytest.raises(LessonError, match=said):
        checked(QUESTIONS, ANSWERS | changed)


def test_a_question_that_was_not_answered_is_named() -> None:
    with pytest.raises(LessonError, match="no answer to place, share"):
        checked(QUESTIONS, {"width": 1.0, "state": "lags"})


def test_handouts_and_answer_sheets_come_back_from_their_files(tmp_path: Path) -> None:
    handout = Handout("first", "First", "ada", "course", "0123", QUESTIONS)
    handout.write(tmp_path)
    assert Handout.read(tmp_path) == handout
    sheet = AnswerSheet("first", "ada", "course", "0123", 2, checked(QUESTIONS, ANSWERS))
    assert AnswerSheet.read(sheet.write(tmp_path / "answer.json")) == sheet


@pytest.mark.parametrize("text", ["", "[]", '{"lesson": 3}', '{"lesson": "a"', "\x00\xff"])
def test_a_file_that_is_no_answer_sheet_is_refused_with_its_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "answer.json"
    path.write_text(text, "latin-1")
    with pytest.raises(LessonError, match=r"answer\.json: no answer sheet"):
        AnswerSheet.read(path)
    with pytest.raises(LessonError, match="there is no answer sheet"):
        AnswerSheet.read(tmp_path / "other.json")
