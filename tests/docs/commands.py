"""Commands that pages show: read as the shell and our command line read them, and carried out."""

import re
import shlex
import shutil
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
import typer.main
from blocks import ROOT
from typer.testing import CliRunner

from spm_auto.cli import app

# other people's programs, which are not ours to try
OTHERS = {"git", "ssh", "cd", ".", "pip", "sbatch", "qsub", "chmod", "ln", "mkdir"}
OTHERS |= {"systemctl", "jupyter", "jupytext", "dask"}
# what is quick and needs nobody, no port and no window
QUICK = {"check", "plan", "rehearse", "run", "show", "report", "forensics", "export"}
QUICK |= {"list", "results", "schema", "keys", "task", "lessons", "page", "course"}
QUICK_IF_DRY = {"campaign"}
WRITTEN = ("out", "png", "csv", "json", "page", "keep")  # options that name what will be made
# of the click that typer uses, be it its own or the one installed
CLICK_ERROR: Any = next(c for c in typer.BadParameter.__mro__ if c.__name__ == "ClickException")
HEAD = re.compile(r"^(?:\.venv/bin/)?(spm-auto|python3?|make)$")


class WrongCommand(AssertionError):
    """A page shows what would not work."""


def command_lines(text: str) -> Iterator[list[str]]:
    """Yield the words of each command of a block, without what is printed between `$ ` lines."""
    lines = text.replace("\\\n", " ").splitlines()
    if any(line.startswith("$ ") for line in lines):
        lines = [line.removeprefix("$ ") for line in lines if line.startswith("$ ")]
    for line in lines:
        words = shlex.split(line.replace("\\", "/"), comments=True)
        while words:
            end = next((i for i, word in enumerate(words) if word in ("&&", ";", "|")), len(words))
            if words[:end]:
                yield words[:end]
            words = words[end + 1 :]


def check(words: list[str], folder: Path) -> str:
    """Check a command against what there is; return "ours", "make", "script" or "theirs".

    Raises:
        WrongCommand: It would not work.
    """
    if ">" in words:
        words = words[: words.index(">")]
    head = HEAD.match(words[0])
    if words[0].endswith("activate") or (words[0] in OTHERS and words[0] != "pip"):
        return "theirs"
    if words[0] == "pip" or words[:3] == ["python", "-m", "pip"]:
        _check_extras(words)
        return "theirs"
    if head is None:
        raise WrongCommand(f"what is {words[0]!r}?")
    if head[1] == "make":
        _check_targets(words[1:])
        return "make"
    if head[1] == "spm-auto" or words[1:3] == ["-m", "spm_auto"]:
        _check_ours(arguments(words), folder)
        return "ours"
    return _check_python(words[1:], folder)


def arguments(words: list[str]) -> list[str]:
    """Return what follows the name of our program, without where its output goes."""
    if ">" in words:
        words = words[: words.index(">")]
    return words[3:] if words[1:3] == ["-m", "spm_auto"] else words[1:]


def _check_targets(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for word in words:
        if "=" not in word and not re.search(rf"^{re.escape(word)}:", makefile, re.MULTILINE):
            raise WrongCommand(f"the Makefile has no target {word!r}")


def _check_extras(words: list[str]) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for named in re.findall(r"\[([\w,]+)\]", " ".join(words)):
        missing = set(named.split(",")) - set(project["optional-dependencies"])
        if missing:
            raise WrongCommand(f"there is no extra {sorted(missing)}")


def _check_python(words: list[str], folder: Path) -> str:
    if words[:2] == ["-m", "venv"] or words[:2] == ["-m", "pytest"]:
        return "theirs"
    if words[0] == "-m":
        file = ROOT / (words[1].replace(".", "/") + ".py")
        rest = words[2:]
    else:
        rest = words[1:]
        file = next((f / words[0] for f in (ROOT, folder) if (f / words[0]).exists()), ROOT)
    if not file.is_file():
        raise WrongCommand(f"there is no script {words[0]!r}")
    known = file.read_text(encoding="utf-8")
    for near in re.findall(r"from (?:benchmarks\.)?(\w+) import", known):
        other = file.parent / f"{near}.py"
        known += other.read_text(encoding="utf-8") if other.is_file() else ""
    for word in rest:
        option = word.partition("=")[0]
        if option.startswith("--") and f'"{option}"' not in known:
            raise WrongCommand(f"{file.name} has no option {option}")
    return "script"


def _command(words: list[str]) -> tuple[Any, list[str], Any]:
    """Return the command of ours that words name, what follows, and the context it is read in."""
    command: Any = typer.main.get_command(app)  # a click of typer's own, or the one installed
    context = command.context_class(command, info_name="spm-auto")
    while hasattr(command, "list_commands") and words and not words[0].startswith("-"):
        found = command.get_command(context, words[0])
        if found is None:
            known = ", ".join(command.list_commands(context))
            raise WrongCommand(f"there is no command {words[0]!r} (there are {known})")
        # what a group takes for itself, such as the folder of `steer`, stands before its command
        own = [each for each in found.get_params(context) if each.param_type_name == "argument"]
        skipped = len(own) if hasattr(found, "list_commands") else 0
        command, words = found, words[1 + skipped :]
        context = command.context_class(command, parent=context, info_name=command.name)
    return command, words, context


def check_options(text: str) -> None:
    """Check the name and the options of a command within a sentence; the rest may be left out.

    Raises:
        WrongCommand: There is no such command or option.
    """
    words = [word for word in shlex.split(text)[1:] if word != "..."]
    command, rest, context = _command(words)
    known = {"--help"}
    for param in command.get_params(context):
        known |= {*param.opts, *param.secondary_opts}
    for word in rest:
        if word.startswith("--") and word.partition("=")[0] not in known:
            raise WrongCommand(f"{command.name} has no option {word.partition('=')[0]}")


def _check_ours(words: list[str], folder: Path) -> None:
    command, rest, context = _command(words)
    if "--help" in rest:
        return
    if hasattr(command, "list_commands"):
        if rest not in ([], ["--version"]):
            raise WrongCommand(f"{command.name}: {' '.join(rest)} names no command")
        return
    try:
        made = command.make_context(command.name, list(rest), parent=context.parent)
    except CLICK_ERROR as error:
        raise WrongCommand(f"{' '.join(words)}: {error.format_message()}") from error
    for param in command.get_params(made):
        for path in _paths(param.name, made.params.get(param.name)):
            if not path.parts[0].startswith("~") and not (folder / path).exists():
                raise WrongCommand(f"{' '.join(words)}: there is no {path}")


def _paths(name: str, value: object) -> list[Path]:
    if name in WRITTEN:
        return []
    values = value if isinstance(value, list | tuple) else [value]
    return [each for each in values if isinstance(each, Path)]


def carry_out(words: list[str], folder: Path) -> bool:
    """Carry out a command of ours in a folder, small, if it is one of the quick ones.

    Raises:
        WrongCommand: It ended with an error.
    """
    given = arguments(words)
    quick = QUICK | QUICK_IF_DRY if "--dry-run" in given else QUICK
    if not given or given[0] not in quick or any(word.startswith("~") for word in given):
        return False
    smaller = _smaller(given)
    if smaller is None:
        return False
    given += smaller
    if given[0] == "run":
        given += ["--approve", "never"]  # nobody is there to be asked
        shutil.rmtree(folder / given[given.index("--out") + 1], ignore_errors=True)
    result = CliRunner().invoke(app, given)
    if result.exit_code != 0:
        why = result.exception if not isinstance(result.exception, SystemExit) else ""
        raise WrongCommand(f"{' '.join(given)}: {result.output[-500:]} {why}")
    return True


def _smaller(given: list[str]) -> list[str] | None:
    """Return overrides that make the run of an example short; None where its data are missing."""
    if given[0] not in ("run", "rehearse"):
        return []
    if str(ROOT / "benchmarks") not in sys.path:
        sys.path.append(str(ROOT / "benchmarks"))
    from recipes import find_recipes

    for example in find_recipes():
        if example.path.name == Path(given[1]).name:
            quick = example.overrides(is_quick=True)
            return (
                [word for each in quick for word in ("--set", each)] if example.is_there else None
            )
    return []
