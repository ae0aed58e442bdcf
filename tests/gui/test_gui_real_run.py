"""The session with a real run in a process of its own: by hand, on a simulator without waiting."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from talking import until

from spm_auto.data import FinishReason, InstructionFailed, JournalReader
from spm_auto.gui.run.orders import StartOrder
from spm_auto.gui.run.session import Session
from spm_auto.gui.run.wishes import Perform
from spm_auto.gui.run.withdrawal import Stage
from spm_auto.instrument import InstrumentState, PositionProbe

RECIPE = 'schema_version = 1\ntitle = "by hand"\n\n[[steps]]\nkind = "by_hand"\n'
LAB = """schema_version = 1
laboratory = "test"

[instrument]
kind = "simulator"
level = 1

[limits]
x = ["-400 nm", "400 nm"]

[clock]
kind = "instant"
"""
OURS = ("child", "withdraw", "look", "state", "wishes", "prepared")
PATIENCE = 70.0  # [s] for a process to start on a busy machine


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    """A session that has begun to work by hand."""
    (tmp_path / "by_hand.toml").write_text(RECIPE)
    (tmp_path / "lab.toml").write_text(LAB)
    session = Session("Ada", tmp_path)
    order = StartOrder(tmp_path / "by_hand.toml", tmp_path / "lab.toml", tmp_path / "run")
    session.start(order)
    ticks(session, lambda: asked(session) and session.look and session.about)
    yield session
    session.close()
    until(lambda: not [t for t in threading.enumerate() if t.name in OURS], PATIENCE)


def ticks(session: Session, happens: Callable[[], object]) -> None:
    def so() -> object:
        session.tick()
        return happens()

    until(so, PATIENCE)


def asked(session: Session) -> int:
    """Return which question for instructions by hand the run asks; 0 for none."""
    question = None if session.view is None else session.view.question
    return 0 if question is None or question.ask.kind != "by_hand" else question.number


def test_a_run_by_hand_from_its_start_to_its_withdrawal(session: Session) -> None:
    """Rows 8, 14, 22, 23: started, read back, moved, refused, withdrawn, over."""
    assert session.look is not None
    assert session.look.status.state is InstrumentState.READY
    assert session.about is not None
    assert session.about.limits.x == (-4e-7, 4e-7)

    first = asked(session)
    session.wish(Perform((PositionProbe(1e-7, 0.0),), "to look"))
    ticks(session, lambda: session.model.probe is not None and asked(session) > first > 0)
    assert session.model.probe == pytest.approx((1e-7, 0.0), abs=1e-8)
    session.wish(Perform((PositionProbe(9e-7, 0.0),)))
    refused: list[InstructionFailed] = []

    def is_refused() -> bool:
        assert session.folder is not None
        events = (r.event for r in JournalReader(session.folder / "run.spmj").poll())
        refused[:] = [each for each in events if isinstance(each, InstructionFailed)]
        return bool(refused)

    ticks(session, is_refused)
    assert "-4e-07 to 4e-07 m" in refused[0].message

    until(lambda: session.withdrawal.said.stage is Stage.READY)
    session.withdrawal.press()
    until(lambda: session.withdrawal.said.stage is Stage.CONFIRMED)
    ticks(session, lambda: session.model.finished)
    assert session.model.finished is not None
    assert session.model.finished.reason is FinishReason.EMERGENCY
