"""Rows 20 to 22: files that mean harm."""

import json
import os
import pickle
import random
import time
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from agents_samples import make_overview, make_spectrum
from rows import Table
from test_strangers import SECRET, forget, image, was_read

from spm_auto.agents import Resumable, make
from spm_auto.data import (
    Journal,
    open_file,
    open_run,
)
from spm_auto.errors import AgentError, DataError, SpmError
from spm_auto.experiment import read_experiment
from spm_auto.lab import read_lab
from spm_auto.simulator import read_recording
from spm_auto.workflow import make_plan, read_recipe

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
RECIPE, LAB = EXAMPLES / "ferroelectric.toml", EXAMPLES / "lab_simulator.toml"
BUDGET = 100e6  # [bytes] that may be taken to refuse it; a laboratory with its sample is 25 MB


def bomb(canary: Path) -> bytes:
    """Make a pickle that leaves a trace when somebody reads it."""

    class Payload:
        def __reduce__(self) -> tuple[Any, ...]:
            return (os.mkdir, (str(canary),))

    return pickle.dumps(Payload())


def recipe_with(**changes: str) -> str:
    """Write a recipe in which something is replaced by something malicious."""
    parts = {
        "version": "1",
        "title": '"x"',
        "head": "",
        "pixels": "[16, 16]",
        "size": '["1 um", "1 um"]',
        "center": '["0 nm", "0 nm"]',
        "channels": '["amplitude"]',
        "more": "",
        "agent": '{ kind = "random" }',
        "scalarizer": '"loop_area"',
        "amplitude": '"8 V"',
        "points": "16",
        "cycles": "1",
        "budget": "3",
        "tail": "",
    }
    p = parts | changes
    return f"""schema_version = {p["version"]}
title = {p["title"]}
{p["head"]}
[[steps]]
kind = "overview"
frame = {{ center = {p["center"]}, size = {p["size"]}, pixels = {p["pixels"]} }}
channels = {p["channels"]}
{p["more"]}
[[steps]]
kind = "explore"
agent = {p["agent"]}
scalarizer = {p["scalarizer"]}
waveform = {{ kind = "triangle", amplitude = {p["amplitude"]}, points = {p["points"]}, cycles = {p["cycles"]} }}
budget = {p["budget"]}
{p["tail"]}
"""  # noqa: E501


CODE = "__import__('os').mkdir('CANARY')"


MALICIOUS = {
    "a YAML tag": "!!python/object/apply:os.mkdir ['CANARY']\n",
    "YAML": "schema_version: 1\ntitle: !!python/name:os.system\n",
    "JSON": json.dumps({"schema_version": 1, "title": CODE}),
    "Python": f"import os\n{CODE}\n",
    "a YAML anchor bomb": "a: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n",
    "tables too deep": "a = " + "[" * 5000 + "]" * 5000,
    "keys too deep": ".".join("a" * 3000) + " = 1",
    "a number of many digits": recipe_with(budget="9" * 10_000),
    "a file too large": "# " + "x" * (2**20 + 1),
    "zeros": "\0" * 1000,
    "10^9 points": recipe_with(points="1_000_000_000"),
    "10^9 cycles": recipe_with(cycles="1_000_000_000_000"),
    "a budget of 10^18": recipe_with(budget="1_000_000_000_000_000_000"),
    "a negative budget": recipe_with(budget="-1"),
    "a budget of text": recipe_with(budget='"3"'),
    "10^6 x 10^6 pixels": recipe_with(pixels="[1_000_000, 1_000_000]"),
    "no pixels": recipe_with(pixels="[0, 16]"),
    "a frame of 1 km": recipe_with(size='["1 km", "1 km"]'),
    "an infinite frame": recipe_with(size='["inf m", "1 um"]'),
    "a frame that is no number": recipe_with(center='["nan m", "0 nm"]'),
    "a bare infinity": recipe_with(center="[inf, 0.0]"),
    "a bias of 1 MV": recipe_with(amplitude='"1 MV"'),
    "nanometres as metres": recipe_with(size='["1000 m", "1000 m"]'),
    "an expression as quantity": recipe_with(amplitude='"4 V + 4 V"'),
    "code as quantity": recipe_with(amplitude=f'"{CODE}"'),
    "code as budget": recipe_with(budget=f'"{CODE}"'),
    "code as scalarizer": recipe_with(scalarizer=f'"{CODE}"'),
    "a module as scalarizer": recipe_with(scalarizer='"os:system"'),
    "a path as scalarizer": recipe_with(scalarizer='"../../evil"'),
    "an attribute as scalarizer": recipe_with(scalarizer='"__class__"'),
    "a module as agent": recipe_with(agent='{ kind = "subprocess.Popen", args = ["mkdir"] }'),
    "a path as agent": recipe_with(agent='{ kind = "/etc/passwd" }'),
    "an agent with a model file": recipe_with(agent='{ kind = "gp", model = "evil.pt" }'),
    "an agent without a kind": recipe_with(agent="{ initial = 3 }"),
    "an agent of 10^12 points": recipe_with(agent='{ kind = "gp", initial = -1_000_000_000_000 }'),
    "a path as channel": recipe_with(channels='["../../etc/passwd"]'),
    "a channel twice": recipe_with(channels='["amplitude", "amplitude"]'),
    "an include": recipe_with(head='include = "/etc/passwd"'),
    "an import": recipe_with(head='import = "os"'),
    "a key of Python's own": recipe_with(head="__class__ = 1"),
    "an output folder": recipe_with(head='out = "../../CANARY"'),
    "a hook": recipe_with(head='on_end = "mkdir CANARY"'),
    "a laboratory in the recipe": recipe_with(tail='[instrument]\nkind = "simulator"'),
    "a step of another's": recipe_with(tail='[[steps]]\nkind = "os.system"\n'),
    "a template": recipe_with(amplitude='"{{ 7*7 }} V"'),
    "a shell variable": recipe_with(amplitude='"$HOME V"'),
    "another version": recipe_with(version="99"),
    "a version that is text": recipe_with(version='"1"'),
    "a rate of 10^300": recipe_with(more='line_rate = "1e300 Hz"'),
    "a rate of nothing": recipe_with(more='line_rate = "0 Hz"'),
}


def test_a_recipe_that_means_harm_is_refused_and_does_nothing(
    row: Table, how_many: Callable[..., int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted = row(20, "malicious recipe", f"{len(MALICIOUS)} kinds: tags, numbers, paths, code")
    folder = tmp_path / "folder"
    folder.mkdir()
    path = folder / "recipe.toml"
    monkeypatch.chdir(folder)
    slowest, most = 0.0, 0
    chosen = random.Random(20).sample(sorted(MALICIOUS), how_many(quick=10, full=len(MALICIOUS)))
    for what in chosen:
        path.write_text(MALICIOUS[what], "utf-8", newline="")
        began = time.monotonic()
        tracemalloc.start()
        with counted.trial():
            with pytest.raises(SpmError) as refusal:
                _plan(path)
            assert "Traceback" not in str(refusal.value), what
            assert len(str(refusal.value)) < 5000, what
            assert tracemalloc.get_traced_memory()[1] < BUDGET, what
            assert [file.name for file in folder.iterdir()] == ["recipe.toml"], what
            assert not (tmp_path / "CANARY").exists(), what
        slowest = max(slowest, time.monotonic() - began)
        most = max(most, tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    counted.figure(f"refused within {1e3 * slowest:.0f} ms and {most / 1e6:.0f} MB")


def _plan(path: Path) -> None:
    """Read a recipe and hold it against a laboratory, as every command does before all else."""
    experiment = read_experiment(path, LAB, ())
    instrument = experiment.lab.open(1, experiment.lab.clock.clock())
    try:
        make_plan(experiment.recipe, instrument)
    finally:
        instrument.close()


def evil_files(folder: Path, secret: Path) -> dict[str, Path]:
    """Write HDF5 files that reach out, grow beyond any memory, or hold code."""
    canary = folder / "CANARY"
    made = {}

    def begin(name: str) -> h5py.File:
        made[name] = folder / f"{len(made)}.h5"
        return h5py.File(made[name], "w")

    with h5py.File(folder / "other.h5", "w") as file:
        image(file)
    with begin("a link to another file") as file:
        image(file)
        file["more"] = h5py.ExternalLink("other.h5", "/image")
    with begin("a link to a system file") as file:
        image(file)
        file["more"] = h5py.ExternalLink("/etc/passwd", "/")
    with begin("a soft link through another file") as file:
        file["a/out"] = h5py.ExternalLink("other.h5", "/")
        file["A"] = h5py.SoftLink("/a/out/image/data")
    with begin("data stored elsewhere") as file:
        image(file)
        file.create_dataset("out", shape=(3,), dtype="f8", external=[(str(secret), 0, 24)])
    with begin("virtual data") as file:
        layout = h5py.VirtualLayout((4, 3), "f8")
        layout[:] = h5py.VirtualSource(str(folder / "other.h5"), "/image/data", shape=(4, 3))
        file.create_virtual_dataset("data", layout)
    for name, how in {
        "320 GB in chunks": {"shape": (200_000, 200_000), "chunks": (1000, 1000)},
        "320 GB compressed": {
            "shape": (200_000, 200_000),
            "chunks": (1000, 1000),
            "compression": "gzip",
        },
        "one huge chunk": {"shape": (3, 3), "maxshape": (None, None), "chunks": (20_000, 10_000)},
    }.items():
        with begin(name) as file:
            image(file, data=None, dtype="f8", **how)
    with begin("many large ones") as file:
        for number in range(40):
            file.create_dataset(f"{number}", shape=(60, 2**20 // 8, 1), dtype="f8", chunks=True)
    with begin("a pickle as an object") as file:
        file.create_dataset("objects", shape=(2,), dtype=h5py.vlen_dtype(np.dtype("u1")))
        file["objects"][0] = np.frombuffer(bomb(canary), "u1")
    with begin("a pickle as bytes") as file:
        file["model"] = np.void(bomb(canary))
    with begin("a pickle as an attribute") as file:
        file.attrs["spm_auto_schema"] = np.void(bomb(canary))
    with begin("links in circles") as file:
        file["a"], file["b"] = h5py.SoftLink("/b"), h5py.SoftLink("/a")
    with begin("groups too deep") as file:
        file.create_group("/".join("abcd" * 10))
    with begin("a decoder of one's own") as file:
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, ())
        space = h5py.h5s.create_simple((4,))
        h5py.h5d.create(file.id, b"data", h5py.h5t.NATIVE_DOUBLE, space, plist)
    return made


def test_hdf5_that_means_harm_is_refused_before_its_data(
    row: Table, how_many: Callable[..., int], tmp_path: Path
) -> None:
    secret = tmp_path / "secret.txt"
    secret.write_bytes(SECRET)
    made = evil_files(tmp_path, secret)
    counted = row(21, "malicious HDF5", f"{len(made)} kinds: links, bombs, pickles; three readers")
    forget(secret)
    forget(tmp_path / "other.h5")
    readers = (open_file, open_run, read_recording)[: how_many(quick=1, full=3)]
    most = 0
    for path in [*made.values()][: how_many(quick=4, full=len(made))]:
        for read in readers:
            tracemalloc.start()
            with counted.trial():
                with pytest.raises(DataError) as refusal:
                    read(path)
                assert "TOP-SECRET" not in str(refusal.value)
                assert "\n" not in str(refusal.value)
                assert not was_read(secret)
                assert not was_read(tmp_path / "other.h5")
                assert not (tmp_path / "CANARY").exists()
                assert tracemalloc.get_traced_memory()[1] < BUDGET
            most = max(most, tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    counted.figure(f"at most {most / 1e6:.1f} MB of memory to refuse one")


def payloads(folder: Path, canary: Path) -> list[Path]:
    """Write models and measurements that would run something when they are unpickled."""
    code = bomb(canary)
    for name in ("model.pkl", "model.pt", "model.joblib", "model.dill", "map.npy", "run.spmj"):
        (folder / name).write_bytes(code)
    with zipfile.ZipFile(folder / "torch.pt", "w") as file:  # as torch.save writes it
        file.writestr("archive/data.pkl", code)
        file.writestr("archive/version", "3\n")
    objects = np.empty(1, dtype=object)
    objects[0] = Canary(canary)
    np.save(folder / "objects.npy", objects, allow_pickle=True)
    np.savez(folder / "objects.npz", model=objects)
    for kind in ("sxm", "dat", "ibw", "gwy", "h5", "toml"):
        (folder / f"named.{kind}").write_bytes(code)
    return sorted(folder.iterdir())


class Canary:
    """Leaves a trace when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.canary),))


def test_a_model_that_runs_code_when_it_is_read_is_not_read(row: Table, tmp_path: Path) -> None:
    folder, canary = tmp_path / "files", tmp_path / "CANARY"
    folder.mkdir()
    readers: dict[str, Callable[[Path], Any]] = {
        "a file": open_file,
        "a run": open_run,
        "a recording": read_recording,
        "a recipe": read_recipe,
        "a lab": read_lab,
        "a journal": lambda path: Journal.reopen(path, lambda: 0.0),
    }
    counted = row(22, "malicious model", "pickles of 15 names, given to all that reads a file")
    for path in payloads(folder, canary):
        for read in readers.values():
            with counted.trial():
                with pytest.raises(SpmError):
                    read(path)
                assert not canary.exists()
    pickle.loads(bomb(canary))  # the test can fail: this is what it would do
    assert canary.exists()


def test_a_state_that_runs_code_is_not_taken_up_by_an_agent(row: Table, tmp_path: Path) -> None:
    canary = tmp_path / "CANARY"
    counted = row(22, "malicious model", "pickles as the saved state of an agent")
    explorer = make("gp", make_overview(), scalarizer=lambda s: float(s.data.max()), initial=2)
    for number, proposal in enumerate(explorer.proposals(4)):
        explorer.tell(proposal, make_spectrum(np.arange(16.0) * number))
    agent = explorer.agent
    assert isinstance(agent, Resumable)
    known = agent.save()
    for name in known:
        for value in (bomb(canary), Canary(canary), {"__reduce__": "os.mkdir"}):
            with counted.trial():
                with pytest.raises(AgentError):
                    agent.restore({**known, name: value})
                assert not canary.exists()
