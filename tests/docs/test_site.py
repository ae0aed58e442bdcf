"""What the site makes of lessons and formulas; commands that are wrong are found."""

import sys
from pathlib import Path

import commands
import pytest
from blocks import ROOT, blocks

sys.path.append(str(ROOT / "docs" / "_site"))

import formulas
import notebooks


def test_a_formula_is_drawn_and_code_is_left_alone() -> None:
    text = "a drift $v_x$ of\n`$HOME` and\n\n```sh\necho $A $B\n```\n\n$$ \\frac{a}{b} $$\n"
    marked = formulas.marked(text)
    assert "`$HOME`" in marked
    assert "echo $A $B" in marked
    drawn = formulas.drawn(marked)
    assert drawn.count("<svg") == 2
    assert 'aria-label="v_x"' in drawn


def test_a_formula_that_cannot_be_drawn_is_shown_as_it_was_typed() -> None:
    assert formulas.drawn(formulas.marked(r"$\nonsense{x}$")) == r"<code>\nonsense{x}</code>"


def test_a_lesson_becomes_a_page_with_text_and_code(tmp_path: Path) -> None:
    lesson = tmp_path / "09_new.py"
    lesson.write_text("# ---\n# x: y\n# ---\n\n# %% [markdown]\n# # Title\n# text\n\n# %%\nx = 1\n")
    page = notebooks.page_of(lesson)
    assert page.title == "Title"
    assert "# Title\ntext" in page.text
    assert "```python\nx = 1\n```" in page.text
    lesson.write_text("# %%\nx = 1\n")
    with pytest.raises(ValueError, match=r"09_new\.py has no heading"):
        notebooks.page_of(lesson)


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("spm-auto rnu recipe.toml", "there is no command 'rnu'"),
        ("spm-auto run recipe.toml --lab lab.toml --outt x", "No such option"),
        ("spm-auto check nowhere.toml", "there is no nowhere.toml"),
        ("spm-auto steer tonight forbid", "Missing argument"),
        ("make tests", "the Makefile has no target 'tests'"),
        ("pip install spm_auto[guy]", "there is no extra"),
        ("python benchmarks/agents.py --seedz 3", "agents.py has no option --seedz"),
        ("rm -rf /", "what is 'rm'"),
    ],
)
def test_a_command_that_would_not_work_is_refused(line: str, why: str, tmp_path: Path) -> None:
    for name in ("recipe.toml", "lab.toml", "tonight"):
        (tmp_path / name).touch()
    (words,) = commands.command_lines(line)
    with pytest.raises(commands.WrongCommand, match=why):
        commands.check(words, tmp_path)


def test_a_block_has_what_the_page_says_of_it() -> None:
    found = {block.where: block for block in blocks(ROOT / "docs" / "drivers" / "sr830.md")}
    (block,) = (each for each in found.values() if "lock_in" in each.text)
    assert block.language == "toml"
    assert block.notes == {"part of": "examples/lab_red_panda.toml"}
