"""What an answer is worth, and what the student is told of it."""

import pytest

from spm_auto.lessons import Mark, Question, Tolerance, mark

LENGTH = Question("How long?", unit="m", points=2.0)
PLACE = Question("Where?", unit="m", size=2)
WORD = Question("Which?", options=("lags", "rings"))
WITHIN = Tolerance(10e-9)


@pytest.mark.parametrize(
    ("answer", "points"),
    [(105e-9, 2.0), (110e-9, 2.0), (111e-9, 1.0), (124.9e-9, 1.0), (126e-9, 0.0), (-100e-9, 0.0)],
)
def test_an_answer_gets_all_points_within_the_tolerance_and_half_near_it(
    answer: float, points: float
) -> None:
    given = mark("length", LENGTH, answer, 100e-9, Tolerance(10.0000001e-9))
    assert (given.points, given.most) == (points, 2.0)


def test_a_share_is_one_of_the_truth() -> None:
    tolerance = Tolerance(0.1, is_share=True)
    assert mark("length", LENGTH, 1.05, 1.0, tolerance).points == 2.0
    assert mark("length", LENGTH, 0.2e-9, 0.1e-9, tolerance).points == 0.0


def test_a_place_is_marked_by_its_distance() -> None:
    truth = (100e-9, -50e-9)
    assert mark("place", PLACE, (106e-9, -42.1e-9), truth, WITHIN).points == 1.0
    assert mark("place", PLACE, (108e-9, -42e-9), truth, WITHIN).points == 0.5
    assert mark("place", PLACE, (-50e-9, 100e-9), truth, WITHIN).points == 0.0


def test_a_word_is_right_or_not() -> None:
    assert mark("word", WORD, "rings", "rings") == Mark("word", 1.0, 1.0, "right")
    assert mark("word", WORD, "lags", "rings") == Mark("word", 0.0, 1.0, "not right")


@pytest.mark.parametrize("tolerance", [WITHIN, Tolerance(0.1, is_share=True)])
def test_what_is_said_of_an_answer_is_the_same_for_another_truth_and_on_either_side(
    tolerance: Tolerance,
) -> None:
    said = [
        mark("length", LENGTH, truth * factor, truth, tolerance).said
        for truth in (77e-9, 83e-9)
        for factor in (0.2, 1.8)
    ]
    assert len(set(said)) == 1
    assert "77" not in said[0]


def test_a_question_asks_for_a_number_with_a_unit_or_for_one_of_some_words() -> None:
    with pytest.raises(ValueError, match="a unit, or words"):
        Question("How?")
    with pytest.raises(ValueError, match="a unit, or words"):
        Question("How?", unit="m", options=("long", "short"))
