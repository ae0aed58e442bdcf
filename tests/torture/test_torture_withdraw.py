"""A run that is frozen cannot withdraw: the window says so, and insists until it is confirmed."""

import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("PyQt6", reason="the window needs the extra [gui]")

from spm_auto.data import FinishReason
from spm_auto.gui.run.orders import StartOrder
from spm_auto.gui.run.session import Session
from spm_auto.gui.run.withdrawal import Stage

RECIPE = 'schema_version = 1\ntitle = "by hand"\n\n[[steps]]\nkind = "by_hand"\n'
LAB = """schema_version = 1
laboratory = "test"
instrument = { kind = "simulator", level = 1 }
clock = { kind = "instant" }
"""
PATIENCE = 60.0  # [s] until a test that hangs fails
pytestmark = pytest.mark.torture


def ticks(session: Session, happens: Callable[[], object]) -> None:
    """Let a session tick until something is so."""
    end = time.monotonic() + PATIENCE
    while not happens():
        assert time.monotonic() < end, "it has not happened in time"
        session.tick()


@pytest.mark.skipif(sys.platform == "win32", reason="processes cannot be frozen there")
def test_a_frozen_run_is_not_confirmed_until_it_is(tmp_path: Path) -> None:
    (tmp_path / "by_hand.toml").write_text(RECIPE)
    (tmp_path / "lab.toml").write_text(LAB)
    session = Session("Ada", tmp_path)
    order = StartOrder(tmp_path / "by_hand.toml", tmp_path / "lab.toml", tmp_path / "run")
    session.start(order)
    withdrawal = session.withdrawal
    ticks(session, lambda: session.view and withdrawal.said.stage is Stage.READY)
    assert session.view is not None
    process = session.view.process
    os.kill(process, signal.SIGSTOP)
    try:
        withdrawal.press()
        ticks(session, lambda: withdrawal.said.stage is Stage.LATE)
        start = time.monotonic()
        while time.monotonic() - start < 4.0:  # longer than its connections live without a sign
            session.tick()
            assert withdrawal.said.stage in (Stage.LATE, Stage.FAILED)
        assert session.view is None
        assert not session.can_resume
        withdrawal.press()  # the hard path
    finally:
        os.kill(process, signal.SIGCONT)
    ticks(session, lambda: session.model.finished)
    assert session.model.finished is not None
    assert session.model.finished.reason is FinishReason.EMERGENCY
    ticks(session, lambda: withdrawal.said.stage is Stage.CONFIRMED)
    session.close()
