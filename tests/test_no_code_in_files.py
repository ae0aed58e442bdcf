"""Files hold data and never code: nothing that the project reads can make it run something."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("spm_auto", "drivers", "simulator", "gui", "benchmarks", "examples")

# modules whose files can run code when they are read
MODULES = {"pickle", "cPickle", "_pickle", "cloudpickle", "dill", "joblib", "marshal", "shelve"}
MODULES |= {"yaml", "jsonpickle"}
CALLS = {"eval", "exec", "compile"}


def faults(source: str) -> list[str]:
    """Say where a file could turn data into code, one line each."""
    found = []
    for node in ast.walk(ast.parse(source)):
        for name in _imported(node):
            if name.split(".")[0] in MODULES:
                found.append(f"{node.lineno}: imports {name}")
        if isinstance(node, ast.Call):
            found += [f"{node.lineno}: {fault}" for fault in _call(node)]
    return found


def _imported(node: ast.AST) -> list[str]:
    match node:
        case ast.Import(names=names):
            return [alias.name for alias in names]
        case ast.ImportFrom(module=module, names=names):
            return [f"{module}.{alias.name}" for alias in names]
        case ast.Call(args=[ast.Constant(value=str(name)), *_], func=function) if ast.unparse(
            function
        ).endswith(("import_module", "__import__")):
            return [name]
    return []


def _call(node: ast.Call) -> list[str]:
    name = ast.unparse(node.func)
    keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
    found = []
    if name in CALLS:
        found.append(f"calls {name}")
    if keywords.get("allow_pickle", "False") != "False":
        found.append("allows pickles")
    if name in ("torch.load", "torch.jit.load") and keywords.get("weights_only") != "True":
        found.append(f"{name} without weights_only=True")
    if name.endswith("read_pickle"):
        found.append(f"calls {name}")
    return found


def test_nothing_in_the_project_turns_data_into_code() -> None:
    files = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))
    assert len(files) > 200
    found = [
        f"{path.relative_to(ROOT).as_posix()}:{fault}"
        for path in files
        for fault in faults(path.read_text("utf-8"))
    ]
    assert found == []


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("import pickle", "1: imports pickle"),
        ("def f():\n    from yaml import load", "2: imports yaml.load"),
        ("import importlib\nimportlib.import_module('dill')", "2: imports dill"),
        ("import numpy as np\nnp.load('x.npy', allow_pickle=True)", "2: allows pickles"),
        ("import torch\ntorch.load('model.pt')", "2: torch.load without weights_only=True"),
        ("torch.load('model.pt', weights_only=False)", "1: torch.load without weights_only=True"),
        ("eval(text)", "1: calls eval"),
    ],
)
def test_a_planted_fault_is_caught(source: str, said: str) -> None:
    assert faults(source) == [said]


@pytest.mark.parametrize("source", ["torch.load('m.pt', weights_only=True)", "re.compile('x')"])
def test_what_is_harmless_passes(source: str) -> None:
    assert faults(source) == []
