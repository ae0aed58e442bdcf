"""What the README shows works as it is written there."""

import re
import shutil
import tomllib
from pathlib import Path

import pytest

from spm_auto import open_run

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def _blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


def test_the_recipe_shown_is_the_example() -> None:
    (block,) = _blocks("toml")
    assert tomllib.loads(block) == tomllib.loads(
        (ROOT / "examples" / "ferroelectric.toml").read_text(encoding="utf-8")
    )


@pytest.mark.docs
@pytest.mark.parametrize("number", range(len(_blocks("python"))))
def test_the_scripts_shown_run(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    block = _blocks("python")[number]
    small = block.replace("pixels=(256, 256)", "pixels=(32, 32)").replace("budget=60", "budget=4")
    small = small.replace("pixels=(128, 128)", "pixels=(32, 32)")
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    exec(compile(small, "README.md", "exec"), {"__name__": "readme"})
    (journal,) = tmp_path.glob("*/run.spmj")
    run = open_run(journal)
    assert run.finished is not None
    assert run.finished.reason == "completed"


def test_the_files_linked_exist() -> None:
    for target in re.findall(r"\]\(([^)#]+)\)", README):
        assert (ROOT / target).exists(), target
