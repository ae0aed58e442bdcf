"""Images are judged as the simulator's truth would judge them, by themselves."""

from collections.abc import Sequence

import numpy as np
import pytest

from spm_auto.analysis import Quality, check_rows, judge_image, likeness, sharpness
from spm_auto.instrument import Channel, FloatArray, Scan, ScanFrame, ScanImage, SetFeedback
from spm_auto.simulator import SimulatorSettings
from spm_auto.simulator.tasks.stage import Stage, mount

FRAME = ScanFrame((0.0, 0.0), (20e-9, 4e-9), (96, 16))
ATOMS = ScanFrame((0.0, 0.0), (3e-9, 3e-9), (40, 40))
ROWS = 0.213e-9


@pytest.fixture(scope="module")
def stage() -> Stage:
    sample = {"kind": "au111", "size": "64 nm", "adatoms": 60, "vacancies": 0, "steps": 0}
    table = {"sample": sample, "technique": {"kind": "stm"}, "level": 2}
    return mount(SimulatorSettings.model_validate(table), 1)


def scores(stage: Stage, settings: Sequence[tuple[float, float]]) -> list[Quality]:
    """Judge an image with each gain [1/s] and line rate [Hz]."""
    found = []
    for gain, rate in settings:
        stage.microscope.set_feedback(SetFeedback(gain=gain))
        image = stage.image(Scan(FRAME, ("height", "current"), rate))
        found.append(judge_image(image, "height", "current", 100e-12))
    return found


def test_the_score_falls_with_each_step_towards_a_gain_that_is_too_low(stage: Stage) -> None:
    found = scores(stage, [(gain, 4.0) for gain in (2400, 600, 150, 40, 10)])
    values = [quality.score for quality in found]
    assert values == sorted(values, reverse=True)
    assert values[0] > 0.5 > 0.05 > values[-1]
    assert [q.agreement for q in found] == sorted((q.agreement for q in found), reverse=True)
    assert found[-1].slow > found[-1].rough  # and it says why
    assert found[-1].lag > found[0].lag


def test_the_score_falls_when_the_loop_oscillates_and_it_says_so(stage: Stage) -> None:
    calm, ringing, wild = scores(stage, [(2400, 4.0), (4000, 4.0), (8000, 4.0)])
    assert calm.score > 10 * ringing.score > 10 * wild.score
    assert ringing.rough > max(1.0, ringing.slow)


def test_the_score_falls_with_each_step_towards_a_line_rate_that_is_too_high(stage: Stage) -> None:
    values = [q.score for q in scores(stage, [(600, rate) for rate in (1.0, 4.0, 16.0, 64.0)])]
    assert values == sorted(values, reverse=True)


def image(forward: FloatArray, backward: FloatArray, frame: ScanFrame = ATOMS) -> ScanImage:
    return ScanImage(
        frame, (Channel("height", "m"),), forward[np.newaxis], backward[np.newaxis], 0, 1
    )


def lattice(
    shares: Sequence[float], frame: ScanFrame = ATOMS, turn: float = 0.2
) -> tuple[FloatArray, FloatArray]:
    """Return rows of atoms, with such amplitudes in three directions, and noise."""
    x, y = frame.positions()
    angles = turn + np.pi * np.arange(3) / 3
    height = sum(
        share * np.cos(2 * np.pi / ROWS * (x * np.cos(a) + y * np.sin(a)))
        for share, a in zip(shares, angles, strict=True)
    )
    rng = np.random.default_rng(1)
    noise = 0.3 * rng.standard_normal((2, *frame.shape))
    return height + noise[0], height + noise[1]


def test_noise_there_and_back_is_told_from_what_they_share() -> None:
    rows = np.tile(np.sin(np.arange(40) / 3), (40, 1))
    rng = np.random.default_rng(0)
    quality = judge_image(image(*(rows + 0.5 * rng.standard_normal((2, 40, 40)))))
    assert quality.corrugation == pytest.approx(np.sqrt(0.5), rel=0.1)
    assert quality.noise == pytest.approx(0.5, rel=0.1)


def test_a_delay_of_both_ways_is_found() -> None:
    ground = np.cumsum(np.random.default_rng(0).standard_normal((40, 60)), axis=1)
    one, other = ground[:, 8:48], ground[:, 12:52]  # each is late by two pixels
    assert judge_image(image(one, other)).lag == 4


def test_lines_that_jump_are_counted() -> None:
    rows = np.tile(np.sin(np.arange(40) / 3), (40, 1))
    rows[10:] += 9.0
    rows[25:] -= 9.0
    assert judge_image(image(rows, rows)).scars == pytest.approx(2 / 39)


@pytest.mark.parametrize("value", [np.nan, 0.0], ids=["a hole", "flat"])
def test_an_image_that_shows_nothing_is_worth_nothing(value: float) -> None:
    empty = np.full((40, 40), value)
    assert judge_image(image(empty, empty)).score == 0


def test_the_weakest_rows_give_a_double_tip_away_and_the_mean_does_not() -> None:
    single = sharpness(image(*lattice((1.0, 1.0, 1.0))), ROWS)
    double = sharpness(image(*lattice((1.2, 1.2, 0.3))), ROWS)
    assert double.corrugation == pytest.approx(single.corrugation, rel=0.1)
    assert single.evenness > 0.9
    assert double.evenness == pytest.approx(0.25, abs=0.05)
    assert double.weakest < 0.4 * single.weakest
    assert single.weakest == pytest.approx(np.sqrt(1.5), rel=0.1)


def test_of_noise_little_is_taken_for_a_lattice() -> None:
    noise = np.random.default_rng(3).standard_normal((2, 40, 40))
    assert sharpness(image(*noise), ROWS).weakest < 0.25  # of its own rms height, 1


def test_a_tip_is_like_the_first_one_wherever_the_sample_has_drifted() -> None:
    first = image(*lattice((1.0, 0.6, 1.0)))
    moved = ScanFrame((0.31e-9, 0.77e-9), ATOMS.size, ATOMS.pixels)
    drifted = image(*lattice((1.0, 0.6, 1.0), moved))
    assert likeness(drifted, first).weakest == pytest.approx(1.0, abs=0.1)
    blunt = likeness(image(*lattice((0.5, 0.3, 0.5))), first)
    assert blunt.weakest == pytest.approx(0.5, abs=0.1)
    assert blunt.evenness > 0.8
    assert likeness(image(*lattice((1.0, 0.6, 0.4))), first).evenness < 0.5


def test_rows_too_fine_for_the_pixels_are_refused() -> None:
    with pytest.raises(ValueError, match="rows can be judged from"):
        check_rows(ATOMS, 0.1e-9)
