"""The status of the instrument: what is read back, and what is alarming about it."""

from dataclasses import replace
from pathlib import Path

import pytest
from made import numbered, scan_events, started
from PyQt6.QtGui import QColor
from pytestqt.qtbot import QtBot
from talking import LOOK, STATUS, VITALS, run_view

from spm_auto.ear import Look
from spm_auto.gui.common.gauge import Gauge
from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import DARK, LIGHT, Theme
from spm_auto.gui.run.orders import JournalSays, Standing
from spm_auto.gui.run.run_model import Part, RunModel
from spm_auto.gui.status.status_view import UNKNOWN, StatusView
from spm_auto.instrument import InstrumentState

FOLDER = Path("runs/made")


@pytest.fixture
def view(qtbot: QtBot, selection: Selection, theme: Theme) -> StatusView:
    view = StatusView(selection, theme)
    qtbot.addWidget(view)
    view.show()
    return view


def said(view: StatusView, name: str) -> str:
    return view.cells[name].value.full


def role(view: StatusView, name: str) -> str:
    return view.cells[name].value.role


def test_everything_that_is_read_back_is_shown_with_its_unit(view: StatusView) -> None:
    """Row 13: feedback, scan, SafeTip, current with threshold, z with its limits, lease."""
    view.show_look(LOOK)
    assert {name: said(view, name) for name in view.cells if name not in (
        "journal", "disk", "connection"
    )} == {
        "instrument": "ready",
        "tip": "at the sample",
        "feedback": "on, error 2 %",
        "protection": "armed: SafeTip at 2 nA",
        "bias": "500 mV",
        "signal": "320 pA, touches at 2 nA",
        "position": "100 nm, -200 nm",
        "z": "110 nm of -500 nm to 500 nm",
        "control": "alice",
    }  # fmt: skip
    z, signal = view.cells["z"].gauge, view.cells["signal"].gauge
    assert z is not None
    assert signal is not None
    assert z.share == pytest.approx(0.61)
    assert signal.share == pytest.approx(0.16)


@pytest.mark.parametrize(
    ("look", "name", "words", "what"),
    [
        (replace(LOOK, status=replace(STATUS, is_engaged=False)), "tip", "withdrawn", "warning"),
        (
            replace(LOOK, status=replace(STATUS, state=InstrumentState.LATCHED)),
            "instrument",
            "withdrawn, latched until load",
            "alarm",
        ),
        (
            replace(LOOK, status=replace(STATUS, is_held=True)),
            "instrument",
            "held by the watchdog until acknowledged",
            "alarm",
        ),
        (
            replace(LOOK, vitals=replace(VITALS, is_feedback_on=False)),
            "feedback",
            "OFF",
            "warning",
        ),
        (
            replace(LOOK, vitals=replace(VITALS, is_protected=False, protection="SafeTip off")),
            "protection",
            "NOT armed: SafeTip off",
            "warning",
        ),
        (
            replace(LOOK, vitals=replace(VITALS, has_tripped=True, protection="SafeTip")),
            "protection",
            "HAS WITHDRAWN the tip: SafeTip",
            "alarm",
        ),
        (
            replace(LOOK, vitals=replace(VITALS, signal=3e-9)),
            "signal",
            "3 nA, touches at 2 nA",
            "alarm",
        ),
        (
            replace(LOOK, vitals=replace(VITALS, z=4.9e-7)),
            "z",
            "490 nm of -500 nm to 500 nm",
            "warning",
        ),
        (
            replace(LOOK, status=replace(STATUS, stage=(1e-3, 2e-3))),
            "position",
            "100 nm, -200 nm, stage 1 mm, 2 mm",
            "",
        ),
    ],
)
def test_what_is_not_as_it_should_be_is_said_and_coloured(
    view: StatusView, look: Look, name: str, words: str, what: str
) -> None:
    view.show_look(look)
    assert (said(view, name), role(view, name)) == (words, what)


def test_a_scan_says_how_many_lines_it_has(view: StatusView) -> None:
    """Row 13: the scan."""
    model = RunModel()
    model.take(numbered([started(), *scan_events(n_lines=5)]))
    view.show_run(model, Part.ALL)
    view.show_look(replace(LOOK, status=replace(STATUS, state=InstrumentState.SCANNING)))
    assert said(view, "instrument") == "scanning, 5 of 32 lines"


def test_where_nobody_can_tell_nothing_old_is_shown(view: StatusView) -> None:
    """Row 13: a value that is not read back is not known, and never the last one."""
    view.show_look(LOOK)
    view.show_look(None)
    for name in ("instrument", "tip", "feedback", "protection", "bias", "signal", "z", "position"):
        assert said(view, name) == UNKNOWN, name
    z = view.cells["z"].gauge
    assert z is not None
    assert z.role == "faint"


def test_an_instrument_that_tells_no_vitals_is_shown_for_what_it_tells(view: StatusView) -> None:
    view.show_look(replace(LOOK, vitals=None, owner=""))
    assert said(view, "tip") == "at the sample"
    assert said(view, "signal") == UNKNOWN
    assert said(view, "control") == "no server: the run itself"


@pytest.mark.parametrize("state", [InstrumentState.LOST, InstrumentState.CLOSED])
def test_an_instrument_that_is_away_feels_nothing(view: StatusView, state: InstrumentState) -> None:
    view.show_look(replace(LOOK, status=replace(STATUS, state=state)))
    for name in ("tip", "bias", "position", "feedback", "protection", "signal", "z"):
        assert said(view, name) == UNKNOWN, name


def test_after_a_withdrawal_it_says_so_and_since_when_as_long_as_nobody_can_look(
    view: StatusView,
) -> None:
    closed = replace(LOOK, status=replace(STATUS, state=InstrumentState.CLOSED))
    for look in (LOOK, closed, None):
        view.show_look(look)
        view.show_standing(Standing(FOLDER, tip="withdrawn, confirmed at 15:04:05"))
        seen = "at the sample" if look is LOOK else "withdrawn, confirmed at 15:04:05"
        assert said(view, "tip") == seen
    view.show_standing(Standing(FOLDER, tip="NOT confirmed to be withdrawn, at 15:04:05"))
    assert role(view, "tip") == "alarm"
    view.show_standing(Standing(FOLDER))
    assert said(view, "tip") == UNKNOWN


def test_what_nobody_has_felt_for_long_is_said_to_be_old(view: StatusView) -> None:
    """Row 13: while nothing is done, a watchdog without a server has only its last reading."""
    view.show_look(replace(LOOK, status=replace(STATUS, time=VITALS.time + 42.0)))
    assert said(view, "protection") == "armed: SafeTip at 2 nA, 42.0 s ago"
    for name in ("feedback", "protection", "signal", "z"):
        assert said(view, name).endswith(", 42.0 s ago"), name
        assert role(view, name) == "faint", name
    view.show_look(LOOK)
    assert said(view, "protection") == "armed: SafeTip at 2 nA"


def test_what_the_watchdog_did_is_above_everything(view: StatusView) -> None:
    view.show_look(replace(LOOK, trip="the current of 3.2 nA is above 2 nA"))
    assert view.alarm.isVisible()
    assert view.alarm.full == "WATCHDOG: the current of 3.2 nA is above 2 nA"
    view.show_look(LOOK)
    assert not view.alarm.isVisible()


def test_journal_disk_and_connection_are_shown(view: StatusView) -> None:
    """Row 13: journal and disk."""
    standing = Standing(FOLDER, run_view(), journal=JournalSays(12034, 45_000_000, "", 7e11))
    view.show_standing(standing)
    assert said(view, "journal") == "12034 records, 45 MB"
    assert said(view, "disk") == "700 GB free"
    assert said(view, "connection") == "hears process 4711"
    damaged = JournalSays(3, 100, "a torn record at byte 90", 5e8)
    view.show_standing(replace(standing, view=None, fault="it has died", journal=damaged))
    assert said(view, "journal") == "damaged: a torn record at byte 90"
    assert role(view, "journal") == role(view, "disk") == "alarm"
    assert said(view, "connection") == "it has died"


def test_it_fits_a_small_screen(view: StatusView) -> None:
    view.show_look(replace(LOOK, trip="a long word " * 40))
    assert view.minimumSizeHint().width() <= 1000
    assert view.minimumSizeHint().height() <= 140


def test_a_gauge_is_drawn_in_the_colours_of_the_theme(qtbot: QtBot, theme: Theme) -> None:
    gauge = Gauge(theme)
    qtbot.addWidget(gauge)
    gauge.resize(100, 12)

    def colours() -> set[str]:
        image = gauge.grab().toImage()
        return {QColor(image.pixel(x, 6)).name() for x in range(image.width())}

    gauge.show_value(0.5, 0.0, 1.0)
    assert DARK.good in colours()
    gauge.show_value(2.0, 0.0, 1.0)
    assert gauge.role == "alarm"
    assert DARK.alarm in colours()
    gauge.set_theme(LIGHT)
    assert LIGHT.alarm in colours()
    gauge.show_value(0.5, 0.0, float("inf"))
    assert gauge.role == "faint"
