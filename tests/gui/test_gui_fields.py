"""QuantityField: a quantity with its unit, typed, stepped or pasted."""

import math

import pytest
from PyQt6.QtCore import Qt
from PyQt6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from spm_auto.gui.common.fields import QuantityField, written_range


@pytest.fixture
def width(qtbot: QtBot) -> QuantityField:
    """Give the field of a width."""
    field = QuantityField("width", "m", 5e-7, (1e-9, 5e-6))
    qtbot.addWidget(field)
    return field


@pytest.mark.parametrize(
    ("text", "cursor", "key", "stepped"),
    [
        ("500 nm", 1, Qt.Key.Key_Up, "600 nm"),
        ("500 nm", 3, Qt.Key.Key_Down, "499 nm"),
        ("500 nm", 6, Qt.Key.Key_Up, "501 nm"),
        ("500 nm", 0, Qt.Key.Key_Up, "600 nm"),
        ("12.50 nm", 4, Qt.Key.Key_Up, "12.60 nm"),
        ("12.50 nm", 2, Qt.Key.Key_Down, "11.50 nm"),
        ("999 nm", 3, Qt.Key.Key_Up, "1000 nm"),
        ("1e3 nm", 1, Qt.Key.Key_Up, "1e3 nm"),
        ("much", 1, Qt.Key.Key_Up, "much"),
    ],
)
def test_the_arrow_keys_step_the_digit_at_the_cursor(
    width: QuantityField, qtbot: QtBot, text: str, cursor: int, key: Qt.Key, stepped: str
) -> None:
    """Row 12: keyboard for what is frequent."""
    width.setText(text)
    width.setCursorPosition(cursor)
    qtbot.keyClick(width, key)
    assert width.text() == stepped


def test_a_digit_that_is_stepped_stays_the_one_that_is_stepped(
    width: QuantityField, qtbot: QtBot
) -> None:
    width.setText("98.0 nm")
    width.setCursorPosition(2)
    for _ in range(5):
        qtbot.keyClick(width, Qt.Key.Key_Up)
    assert width.text() == "103.0 nm"
    for _ in range(4):
        qtbot.keyClick(width, Qt.Key.Key_Down)
    assert width.text() == "99.0 nm"


def test_a_step_beyond_the_limit_is_refused_and_not_clipped(
    width: QuantityField, qtbot: QtBot
) -> None:
    width.setText("5 um")
    width.setCursorPosition(1)
    qtbot.keyClick(width, Qt.Key.Key_Up)
    assert width.text() == "6 um"
    assert width.value() is None
    assert width.fault() == "width of 6 um is outside 1 nm to 5 um"


def test_what_is_typed_in_another_prefix_is_written_in_the_usual_one(
    width: QuantityField, qtbot: QtBot
) -> None:
    """Row 6: units are converted exactly."""
    width.selectAll()
    qtbot.keyClicks(width, "0.25um")
    assert width.value() == 2.5e-7
    qtbot.keyClick(width, Qt.Key.Key_Return)
    assert width.text() == "250 nm"
    assert width.value() == 2.5e-7


def test_what_is_wrong_is_left_as_it_was_typed(width: QuantityField, qtbot: QtBot) -> None:
    width.selectAll()
    qtbot.keyClicks(width, "0.25")
    qtbot.keyClick(width, Qt.Key.Key_Return)
    assert width.text() == "0.25"
    assert "has no unit" in width.fault()
    assert "1 nm to 5 um is allowed" in width.fault()


def test_a_quantity_can_be_pasted_as_text_programs_write_it(
    width: QuantityField, qapp: QApplication
) -> None:
    field = QuantityField("offset", "V", 0.0, (-10.0, 10.0))
    clipboard = qapp.clipboard()
    assert clipboard is not None
    for pasted, value in ((" −2.5\u00a0V\n", -2.5), ("–300 mV", -0.3)):
        clipboard.setText(pasted)
        field.selectAll()
        field.paste()
        assert field.value() == value, field.fault()
    clipboard.setText("2.5 V 3 V")
    field.selectAll()
    field.paste()
    assert field.value() is None
    field.close()


def test_angles_are_shown_in_degrees_and_may_be_typed_in_both(qtbot: QtBot) -> None:
    angle = QuantityField("angle", "rad", math.pi / 6, (-math.pi, math.pi))
    qtbot.addWidget(angle)
    assert angle.text() == "30 deg"
    angle.setText("1.5 rad")
    assert angle.value() == 1.5
    angle.setText("200 deg")
    assert angle.fault() == "angle of 200 deg is outside -180 deg to 180 deg"


def test_a_refusal_of_all_fields_together_goes_when_something_else_is_typed(
    width: QuantityField,
) -> None:
    width.refuse("x of 6 um is outside -5 um to 5 um (a corner of the frame)")
    assert width.fault().startswith("x of 6 um")
    assert width.value() == 5e-7
    assert width.property("fault") is True
    width.setText("400 nm")
    assert width.fault() == ""
    assert width.property("fault") is False


def test_the_tool_tip_tells_what_it_is_what_is_allowed_and_the_default(
    width: QuantityField,
) -> None:
    """Row 12: limits, defaults and tool tips."""
    width.set_tip("Length of a line")
    assert width.toolTip() == "Length of a line\n1 nm to 5 um\nat first 500 nm"


def test_ranges_with_one_end_are_said_in_words() -> None:
    assert written_range((-math.inf, 2e-9), "A") == "at most 2 nA"
    assert written_range((4.0, math.inf), "1") == "at least 4"
