"""A recipe is written in a form and as text at once, and refused where it is wrong."""

import json
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from PyQt6.QtWidgets import QComboBox, QFileDialog, QLineEdit
from pytestqt.qtbot import QtBot

from spm_auto.gui.common.selection import Selection
from spm_auto.gui.common.theme import LIGHT, Theme
from spm_auto.gui.start.catalogue import LABS, RECIPES
from spm_auto.gui.start.recipe_editor import RecipeEditor
from spm_auto.gui.start.schema import Schema
from spm_auto.gui.start.schema_form import said
from spm_auto.settings import json_schema
from spm_auto.workflow import Recipe

EXAMPLES = Path(__file__).parents[2] / "examples"
BUDGET = ("steps", 1, "budget")
REHEARSAL = {
    "finish_reason": "completed",
    "message": "",
    "times": [184.0],
    "bias_time": 120.0,
    "n_spectra": 30,
    "n_force_curves": 0,
    "n_pulses": 0,
    "most_at_one_place": None,
    "extremes": {"bias": {"least": -8.5, "most": 8.5, "unit": "V"}},
    "refused": [{"step": "steps[1]", "kind": "explore", "message": "too near", "time": 90.0}],
}
COMMAND = (sys.executable, "-S", "-E", "-c", f"print({json.dumps(REHEARSAL)!r})")


@pytest.fixture(scope="module")
def schema() -> Schema:
    return Schema(json_schema(Recipe))


@pytest.fixture
def editor(
    qtbot: QtBot, selection: Selection, theme: Theme, schema: Schema, tmp_path: Path
) -> Iterator[RecipeEditor]:
    """An editor with the recipe of an agent on a film in it, in a file of its own."""
    made = RecipeEditor(selection, theme, COMMAND, calm=0.0, schema=schema)
    qtbot.addWidget(made)
    path = tmp_path / "film.toml"
    path.write_bytes((RECIPES / "explore_film.toml").read_bytes())
    made.open_file(path)
    yield made
    made.close_children()


def table(editor: RecipeEditor) -> dict[str, object]:
    return tomllib.loads(editor.text.toPlainText())


def enter(editor: RecipeEditor, path: tuple[str | int, ...], text: str) -> None:
    """Type into a field of the form, as a human does."""
    form = editor.bench.form
    form.open(path[:-1])
    item = form.item(path)
    assert item is not None
    form.tree.editItem(item, 1)
    field = next(iter(form.tree.findChildren(QLineEdit) + form.tree.findChildren(QComboBox)))
    field = field.parent() if isinstance(field.parent(), QComboBox) else field
    if isinstance(field, QComboBox):
        field.setCurrentText(text)
        field.activated.emit(field.currentIndex())
    else:
        assert isinstance(field, QLineEdit)
        field.setText(text)
        form._cells.commitData.emit(field)
        form._cells.closeEditor.emit(field)


def test_what_is_typed_in_the_form_stands_in_the_text_with_its_comments(
    editor: RecipeEditor,
) -> None:
    before = editor.text.toPlainText()
    enter(editor, BUDGET, "12")
    assert editor.text.toPlainText() == before.replace("budget = 30", "budget = 12")
    assert not editor.is_saved
    editor.text.undo()
    assert editor.text.toPlainText() == before


def test_what_is_typed_in_the_text_stands_in_the_form(qtbot: QtBot, editor: RecipeEditor) -> None:
    text = editor.text.toPlainText()
    editor.text.setPlainText(text.replace("budget = 30", "budget = 44"))

    def shown() -> bool:
        item = editor.bench.form.item(BUDGET)
        return item is not None and item.text(1) == "44"

    qtbot.waitUntil(shown)
    assert editor.state.text() == "a valid recipe"


@pytest.mark.parametrize(
    ("path", "typed", "fault"),
    [
        (BUDGET, "many", "input should be a valid integer, got 'many'; write it without quotes"),
        (BUDGET, "0", "input should be greater than or equal to 1, got 0"),
        (BUDGET, "", "this key is missing"),
        (("steps", 0, "line_rate"), "2 nm", "expected 'Hz'"),
        (("steps", 1, "agent", "initial"), "1", "greater than or equal to 2"),
        (("steps", 0, "frame", "size"), "2 um", "frame.size"),
    ],
)
def test_bad_input_is_refused_at_the_field_with_what_is_right(
    editor: RecipeEditor, path: tuple[str | int, ...], typed: str, fault: str
) -> None:
    heard: list[object] = []
    editor.recipe_ready.connect(heard.append)
    enter(editor, path, typed)
    item = editor.bench.form.item(path)
    assert item is not None
    assert fault in editor.faults.text()
    assert item.text(2) in editor.faults.text()  # the same words at the field
    assert said(path) in editor.faults.text()
    assert not editor.use.isEnabled()
    assert not editor.rehearsal.button.isEnabled()
    editor._use()
    assert heard == []


def test_a_text_that_is_no_toml_names_its_line_and_the_form_waits(
    qtbot: QtBot, editor: RecipeEditor
) -> None:
    text = editor.text.toPlainText()
    editor.text.setPlainText(text.replace("schema_version = 1", "schema_version ="))
    qtbot.waitUntil(lambda: not editor.bench.isEnabled())
    assert "line 4" in editor.faults.text()
    (mark,) = editor.text.extraSelections()
    assert mark.cursor.blockNumber() == 3
    editor.text.setPlainText(text)
    qtbot.waitUntil(editor.bench.isEnabled)
    assert editor.text.extraSelections() == []


def test_what_the_current_field_is_about_is_said_below(editor: RecipeEditor) -> None:
    editor.bench.form.open(("steps", 1))
    assert editor.bench.help.text().startswith("Let an agent choose")
    editor.bench.form.open(BUDGET)
    assert editor.bench.help.text().startswith("How many")


def test_a_kind_is_chosen_and_brings_the_fields_of_that_kind(editor: RecipeEditor) -> None:
    enter(editor, ("steps", 1, "agent"), "random")
    assert editor.draft.table is not None
    assert editor.draft.table["steps"][1]["agent"] == {"kind": "random"}
    assert editor.bench.form.item(("steps", 1, "agent", "initial")) is None
    assert editor.draft.faults == ()


def test_steps_are_added_moved_and_taken_away_in_the_form(editor: RecipeEditor) -> None:
    bench = editor.bench
    bench.form.open(("steps", 0))
    bench._fill()
    offered = {action.text(): action for action in bench.menu.actions()}
    offered["step: wait"].trigger()
    steps = editor.draft.table["steps"] if editor.draft.table else []
    assert [step["kind"] for step in steps] == ["overview", "wait", "explore"]
    assert bench.form.path == ("steps", 1)
    bench.up.click()
    assert bench.form.path == ("steps", 0)
    assert editor.draft.faults == ()
    bench.remove.click()
    assert [step["kind"] for step in editor.draft.table["steps"]] == ["overview", "explore"]
    assert "# An agent looks for" in editor.text.toPlainText()


def test_a_valid_recipe_is_saved_and_handed_over(editor: RecipeEditor) -> None:
    heard: list[object] = []
    editor.recipe_ready.connect(heard.append)
    enter(editor, BUDGET, "12")
    editor.use.click()
    assert heard == [editor.path]
    assert editor.path is not None
    assert tomllib.loads(editor.path.read_text("utf-8"))["steps"][1]["budget"] == 12
    assert editor.is_saved


def test_a_new_recipe_is_asked_for_its_place_before_it_is_handed_over(
    editor: RecipeEditor, tmp_path: Path
) -> None:
    heard: list[object] = []
    editor.recipe_ready.connect(heard.append)
    editor.open_file(RECIPES / "explore_gap.toml")
    assert editor.rehearsal.lab.offer.path == LABS / "stm.toml"
    enter(editor, ("title",), "mine")
    editor.use.click()
    assert heard == []
    (dialog,) = editor.findChildren(QFileDialog)
    assert not dialog.isModal()
    dialog.fileSelected.emit(str(tmp_path / "mine.toml"))
    dialog.close()
    assert heard == [tmp_path / "mine.toml"]


def test_what_comes_with_the_window_is_never_overwritten(
    editor: RecipeEditor, tmp_path: Path
) -> None:
    shipped = RECIPES / "grid_film.toml"
    before = shipped.read_bytes()
    editor.open_file(shipped)
    enter(editor, ("title",), "mine")
    assert not editor.save_as(shipped)
    assert "comes with the window" in editor.faults.text()
    assert editor.save_as(tmp_path / "mine.toml")
    assert shipped.read_bytes() == before
    assert editor.path == tmp_path / "mine.toml"


def test_nothing_that_was_written_is_lost_without_a_word(
    editor: RecipeEditor, tmp_path: Path
) -> None:
    enter(editor, BUDGET, "12")
    editor.open_file(RECIPES / "grid_film.toml")
    assert editor.draft.table is not None
    assert editor.draft.table["steps"][1]["budget"] == 12
    assert editor.discard.isVisibleTo(editor)
    editor.discard.click()
    assert not editor.text.document().isUndoAvailable()  # what is undone is of this file
    assert editor.path == RECIPES / "grid_film.toml"
    assert editor.is_saved
    editor.open_file(tmp_path / "nowhere.toml")
    assert "cannot be read" in editor.faults.text()
    assert editor.path == RECIPES / "grid_film.toml"


def test_what_waits_is_opened_once_nothing_is_lost(editor: RecipeEditor) -> None:
    enter(editor, BUDGET, "12")
    film = editor.path
    assert film is not None
    editor.open_file(RECIPES / "grid_film.toml")
    editor.save()
    assert editor.path == RECIPES / "grid_film.toml"
    assert tomllib.loads(film.read_text("utf-8"))["steps"][1]["budget"] == 12


def test_a_rehearsal_tells_time_exposure_and_extremes_until_the_text_changes(
    qtbot: QtBot, editor: RecipeEditor
) -> None:
    box = editor.rehearsal
    box.button.click()
    qtbot.waitUntil(lambda: box.values["Time"].text() == "3 min 4 s, completed", timeout=5000)
    assert box.values["Exposure"].text() == "120 V s in all"
    assert box.values["Extremes"].text() == "bias -8.5 V to 8.5 V"
    assert box.faults.text() == "steps[1] (explore): too near"
    enter(editor, BUDGET, "12")
    assert box.values["Time"].text() == "–"
    assert box.faults.text() == ""


def test_every_example_can_be_opened_with_a_row_for_each_value(editor: RecipeEditor) -> None:
    for path in sorted(EXAMPLES.glob("*.toml")):
        if path.name.startswith("lab_"):
            continue
        editor.open_file(path)
        assert editor.draft.faults == (), path
        assert editor.is_saved
        shown = {said(item.data(0, 256)) for item in editor.bench.form.items()}
        for index, step in enumerate(editor.draft.table["steps"] if editor.draft.table else ()):
            assert {f"steps[{index}].{key}" for key in step if key != "kind"} <= shown


def test_the_editor_changes_its_colours_and_keeps_its_text(editor: RecipeEditor) -> None:
    text = editor.text.toPlainText()
    editor.set_theme(LIGHT)
    assert editor.text.toPlainText() == text
    assert editor.bench.form.item(BUDGET) is not None
