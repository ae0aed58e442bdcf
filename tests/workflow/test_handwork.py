"""Instructions as text: the same ones come back, and what is none is refused."""

import json
from typing import get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spm_auto.errors import Malformed, RecipeError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    BiasWaveform,
    ConditionTip,
    Instruction,
    Load,
    MoveStage,
    PositionProbe,
    Scan,
    ScanFrame,
    SetFeedback,
)
from spm_auto.workflow import instructions_from_text, instructions_to_text

WAVES = BiasWaveform.triangle(3.3, 8, dwell=1e-3, cycles=2)
FRAME = ScanFrame((1.25e-7, -3e-8), (4e-7, 3e-7), (64, 32), 0.3)
EVERY: tuple[Instruction, ...] = (
    Load("a film"),
    Scan(FRAME, ("height", "phase"), 2.5, "zoom"),
    PositionProbe(1e-7, 0.1 + 0.2),
    AcquireSpectrum(1e-7, -2e-7, WAVES),
    AcquireForceCurve(1e-7, -2e-7, 5e-9, 2e-7, 128, 2.0),
    ConditionTip(1e-7, 0.0, bias=4.0),
    ConditionTip(1e-7, 0.0, depth=1e-9),
    SetFeedback(bias=-0.5, gain=100.0),
    MoveStage(1e-3, -2e-3),
)
lengths = st.floats(-1e-5, 1e-5)


def test_every_kind_of_instruction_comes_back_as_it_was() -> None:
    assert {type(each) for each in EVERY} == set(get_args(Instruction))
    assert instructions_from_text(instructions_to_text(EVERY)) == EVERY


@settings(max_examples=30, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), lengths, lengths), min_size=1, max_size=12))
def test_lists_of_points_come_back_in_order_to_the_last_bit(
    parts: list[tuple[int, float, float]],
) -> None:
    kinds = (
        PositionProbe,
        lambda x, y: AcquireSpectrum(x, y, WAVES),
        lambda x, y: AcquireForceCurve(x, y, points=64),
    )
    order = tuple(kinds[kind](x, y) for kind, x, y in parts)
    assert instructions_from_text(instructions_to_text(order)) == order


def test_what_is_done_at_many_points_is_said_once() -> None:
    grid = [AcquireSpectrum(n * 1e-9, 0.0, WAVES) for n in range(100)]
    (table,) = json.loads(instructions_to_text(grid))
    assert len(table["points"]) == 100
    more = [*grid, PositionProbe(0.0, 0.0), *grid[:3]]
    assert len(json.loads(instructions_to_text(more))) == 3


def test_numbers_of_numpy_are_numbers() -> None:
    frame = ScanFrame((np.float64(1e-7), 0.0), (1e-7, 1e-7), (np.int64(16), np.int32(8)))  # type: ignore[arg-type]
    order = (Scan(frame), PositionProbe(np.float64(1e-8), np.float32(0.0)))  # type: ignore[arg-type]
    assert instructions_from_text(instructions_to_text(order)) == order


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("no JSON", "Invalid JSON"),
        ('{"do": "load"}', "array"),
        ("[]", "at least 1"),
        ('[{"do": "withdraw"}]', "do"),
        ('[{"do": "load", "sample": 3}]', "sample"),
        ('[{"do": "load", "power": 3}]', "power"),
        ('[{"do": "position_probe", "points": []}]', "points"),
        ('[{"do": "position_probe", "points": [[0.0, "far"]]}]', "points.0.1"),
        ('[{"do": "position_probe", "points": [[0.0, NaN]]}]', "points.0.1"),
        ('[{"do": "move_stage", "x": true, "y": 0}]', "x"),
        ('[{"do": "condition_tip", "points": [[0, 0]]}]', "either a pulse or a poke"),
        ('[{"do": "acquire_spectrum", "points": [[0, 0]], "waveform": {"values": []}}]', "values"),
    ],
)
def test_what_is_no_instruction_is_refused_with_its_place(text: str, said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        instructions_from_text(text)


def test_nothing_and_too_much_and_what_is_no_number_are_refused() -> None:
    with pytest.raises(RecipeError, match="not 0"):
        instructions_to_text([])
    with pytest.raises(RecipeError, match="not 10001"):
        instructions_to_text([PositionProbe(0.0, 0.0)] * 10_001)
    with pytest.raises(Malformed):
        instructions_to_text([PositionProbe("far", 0.0)])  # type: ignore[arg-type]
    points = [[0.0, 0.0]] * 6000
    twice = [{"do": "position_probe", "points": points}] * 2
    with pytest.raises(RecipeError, match="not 12000"):
        instructions_from_text(json.dumps(twice))
