"""Tests of lessons 4 to 8: right answers pass, wrong ones do not, whoever the student is."""

import itertools
import math

import numpy as np
import pytest

from spm_auto.lessons import Answer, Lesson
from spm_auto.simulator.lessons import (
    Bandits,
    DeepKernel,
    FixedPolicy,
    HumanInTheLoop,
    Scalarizers,
)
from spm_auto.simulator.lessons.bandits import hills, way
from spm_auto.simulator.lessons.behind import behind
from spm_auto.simulator.lessons.fixed_policy import PLACES, Workflow
from spm_auto.simulator.lessons.marking import numbers, shortest
from spm_auto.simulator.lessons.scalarizers import Worth, agreement

SEED, OTHER = 41, 97


def points(lesson: Lesson, answers: dict[str, Answer], seed: int = SEED) -> dict[str, float]:
    """Return the share of its points that each question got."""
    marks = lesson.grade(seed, answers)
    assert [mark.question for mark in marks] == list(lesson.questions)
    assert [mark.most for mark in marks] == [q.points for q in lesson.questions.values()]
    return {mark.question: mark.points / mark.most for mark in marks}


def moved(answer: Answer, by: float) -> Answer:
    """Return places that are off by a distance [m] each, in directions that differ."""
    flat = np.array(numbers(answer)).reshape(-1, 2)
    angles = np.arange(len(flat)) * 2.4
    off = by * np.column_stack([np.cos(angles), np.sin(angles)])
    return tuple((flat + off).ravel().tolist())


@pytest.mark.lessons
def test_a_measured_answer_to_fixed_policy_is_right() -> None:
    lesson = FixedPolicy()
    answers = dict(lesson.truth(SEED))
    answers["best"] = numbers(answers["best"])[0] + 0.4e-3
    answers["latencies"] = tuple(1.03 * x for x in numbers(answers["latencies"]))
    answers["cost"] = 1.003 * numbers(answers["cost"])[0]
    answers["critical_path"] = 1.004 * numbers(answers["critical_path"])[0]
    assert set(points(lesson, answers).values()) == {1.0}


@pytest.mark.lessons
def test_who_adds_up_all_operations_takes_the_sum_for_the_critical_path() -> None:
    lesson = FixedPolicy()
    flow = lesson.workflow(SEED)
    answers = dict(lesson.truth(SEED))
    added = flow.critical_path + (len(PLACES) - 1) * min(flow.measuring, flow.judging)
    answers |= {"critical_path": added, "bottleneck": "overview", "gain": 9 * flow.overview / 2}
    answers["best"] = -numbers(answers["best"])[0] + 3e-3
    answers["cost"] = 1.2 * numbers(answers["cost"])[0]
    got = points(lesson, answers)
    assert got["critical_path"] == got["bottleneck"] == got["gain"] == 0
    assert got["best"] == got["cost"] == 0
    assert got["latencies"] == 1


def test_the_critical_path_is_that_of_a_schedule_played_by_the_clock() -> None:
    for judging in (40.0, 200.0):
        flow = Workflow(35.0, 66.0, 12.0, 20.0, judging)
        measured, judged = 1200.0 + flow.loading, 0.0
        for _ in PLACES:
            measured += flow.measuring
            judged = max(measured, judged) + judging
        assert flow.critical_path == pytest.approx(judged + 900.0)


@pytest.mark.lessons
def test_students_differ_in_where_their_bottleneck_is() -> None:
    lesson = FixedPolicy()
    found = {str(lesson.truth(seed)["bottleneck"]) for seed in range(12)}
    assert len(found) > 1


@pytest.mark.lessons
def test_a_place_found_by_one_loop_is_right_for_scalarizers() -> None:
    lesson = Scalarizers()
    answers = dict(lesson.truth(SEED))
    for name in ("strongest", "hardest", "compromise"):
        answers[name] = moved(answers[name], 4e-9)
    answers["agreement"] = numbers(answers["agreement"])[0] - 0.1
    got = points(lesson, answers)
    assert sum(got[name] * q.points for name, q in lesson.questions.items()) >= 3


@pytest.mark.lessons
def test_a_place_beside_the_film_and_one_in_another_unit_are_worth_nothing() -> None:
    film = behind(DeepKernel(), SEED).truth.film
    x, y = 0.7e-6, -0.2e-6
    assert math.isfinite(Worth.of(film, (x, y)).coercive)
    for place in ((x + 2e-6, y), (1e6 * x, 1e6 * y), (1e9 * x, 1e9 * y), (1e308, 0.0)):
        assert all(math.isnan(value) for value in Worth.of(film, place))


@pytest.mark.lessons
def test_a_place_that_is_best_by_another_scalarizer_is_not_right() -> None:
    lesson = Scalarizers()
    film = behind(lesson, SEED).truth.film
    places, worth = lesson.survey(film)
    weakest = tuple(places[int(np.nanargmin(worth[:, 0]))].tolist())
    softest = tuple(places[int(np.nanargmin(worth[:, 1]))].tolist())
    lopsided = tuple(places[int(np.nanargmax(np.abs(worth[:, 2])))].tolist())
    answers: dict[str, Answer] = {
        "strongest": weakest,
        "hardest": softest,
        "compromise": lopsided,
        "twins": "coercive bias and imprint",
        "agreement": 0.9,
    }
    assert set(points(lesson, answers).values()) == {0.0}


def test_rank_correlation_looks_at_the_order_only() -> None:
    values = np.array([3.0, 1.0, 2.0, math.nan, 5.0])
    assert agreement(values, np.exp(values)) == pytest.approx(1)
    assert agreement(values, -(values**3)) == pytest.approx(-1)


@pytest.mark.lessons
def test_a_model_that_doubts_as_much_as_it_errs_is_right() -> None:
    lesson = DeepKernel()
    answers = dict(lesson.truth(SEED))
    spread = numbers(answers["doubt"])[0]
    answers["predicted"] = tuple(x + 0.6 * spread for x in numbers(answers["predicted"]))
    answers["doubt"] = (0.5 * spread,) * 4
    answers["best"] = moved(answers["best"], 4e-9)
    got = points(lesson, answers)
    assert got["predicted"] == got["doubt"] == got["best"] == got["seen"] == 1


@pytest.mark.lessons
def test_a_model_that_is_sure_of_what_is_wrong_gets_nothing() -> None:
    lesson = DeepKernel()
    answers = dict(lesson.truth(SEED))
    spread = numbers(answers["doubt"])[0]
    answers["predicted"] = tuple(x + 2 * spread for x in numbers(answers["predicted"]))
    answers["doubt"] = (0.1 * spread,) * 4
    answers["remanence"] = 1.6 * numbers(answers["remanence"])[0]
    answers["best"] = (0.0, 0.0)
    answers["seen"] = "phase"
    assert set(points(lesson, answers).values()) == {0.0}


@pytest.mark.lessons
def test_boundless_doubt_covers_everything_and_earns_nothing() -> None:
    lesson = DeepKernel()
    answers = dict(lesson.truth(SEED))
    answers["doubt"] = tuple(5 * x for x in numbers(answers["doubt"]))
    assert points(lesson, answers)["doubt"] == 0


@pytest.mark.lessons
def test_arms_and_tour_of_who_knows_are_right() -> None:
    lesson = Bandits()
    answers = dict(lesson.truth(SEED))
    answers["expected"] = tuple(x - 0.1 for x in numbers(answers["expected"]))
    answers["tour"] = moved(answers["tour"], 10e-9)
    assert set(points(lesson, answers).values()) == {1.0}


@pytest.mark.lessons
def test_the_weakest_pulse_and_hills_by_height_are_not_right() -> None:
    lesson = Bandits()
    top_down = tuple(x for place in hills(behind(lesson, SEED).truth.film) for x in place)
    answers: dict[str, Answer] = {
        "near": "3 V",
        "deep": "4.5 V",
        "expected": (0.95, 0.9),
        "context": 0.5,
        "tour": top_down,
    }
    got = points(lesson, answers)
    assert got == {"near": 0, "deep": 0, "expected": 0, "context": 0, "tour": 0.5}
    again = {**answers, "tour": top_down[:2] * 8}
    assert points(lesson, again)["tour"] == 0


def test_the_shortest_way_is_that_of_trying_all() -> None:
    rng = np.random.default_rng(3)
    cities = [(float(x), float(y)) for x, y in rng.random((6, 2))]
    lengths = [
        sum(math.dist(order[i], order[i + 1]) for i in range(5))
        for order in itertools.permutations(cities)
    ]
    assert shortest(cities) == pytest.approx(min(lengths))
    found = way(cities)
    assert sorted(found) == sorted(cities)
    assert sum(math.dist(found[i], found[i + 1]) for i in range(5)) == pytest.approx(min(lengths))


def test_vortices_measured_to_a_few_nanometres_are_right() -> None:
    lesson = HumanInTheLoop()
    answers = dict(lesson.truth(SEED))
    answers["cores"] = moved(answers["cores"], 3e-9)
    answers["spacing"] = 1.04 * numbers(answers["spacing"])[0]
    answers["field"] = 0.92 * numbers(answers["field"])[0]
    assert set(points(lesson, answers).values()) == {1.0}


def test_one_vortex_four_times_is_one_vortex() -> None:
    lesson = HumanInTheLoop()
    answers = dict(lesson.truth(SEED))
    answers["cores"] = numbers(answers["cores"])[:2] * 4
    answers["held"] = "an adatom"
    # who takes the square lattice for the triangular one
    answers["field"] = math.sqrt(3) / 2 * numbers(answers["field"])[0]
    got = points(lesson, answers)
    assert got["cores"] == 0.25
    assert got["held"] == 0
    assert got["field"] < 1


def test_numbers_about_a_lattice_count_with_vortices_to_show_for_them() -> None:
    lesson = HumanInTheLoop()
    answers = dict(lesson.truth(SEED))
    answers["cores"] = moved(answers["cores"], 12e-9)  # between them
    got = points(lesson, answers)
    assert got == {"held": 1, "cores": 0, "spacing": 0, "field": 0}
    answers["cores"] = numbers(lesson.truth(SEED)["cores"])[:4] * 2
    assert points(lesson, answers) == {"held": 1, "cores": 0.5, "spacing": 1, "field": 1}


@pytest.mark.lessons
def test_of_latencies_the_worst_counts_since_two_are_the_same_for_everybody() -> None:
    lesson = FixedPolicy()
    truth = dict(lesson.truth(SEED))
    moving, overview, loops = numbers(truth["latencies"])
    for factor, worth in ((1.04, 1.0), (1.1, 0.5), (1.2, 0.0)):
        answers = truth | {"latencies": (moving, factor * overview, loops)}
        assert points(lesson, answers)["latencies"] == worth


@pytest.mark.lessons
@pytest.mark.parametrize("lesson", [FixedPolicy(), Bandits(), HumanInTheLoop()])
def test_the_answers_of_a_neighbour_do_not_pass(lesson: Lesson) -> None:
    got = points(lesson, dict(lesson.truth(OTHER)))
    most = sum(q.points for q in lesson.questions.values())
    assert sum(got[name] * q.points for name, q in lesson.questions.items()) < 0.75 * most
