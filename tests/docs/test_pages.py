"""Every code block of README.md and of docs/ works as it is written there; the site builds."""

import os
import re
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path

import commands
import pytest
import scenes
import tables
from blocks import KINDS, LANGUAGES, ROOT, Block, blocks, inline_commands, pages
from matplotlib import pyplot

from spm_auto.errors import SpmError

PAGES = pages()
MADE = re.compile(r".*\b(examples/index|contributing|architecture|changelog|tutorials/index)\.md")
NAMES = [path.relative_to(ROOT).as_posix() for path in PAGES]


def test_each_block_says_what_it_is_and_why_it_is_not_run_if_it_is_not() -> None:
    found = [block for path in PAGES for block in blocks(path)]
    assert len(found) > 60
    assert [b.where for b in found if b.language not in LANGUAGES] == []
    wrong = [b.where for b in found for kind in b.notes if b.language not in KINDS[kind]]
    assert wrong == []
    unknown = [b.where for b in found if b.notes.get("given", "a run") not in scenes.GIVEN]
    assert unknown == []


def test_each_link_of_a_page_leads_to_a_file() -> None:
    wrong = []
    for path in PAGES:
        for target in re.findall(
            r"\]\(([^)#:\s]+)(?:#[^)\s]*)?\)", path.read_text(encoding="utf-8")
        ):
            if not (path.parent / target).exists() and not MADE.fullmatch(
                f"{path.parent.name}/{target}"
            ):
                wrong.append(f"{path.relative_to(ROOT)}: {target}")
    assert wrong == []


@pytest.mark.docs
@pytest.mark.parametrize("path", PAGES, ids=NAMES)
def test_the_blocks_of_a_page_work_from_top_to_bottom(
    path: Path,
    built: Path,
    tally: Counter[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scenes.copy_for(path.read_text(encoding="utf-8"), built, tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SPM_AUTO_HOME", str(tmp_path / "home"))
    wrong: list[str] = []
    names: dict[str, object] = {"__name__": "page"}
    with ExitStack() as stack:
        for block in blocks(path):
            if "not run" in block.notes:
                tally[f"not run, {block.where}: {block.notes['not run']}"] += 1
                continue
            if "given" in block.notes:
                names |= stack.enter_context(scenes.GIVEN[block.notes["given"]](tmp_path))
            try:
                _try(block, tmp_path, names, tally)
            except (commands.WrongCommand, tables.WrongTable, SpmError) as error:
                wrong.append(f"{block.where}: {error}")
        for where, text in inline_commands(path):
            try:
                commands.check_options(text)
                tally["commands in sentences, names and options checked"] += 1
            except commands.WrongCommand as error:
                wrong.append(f"{where}: {error}")
    pyplot.close("all")
    assert not wrong, "\n".join(["", *wrong])


def _try(block: Block, folder: Path, names: dict[str, object], tally: Counter[str]) -> None:
    if block.language == "python":
        exec(compile(scenes.small(block.text), block.where, "exec"), names)
        tally["python blocks carried out"] += 1
    elif block.language == "toml":
        tally[f"tables read as {tables.check(block, folder)}"] += 1
    elif block.language in ("sh", "console"):
        for words in commands.command_lines(block.text):
            what = commands.check(words, folder)
            is_done = what == "ours" and commands.carry_out(words, folder)
            tally[f"commands carried out: {what}" if is_done else f"commands read: {what}"] += 1
    else:
        tally["blocks of text, shown only"] += 1


@pytest.mark.docs
def test_the_site_builds_without_a_warning_and_fetches_nothing(tmp_path: Path) -> None:
    site = tmp_path / "site"
    built = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(site)],
        cwd=ROOT,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stderr[-2000:]
    assert "WARNING" not in built.stderr
    made = [path for path in site.rglob("*.html") if path.name != "404.html"]
    assert len(made) > 80
    for path in made:
        page = path.read_text(encoding="utf-8")
        for attribute in ('src="http', 'rel="stylesheet" href="http', "@import url(http"):
            assert attribute not in page, path
