"""The direction of imports: the table of ARCHITECTURE.md, held against the code."""

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("spm_auto", "drivers", "simulator", "gui")

BASE = {"units", "errors", "clock", "plugins", "settings", "faults"}
ALL = BASE | {
    "instrument", "data", "agents", "analysis", "plotting", "report", "forensics",
    "workflow", "tasks", "play", "export", "wire", "server", "notify", "ear", "lessons",
}  # fmt: skip
COMMAND_LINE = {
    *("cli", "execute", "experiment", "display", "doctor", "scoreboard", "gallery"),
    *("conformance", "emulate", "serve", "keys", "keep_going", "hosting", "attend", "serving"),
    *("steering", "listening", "windows", "foreseeing", "planning", "plan_tables"),
    *("rehearsal", "extremes", "stand_in", "campaigning", "campaign_display", "grading", "paging"),
}
DOORS = ALL | COMMAND_LINE | {"lab", "resume", "script", "campaign", "classroom"}

# who may import whom inside the project; a folder or file that is not named here is a fault
MAY_IMPORT = {
    **dict.fromkeys(BASE, BASE),
    "instrument": BASE | {"plotting"},  # images and spectra draw themselves
    "data": BASE | {"instrument", "plotting", "wire"},  # a run draws itself
    "agents": BASE | {"instrument"},
    "analysis": BASE | {"instrument"},
    "plotting": BASE | {"instrument"},
    "report": BASE | {"instrument", "data", "analysis", "plotting"},
    "forensics": BASE | {"instrument", "data", "agents", "analysis", "plotting", "report"},
    "export": BASE | {"instrument", "data", "plotting"},
    "workflow": BASE | {"instrument", "data", "agents", "analysis"},
    **dict.fromkeys(COMMAND_LINE | {"lab", "resume", "script", "campaign", "classroom"}, DOORS),
    "__main__": DOORS,
    "__init__": DOORS,
    "wire": BASE,
    "notify": BASE,
    "server": BASE | {"instrument", "data"},
    "ear": BASE | {"instrument", "data", "agents", "workflow", "server"},
    "drivers": BASE | {"instrument", "data", "wire"},
    "tasks": BASE | {"instrument"},
    "lessons": BASE | {"instrument"},
    "bluesky": ALL | {"lab", "script"},
    "play": BASE | {"instrument", "agents", "tasks"},
    "simulator": BASE | {"instrument", "data", "tasks", "lessons", "wire", "export"},
    "gui": BASE | {"instrument", "data", "agents", "analysis", "workflow", "ear", "server", "lab"},
}
# what the workflow may know of the agents: what an agent is, never which ones there are
ONLY_NAMES = {
    ("workflow", "agents"): {
        "Agent", "AgentSettings", "Candidates", "Costs", "Explorer", "Fit", "ForbidRegion",
        "ForcePoint", "Levels", "Memory", "Observation", "Order", "Proposal", "Recollection",
        "Scalar", "Scalarizer", "Scored", "Steering", "Watch", "inherit", "refusal", "scalar_of",
        "steering_of",
    },
    ("gui", "agents"): {  # what a human may ask of an agent, never which ones there are
        "AllowRegion", "ForbidRegion", "ForcePoint", "Prefer", "Region", "Rescalarize",
        "SetExploration", "Steering", "steering_of",
    },
}  # fmt: skip
BESIDE_A_FACE = {"spm_auto.instrument.examined"}  # needs pytest, which a face must not
# packages from outside, and the only places that may use them
EVERYWHERE = {"numpy", "scipy", "pydantic", "pydantic_core"}
ONLY_IN = {
    "torch": {"agents"},
    "gpytorch": {"agents"},
    "linear_operator": {"agents"},
    "h5py": {"data", "export", "simulator/recording.py", "simulator/servers"},
    "msgpack": {"data", "server", "ear"},
    "xarray": {"data"},
    "filelock": {"data"},
    "igor2": {"data"},
    "gwyfile": {"data", "export"},
    "skimage": {"analysis"},
    "sklearn": {"analysis"},
    "numba": {"simulator"},
    "matplotlib": {
        "plotting",
        "report",
        "forensics",
        "gallery",
        "campaign",
        "instrument/results.py",
        "data/reader.py",
    },
    "jinja2": {"report"},
    "zmq": {"server", "ear", "drivers", "simulator"},
    "typer": COMMAND_LINE,
    "rich": COMMAND_LINE,
    "dask": {"campaign"},
    "distributed": {"campaign"},
    "dask_jobqueue": {"campaign"},
    "bluesky": {"bluesky"},
    "event_model": {"export", "bluesky"},
    "optuna": {"agents"},
    "serial": {"drivers"},
    "PyQt6": {"gui"},
    "pyqtgraph": {"gui"},
    "tomlkit": {"gui"},
    "pytest": {"instrument/contract.py", "instrument/exam.py", "instrument/examined.py"},
    "threading.Thread": {"workflow", "drivers", "simulator", "server", "notify", "ear", "gui"},
    "threading.Timer": {"workflow"},
    "concurrent.futures": {"workflow", "server", "campaign", "bluesky"},
    "multiprocessing": {"campaign"},
}


def faults(source: str, path: str) -> list[str]:
    """Say which imports of a file break the table, one line each: file, line, rule."""
    place = _place(path)
    if place not in MAY_IMPORT:
        return [f"{path}: {place} has no row in the table of imports"]
    found = []
    for number, module, name in _imports(ast.parse(source), path):
        rule = _broken(place, path.removeprefix("spm_auto/"), module, name)
        if rule:
            found.append(f"{path}:{number}: {rule}")
    return found


def _broken(place: str, path: str, module: str, name: str) -> str:
    top, *rest = module.split(".")
    if top in FOLDERS[1:]:
        return f"`{top}` is a second copy of the plane; import spm_auto.{top}"
    if not top:
        return f"a relative import must not leave {place}/"
    if top == "spm_auto":
        target = rest[0] if rest else name if name in (*MAY_IMPORT, *FOLDERS) else "__init__"
        if target in ("__init__", place) or (place == "__init__" and target in FOLDERS):
            return ""
        if target not in MAY_IMPORT[place]:
            return f"{place} may not import spm_auto.{target}"
        names = ONLY_NAMES.get((place, target))
        if names and name not in names:
            return f"{place} may not import {name or 'all'} of spm_auto.{target}"
        most = 2 if target == "wire" else 1  # each wire is a face of its own
        if len(rest) > most and module not in BESIDE_A_FACE:
            return f"{place} must import from the face spm_auto.{target}, not from {module}"
        return ""
    for package in (top, f"{top}.{name}", module):
        allowed = ONLY_IN.get(package, {place})
        if place not in allowed and not any(
            path == home or path.startswith(f"{home}/") for home in allowed
        ):
            return f"{package} is only for {', '.join(sorted(allowed))}"
    if top in sys.stdlib_module_names or top in EVERYWHERE or top in ONLY_IN:
        return ""
    return f"{top} is not a dependency that the table knows"


def _place(path: str) -> str:
    """Name the row of a file: its folder, or the file itself where it stands in spm_auto/."""
    parts = path.split("/")
    return parts[0] if parts[0] != "spm_auto" else parts[1].removesuffix(".py")


def _imports(tree: ast.Module, path: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, absolute module and name of all imports, those inside functions included."""
    folders = path.split("/")[:-1]
    is_outside = folders[0] != "spm_auto"
    package = ["spm_auto", *folders] if is_outside else folders
    for node in ast.walk(tree):
        match node:
            case ast.Import():
                for alias in node.names:
                    yield node.lineno, alias.name, ""
            case ast.ImportFrom(level=0, module=module):
                for alias in node.names:
                    yield node.lineno, module or "", alias.name
            case ast.ImportFrom(level=level, module=module):
                base = package[: len(package) - level + 1]
                if len(base) < 1 + is_outside:
                    base = [".."]
                for alias in node.names:
                    yield node.lineno, ".".join([*base, *filter(None, [module])]), alias.name
            case ast.Attribute(value=ast.Name(id="threading"), attr=name):
                yield node.lineno, "threading", name
            case ast.Call(func=function, args=[ast.Constant(value=str(module)), *_]) if ast.unparse(
                function
            ).endswith(("import_module", "__import__")):
                yield node.lineno, module, ""


def _files() -> list[str]:
    found = (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def test_every_import_of_the_project_follows_the_table() -> None:
    files = _files()
    assert {file.split("/")[0] for file in files} == set(FOLDERS)
    found = [fault for file in files for fault in faults((ROOT / file).read_text("utf-8"), file)]
    assert not found, "\n".join(["imports that break the table:", *found])


@pytest.mark.parametrize(
    ("path", "source", "rule"),
    [
        ("drivers/nanonis.py", "import PyQt6.QtCore", "PyQt6 is only for gui"),
        ("drivers/nanonis.py", "from spm_auto.export import x", "may not import spm_auto.export"),
        ("drivers/a/b.py", "from ...simulator import x", "must not leave drivers/"),
        ("drivers/nanonis.py", "from ..spm_auto import units", "must not leave drivers/"),
        ("gui/main.py", "import spm_auto.simulator", "gui may not import spm_auto.simulator"),
        ("gui/main.py", "from spm_auto import simulator", "may not import spm_auto.simulator"),
        ("gui/main.py", "import simulator", "second copy of the plane"),
        ("tests/../gui/x.py", "pass", "has no row in the table"),
        ("simulator/tip.py", "from drivers import nanonis", "second copy of the plane"),
        (
            "simulator/scanner.py",
            "import h5py",
            "h5py is only for data, export, simulator/recording.py",
        ),
        ("spm_auto/agents/gp.py", "from ..data import Journal", "agents may not import"),
        ("spm_auto/agents/gp.py", "from spm_auto import data", "agents may not import"),
        ("spm_auto/agents/gp.py", "import spm_auto.workflow as w", "agents may not import"),
        ("spm_auto/workflow/runner.py", "import torch", "torch is only for agents"),
        ("spm_auto/workflow/runner.py", "import h5py", "h5py is only for data"),
        (
            "spm_auto/workflow/runner.py",
            "from ..agents import DeepKernelAgent",
            "may not import DeepKernelAgent of spm_auto.agents",
        ),
        ("spm_auto/workflow/runner.py", "import drivers.nanonis", "second copy of the plane"),
        ("spm_auto/instrument/guard.py", "from ..workflow import Runner", "may not import"),
        ("spm_auto/instrument/guard.py", "import pytest", "pytest is only for"),
        ("spm_auto/units.py", "from .instrument import ScanFrame", "units may not import"),
        ("spm_auto/data/journal.py", "import zmq", "zmq is only for drivers, ear, server"),
        (
            "spm_auto/data/journal.py",
            "import rich.table",
            "rich is only for attend",
        ),
        ("spm_auto/data/journal.py", "from ..instrument.frame import ScanFrame", "the face"),
        ("spm_auto/data/journal.py", "import pandas", "pandas is not a dependency"),
        ("spm_auto/data/journal.py", "import threading\nthreading.Thread()", "only for drivers"),
        ("spm_auto/data/journal.py", "from threading import Thread", "only for drivers"),
        ("spm_auto/novelty/x.py", "pass", "novelty has no row in the table"),
        ("spm_auto/cli.py", "from .drivers import nanonis", "cli may not import spm_auto.drivers"),
        ("spm_auto/units.py", "import_module('torch')", "torch is only for agents"),
        (
            "spm_auto/units.py",
            "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import torch",
            "units.py:3: torch is only for agents",
        ),
        ("drivers/x.py", "def f():\n    import torch", "x.py:2: torch is only for agents"),
    ],
)
def test_a_planted_fault_is_caught_by_file_and_rule(path: str, source: str, rule: str) -> None:
    (fault,) = faults(source, path)
    assert fault.startswith(path)
    assert rule in fault


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("drivers/nanonis/client.py", "from .codec import pack\nfrom ..transport import Link"),
        ("drivers/nanonis/client.py", "from spm_auto.instrument import Instrument\nimport socket"),
        ("simulator/recording.py", "import h5py\nfrom spm_auto.data import open_run"),
        ("gui/window.py", "from PyQt6 import QtCore\nfrom spm_auto.workflow import Runner"),
        ("spm_auto/agents/gp.py", "import torch\nfrom .protocol import Agent"),
        ("spm_auto/instrument/frame.py", "from ..units import quantity\nimport numpy as np"),
        ("spm_auto/clock.py", "import threading\nthreading.Event()"),
        ("spm_auto/cli.py", "import typer\nfrom .workflow import Runner\nfrom . import agents"),
    ],
)
def test_an_import_that_follows_the_table_passes(path: str, source: str) -> None:
    assert faults(source, path) == []


def test_faces_are_imported_without_the_heavy_libraries() -> None:
    heavy = {"torch", "gpytorch", "h5py", "matplotlib", "numba", "scipy", "jinja2"}
    faces = [f"spm_auto.{place}" for place in sorted(DOORS)]
    code = f"import sys, {', '.join(faces)}, spm_auto.simulator; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "set()"


def test_the_page_on_the_architecture_names_every_row_of_the_table() -> None:
    page = (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    rows = set(MAY_IMPORT) - {"__main__", "__init__"}
    packages = {name for name in ONLY_IN if "." not in name} - {
        "linear_operator",
        "multiprocessing",
    }
    missing = [name for name in sorted(rows | packages) if name not in page]
    assert missing == []


def test_every_dependency_is_pinned() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    # who is compared with, or opens our files, is nobody's dependency, and pinned where it must be
    ours = [name for name in extras if name not in ("bench", "interop")]
    named = sum((extras[name] for name in ours), project["dependencies"])
    lines = (ROOT / "constraints.txt").read_text("utf-8").lower().splitlines()
    pinned = {line.split("==")[0].replace("_", "-") for line in lines if "==" in line}
    wanted = {re.split(r"[^\w-]", name)[0].lower().replace("_", "-") for name in named}
    assert wanted - pinned == set()
