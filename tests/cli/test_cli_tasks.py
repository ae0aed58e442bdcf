"""Tasks at the command line."""

import json

import pytest
from prompt import Command


def test_the_tasks_are_listed_with_their_questions(command: Command) -> None:
    code, out, _ = command("list", "tasks")
    assert code == 0
    assert "loop_area" in out
    tasks = json.loads(command("list", "tasks", "--json")[1])
    assert tasks["loop_area"]["id"] == "P1"
    assert tasks["loop_area"]["question"].endswith("?")
    assert all(task["is_released"] != bool(task["unreleased"]) for task in tasks.values())


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("loop_aera",), "there is no task 'loop_aera'; did you mean 'loop_area'"),
        (("loop_area", "--level=7"), "there is no level 7; the levels are 0 to 3"),
        (("loop_area", "--agent=rando"), "there is no agent 'rando'; did you mean 'random'"),
    ],
)
def test_a_bad_word_gives_one_clear_line(
    command: Command, words: tuple[str, ...], message: str
) -> None:
    code, out, err = command("task", "--agent=random", *words)
    assert (code, out) == (1, "")
    assert err.startswith(f"error: {message}")
    assert len(err.splitlines()) == 1
