"""Nobody passes a lesson with what is true of a usual sample: it has to be measured."""

import numpy as np
import pytest

from spm_auto.classroom import load_lesson
from spm_auto.lessons import Answer

STUDENTS = (900, 901, 902, 903)
MOST = 0.45  # share of the points, on average
ROW = tuple(x for k in range(8) for x in ((k - 3.5) * 250e-9, 0.0))  # a straight way

# what somebody would say who knows the lesson, the question and the samples of all others
USUAL: dict[str, dict[str, Answer]] = {
    "first_scan": {
        "tilt": (0.02, 0.02),
        "roughness": 1.9e-9,
        "highest": (0.0, 0.0),
        "height": 85e-9,
        "width": 400e-9,
    },
    "feedback": {"found": "rings", "critical": 450.0, "resonance": 660.0, "setting": 300.0},
    "drift_and_creep": {"drift": (3e-11, 0.0), "creep": 0.024, "settle": 1300.0},
    "fixed_policy": {
        "best": 0.0,
        "latencies": (66.0, 21.0, 36.384),
        "cost": 103.8,
        "critical_path": 3330.0,
        "bottleneck": "moving",
        "gain": 80.0,
    },
    "scalarizers": {
        "strongest": (0.0, 0.0),
        "hardest": (0.5e-6, -0.5e-6),
        "compromise": (-0.5e-6, 0.5e-6),
        "twins": "remanence and work of switching",
        "agreement": 0.1,
    },
    "deep_kernel": {
        "best": (0.0, 0.0),
        "remanence": 90e-12,
        "predicted": (80e-12,) * 4,
        "doubt": (48e-12,) * 4,
        "seen": "amplitude high",
    },
    "bandits": {
        "near": "6 V",
        "deep": "8 V",
        "expected": (0.6, 0.05),
        "context": 0.06,
        "tour": ROW,
    },
    "human_in_the_loop": {
        "held": "a vortex",
        "cores": (0.0, 0.0, 45e-9, 0.0, 22e-9, 39e-9, -22e-9, 39e-9),
        "spacing": 46e-9,
        "field": 1.1,
    },
}


@pytest.mark.lessons
@pytest.mark.parametrize("name", USUAL)
def test_what_is_usual_does_not_pass(name: str) -> None:
    lesson = load_lesson(name)
    shares = []
    for seed in STUDENTS:
        marks = lesson.grade(seed, USUAL[name])
        shares.append(sum(mark.points for mark in marks) / sum(mark.most for mark in marks))
    assert float(np.mean(shares)) <= MOST, shares
