"""Lessons 1 to 3: right answers pass, plausible wrong ones do not, and students differ."""

import math

import pytest

from spm_auto.lessons import Answer, Lesson
from spm_auto.settings import parse_toml
from spm_auto.simulator.lessons import DriftAndCreep, Feedback, FirstScan

SEED, OTHER = 5, 11
A = pytest.param(FirstScan(), id="first_scan")
B = pytest.param(Feedback(), id="feedback", marks=pytest.mark.lessons)
C = pytest.param(DriftAndCreep(), id="drift_and_creep", marks=pytest.mark.lessons)


def points(lesson: Lesson, answers: dict[str, Answer], seed: int = SEED) -> dict[str, float]:
    """Return the share of its points that each question got."""
    marks = lesson.grade(seed, answers)
    assert [mark.question for mark in marks] == list(lesson.questions)
    return {mark.question: mark.points / mark.most for mark in marks}


def pair(answer: Answer) -> tuple[float, float]:
    assert isinstance(answer, tuple)
    return answer[0], answer[1]


def number(answer: Answer) -> float:
    assert isinstance(answer, float)
    return answer


@pytest.mark.parametrize("lesson", [A, B, C])
def test_the_truth_of_one_student_is_worth_all_points_and_that_of_another_few(
    lesson: Lesson,
) -> None:
    own, others = dict(lesson.truth(SEED)), dict(lesson.truth(OTHER))
    assert set(points(lesson, own).values()) == {1.0}
    got = points(lesson, others)
    assert sum(got.values()) <= 0.5 * len(got)
    assert lesson.lab(SEED) == lesson.lab(SEED)
    assert lesson.lab(SEED) != lesson.lab(OTHER)


def test_what_a_careful_student_measures_of_the_first_scan_is_right() -> None:
    lesson = FirstScan()
    truth = lesson.truth(SEED)
    (slope_x, slope_y), (x, y) = pair(truth["tilt"]), pair(truth["highest"])
    measured: dict[str, Answer] = {
        "tilt": (1.01 * slope_x, 0.98 * slope_y),
        "roughness": 1.05 * number(truth["roughness"]),
        "highest": (x + 15e-9, y - 20e-9),
        "height": 1.02 * number(truth["height"]),
        "width": 1.06 * number(truth["width"]),
    }
    assert set(points(lesson, measured).values()) == {1.0}


def test_what_a_careless_student_says_of_the_first_scan_is_not_right() -> None:
    lesson = FirstScan()
    truth = lesson.truth(SEED)
    slope_x, slope_y = pair(truth["tilt"])
    x, y = pair(truth["highest"])
    wrong: dict[str, Answer] = {
        "tilt": (-slope_x, slope_y),  # the sign
        "roughness": 5 * number(truth["roughness"]),  # with the bumps in it
        "highest": (y, x),  # line and pixel
        "height": number(truth["height"]) + 4e-6 * abs(slope_x),  # without levelling
        "width": number(truth["width"]) / 2,  # the radius
    }
    assert set(points(lesson, wrong).values()) == {0.0}


@pytest.mark.lessons
def test_a_gain_is_marked_by_what_it_does() -> None:
    lesson = Feedback()
    truth = dict(lesson.truth(SEED))
    critical = number(truth["critical"])
    said = {}
    for share in (0.05, 0.75, 0.95, 1.1, -1.0):
        mark = lesson.grade(SEED, truth | {"setting": share * critical})[-1]
        said[share] = mark.points, mark.said
    assert said[0.75] == (2.0, "right: quiet, and it follows")
    assert said[0.95] == (1.0, "near: it is near to ringing")
    assert said[0.05] == (0.0, "not right: it lags")
    assert said[1.1] == (0.0, "not right: the loop rings")
    assert said[-1.0][0] == 0.0


@pytest.mark.lessons
def test_what_is_measured_of_the_feedback_is_right_and_a_guess_is_not() -> None:
    lesson = Feedback()
    truth = dict(lesson.truth(SEED))
    measured = truth | {
        "critical": 1.05 * number(truth["critical"]),
        "resonance": 0.98 * number(truth["resonance"]),
        "setting": number(truth["critical"]) / 1.3,
    }
    assert set(points(lesson, measured).values()) == {1.0}
    guessed = truth | {
        "found": "lags" if truth["found"] == "rings" else "rings",
        "critical": number(truth["resonance"]),  # in Hz, not in 1/s
        "resonance": number(truth["critical"]),
    }
    got = points(lesson, guessed)
    assert got["found"] == got["critical"] == got["resonance"] == 0.0


@pytest.mark.lessons
def test_drift_and_creep_are_marked_with_their_signs_and_decades() -> None:
    lesson = DriftAndCreep()
    truth = dict(lesson.truth(SEED))
    (vx, vy), creep = pair(truth["drift"]), number(truth["creep"])
    measured = truth | {"drift": (1.03 * vx, 0.97 * vy), "creep": 0.91 * creep}
    measured["settle"] = 0.9 * number(truth["settle"])
    assert set(points(lesson, measured).values()) == {1.0}
    wrong: dict[str, Answer] = {
        "drift": (-vx, -vy),  # of the tip, not of what is seen
        "creep": creep * math.log10(math.e),  # in each e-fold of time
        "settle": number(truth["settle"]) * math.log(10),
    }
    assert set(points(lesson, wrong).values()) == {0.0}


@pytest.mark.lessons
def test_some_students_find_a_loop_that_lags_and_some_one_that_rings() -> None:
    gains = {}
    for seed in range(12):
        table = parse_toml(Feedback().lab(seed), "lab")
        gains[seed] = table["instrument"]["technique"]["feedback"]["gain"]
    assert 2 <= sum(gain > 200 for gain in gains.values()) <= 10
