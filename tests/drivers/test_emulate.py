"""`spm-auto emulate` serves until it is told to end, and refuses what it does not understand."""

import threading

import pytest

from spm_auto.emulate import emulate
from spm_auto.errors import PluginError, RecipeError


def serve(controller: str = "nanonis", fault: str = "", override: str = "") -> None:
    ended = threading.Event()
    ended.set()
    faults, overrides = [fault] if fault else [], [override] if override else []
    emulate(controller, "hopg", None, 0, 0, 0.0, faults, overrides, ended)


def test_it_says_where_it_serves(capsys: pytest.CaptureFixture[str]) -> None:
    serve(fault="late:Bias.Get:1:2", override="simulator.technique={kind = 'stm'}")
    said = capsys.readouterr().out
    assert "nanonis over a simulated hopg: host 127.0.0.1, ports" in said
    assert "nobody is asked who they are" in said


@pytest.mark.parametrize(
    ("wrong", "error", "said"),
    [
        ({"controller": "nanonys"}, PluginError, "did you mean 'nanonis'"),
        ({"fault": "late:Bias.Get:x"}, RecipeError, r"write KIND\[:COMMAND"),
        ({"fault": "lost"}, RecipeError, "faults"),
        ({"override": "controller.relaese=14718"}, RecipeError, "did you mean 'release'"),
    ],
)
def test_what_it_does_not_understand_is_refused(
    wrong: dict[str, str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        serve(**wrong)
