"""What is there when a page begins: a checkout's examples, a recipe, a lab file, finished runs."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path
from typing import Any

from blocks import ROOT
from typer.testing import CliRunner

import spm_auto as spm
from spm_auto.agents import ForbidRegion, ForcePoint, Rescalarize
from spm_auto.cli import app
from spm_auto.execute import execute
from spm_auto.export import export
from spm_auto.server import new_identity, write_identity

RECIPE = """
schema_version = 1
title = "A small one"

[[steps]]
kind = "overview"
frame = { center = ["0 nm", "0 nm"], size = ["1 um", "1 um"], pixels = [24, 24] }

[[steps]]
kind = "explore"
agent = { kind = "gp", initial = 3 }
scalarizer = "loop_area"
waveform = { kind = "triangle", amplitude = "8 V", points = 32 }
budget = 5
"""
CAMPAIGN = """
schema_version = 1
title = "A small one"

[[runs]]
name = "pilot"
tasks = ["gap_hunt"]
agents = ["random", "ranking", "oracle"]
levels = [1]
seeds = "0..1"

[runs.row]
title = "The largest gap"
agents = ["ranking"]
"""
CLUSTER = """
schema_version = 1
queue = "short"
"""
# folders of runs that pages speak of; all are the same run
RUNS = ("tonight", "last_night", "runs/attended", "runs/film", "runs/growth", "runs/gap")
SMALL = 32  # pixels
FEW = 5  # spectra


def build(folder: Path) -> Path:
    """Make the folder that every page's is a copy of."""
    shutil.copytree(ROOT / "examples", folder / "examples")
    shutil.copytree(ROOT / "benchmarks" / "campaigns", folder / "benchmarks" / "campaigns")
    (folder / "recipe.toml").write_text(RECIPE, encoding="utf-8")
    shutil.copy(ROOT / "examples" / "lab_simulator.toml", folder / "lab.toml")
    shutil.copy(ROOT / "examples" / "own_step.py", folder / "own_step.py")
    code = execute(
        folder / "recipe.toml", folder / "lab.toml", folder / "tonight", 1, (), as_json=True
    )
    if code != 0:
        raise AssertionError(f"the run that pages look at ended with {code}")
    write_identity(new_identity("berta"), folder / "hers")
    shutil.copy(folder / "hers" / "berta.key", folder / "berta.key")
    (folder / "small_campaign.toml").write_text(CAMPAIGN, encoding="utf-8")
    (folder / "cluster.toml").write_text(CLUSTER, encoding="utf-8")
    words = ["campaign", "small_campaign.toml", "--out", "pilot", "--workers", "1"]
    with chdir(folder):
        done = CliRunner().invoke(app, words)
    if done.exit_code != 0:
        raise AssertionError(f"the campaign that pages look at ended with {done.output}")
    theirs, *_ = export(spm.open_run(folder / "tonight"), "sxm", folder / "theirs")
    shutil.move(theirs, folder / "their_scan.sxm")
    return folder


def copy_for(page: str, built: Path, folder: Path) -> None:
    """Put into a folder what a page needs."""
    shutil.copytree(built, folder, dirs_exist_ok=True)
    for name in RUNS[1:]:
        if name in page:
            shutil.copytree(built / RUNS[0], folder / name)


def small(text: str) -> str:
    """Return a script that takes fewer spectra and smaller images."""

    def fewer(found: re.Match[str]) -> str:
        return f"{found[1]}{min(int(found[2]), FEW)}"

    def smaller(found: re.Match[str]) -> str:
        return f"pixels=({min(int(found[1]), SMALL)}, {min(int(found[2]), SMALL)})"

    text = re.sub(r"(budget=)(\d+)", fewer, text)
    return re.sub(r"pixels=\((\d+), (\d+)\)", smaller, text)


@contextmanager
def _a_run(folder: Path) -> Iterator[dict[str, Any]]:
    """A run that is going on, with an overview."""
    out = Path(tempfile.mkdtemp(dir=folder)) / "going_on"
    with spm.start_run(lab="lab.toml", out=out, seed=1) as run:
        overview = run.scan(("0 nm", "0 nm"), ("2 um", "2 um"), pixels=(SMALL, SMALL))
        waveform = spm.BiasWaveform.triangle(amplitude="8.5 V", points=64)
        yield {"spm": spm, "run": run, "overview": overview, "waveform": waveform}


@contextmanager
def _an_agent(folder: Path) -> Iterator[dict[str, Any]]:
    """The same, with an agent, and the values that steer it."""
    with _a_run(folder) as names:
        agent = spm.agents.make("gp", names["overview"], scalarizer="loop_area", seed=1)
        values = {each.__name__: each for each in (ForbidRegion, ForcePoint, Rescalarize)}
        yield {**names, **values, "agent": agent, "runner": names["run"]}


@contextmanager
def _a_live_run(folder: Path) -> Iterator[dict[str, Any]]:
    """A run that listens, where the page says that it is."""
    shutil.rmtree(folder / "runs" / "attended", ignore_errors=True)
    with spm.start_run(lab="lab.toml", out=folder / "runs/attended", seed=1, ear=True) as run:
        overview = run.scan(("0 nm", "0 nm"), ("2 um", "2 um"), pixels=(SMALL, SMALL))
        yield {"agent": spm.agents.make("gp", overview, scalarizer="loop_area", seed=1)}


GIVEN = {"a run": _a_run, "an agent": _an_agent, "a live run": _a_live_run}
