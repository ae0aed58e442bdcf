"""Does what the analyse step says hold against the simulator's truth?

    python -m benchmarks.workflow_analysis --seeds 10
    python -m benchmarks.workflow_analysis --pictures docs/pictures # those of docs/analysis.md

The two examples are run in full. On the film the statement on coercive bias and walls is held
against loops of a perfect instrument at 300 places that nobody chose: the true effect is what the
same shape gives there. Height has nothing to do with switching on this film, so that a statement on
it is false. On the polymer each place has the true modulus under the tip, and a perfect instrument
says how stiff the contact is there.
"""

import argparse
import base64
import io
import math
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
from PIL import Image
from scipy.spatial import cKDTree
from skimage.measure import find_contours

from spm_auto.agents import coercive_bias
from spm_auto.agents.scalarizers.force import stiffness
from spm_auto.clock import InstantClock
from spm_auto.data import FinishReason, RecordedRun, open_run
from spm_auto.instrument import (
    AcquireForceCurve,
    BiasWaveform,
    Channel,
    FloatArray,
    GuardedInstrument,
    Load,
    Spectrum,
)
from spm_auto.lab import begin, read_lab
from spm_auto.report.found import draw_found
from spm_auto.simulator import SimulatorSettings, Truth, simulate
from spm_auto.simulator.samples.afm import AfmSample
from spm_auto.workflow import read_recipe

from .tables import spread, table

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
PLACES = 300  # of the true film
PICTURES = {
    ("ferroelectric_discovery.toml", "lab_simulator.toml"): {
        "domain walls": "discovery_walls.png",
        "coercive bias and walls": "discovery_statement.png",
        "components": "discovery_components.png",
    },
    ("afm_stiff_inclusions.toml", "lab_afm.toml"): {
        "groups": "stiff_groups.png",
        "stiffness": "stiff_values.png",
    },
}
STIFF = 15e9  # modulus from which on a place is an inclusion [Pa]


def run_example(name: str, lab: str, seed: int, folder: Path) -> tuple[RecordedRun, Truth]:
    """Run an example in full; returns what was recorded and the truth as it was at the end."""
    recipe = read_recipe(EXAMPLES / name)
    settings = cast(SimulatorSettings, read_lab(EXAMPLES / lab)[0].instrument)
    clock = InstantClock()
    microscope, truth = simulate(settings, seed, clock)
    runner = begin(GuardedInstrument(microscope), clock, folder, title=name, seed=seed)
    finished = runner.run(recipe.steps, seed)
    if finished.reason is not FinishReason.COMPLETED:
        raise RuntimeError(f"{name} with seed {seed}: {finished.message}")
    return open_run(folder), truth


def film(seed: int, folder: Path) -> Mapping[str, float]:
    """Run the film, and hold what was said against the truth."""
    run, truth = run_example("ferroelectric_discovery.toml", "lab_simulator.toml", seed, folder)
    said = _statements(run)
    walls, height = said["coercive_bias", "walls"], said["coercive_bias", "height"]
    truth.restore(truth.pristine)
    waveform = BiasWaveform.triangle(9.0, 64)
    places = np.random.default_rng(seed).uniform(-0.55e-6, 0.55e-6, (PLACES, 2))
    distance = _true_distance(truth, places)
    loops = [truth.film.loop(x, y, waveform)[-1] for x, y in places.tolist()]
    scalars = [coercive_bias(_spectrum(waveform, loop)) for loop in loops]
    good = np.array([scalar.is_good for scalar in scalars])
    values = np.array([scalar.value for scalar in scalars])[good]
    true = _effect(distance[good], values, str(walls["shape"]), float(walls["scale"]))
    found = walls["is_significant"]
    return {
        "found": float(found),
        "effect [V]": walls["effect"],
        "true effect [V]": true,
        "error [its deviations]": (walls["effect"] - true) / walls["deviation"],
        "false": float(height["is_significant"]),
        "imprint and domains": float(said["imprint", "domains"]["is_significant"]),
    }


def polymer(seed: int, folder: Path) -> Mapping[str, float]:
    """Run the polymer, and hold its groups against the truth."""
    run, truth = run_example("afm_stiff_inclusions.toml", "lab_afm.toml", seed, folder)
    groups = next(f.values for f in run.findings if f.values.get("what") == "clusters")
    sample = cast(AfmSample, truth.sample)
    places, labels = groups["places"], groups["labels"]
    modulus = np.array([sample.at(x, y).modulus for x, y in places.tolist()])
    is_stiff = modulus > STIFF
    centers = groups["centers"][:, 0]
    middle = (centers.min() + centers.max()) / 2
    called = centers[labels] > middle
    features = groups["features"][:, 0].astype(float)
    contrast = float(np.mean(features[called]) - np.mean(features[~called]))
    known = [np.var(features[each]) / max(int(each.sum()), 1) for each in (called, ~called)]
    true = _true_stiffness(seed, places)
    there = float(np.nanmean(true[is_stiff]) - np.nanmean(true[~is_stiff]))
    return {
        "places on inclusions": float(is_stiff[:60].mean()),
        "by chance": float(is_stiff[60:].mean()),
        "right group": float(np.mean(called == is_stiff)),
        "contrast [N/m]": contrast,
        "its deviation": math.sqrt(sum(known)),
        "true contrast [N/m]": there,
    }


def _true_distance(truth: Truth, places: FloatArray) -> FloatArray:
    """Return how far places are from where the polarisation is zero [m]."""
    x, _ = truth.film.coordinates
    cells, cell = len(x), float(x[0, 1] - x[0, 0])
    wide = np.tile(truth.film.polarization, (3, 3))  # the film is periodic
    lines = np.concatenate(find_contours(wide, 0.0))[:, ::-1]
    return np.asarray(cKDTree((lines - cells) * cell + x[0, 0]).query(places)[0])


def _true_stiffness(seed: int, places: FloatArray) -> FloatArray:
    """Return what a perfect instrument finds at places of the same sample [N/m]."""
    settings = cast(SimulatorSettings, read_lab(EXAMPLES / "lab_afm.toml")[0].instrument)
    perfect, _ = simulate(settings.model_copy(update={"level": 0}), seed)
    perfect.load(Load())
    curves = [
        perfect.acquire_force_curve(AcquireForceCurve(x, y, 150e-9, 60e-9, 200, 2.0))
        for x, y in places.tolist()
    ]
    return np.array([stiffness(curve).value for curve in curves])


def _statements(run: RecordedRun) -> dict[tuple[str, str], Mapping[str, Any]]:
    values = [f.values for f in run.findings if f.values.get("what") == "statement"]
    return {(str(v["scalarizer"]), str(v["structure"])): v for v in values}


def _effect(distance: FloatArray, values: FloatArray, shape: str, scale: float) -> float:
    near = distance <= scale if shape == "step" else np.exp(-((distance / scale) ** 2))
    away = near - np.mean(near)
    return float(away @ values / (away @ away))


def _spectrum(waveform: BiasWaveform, loop: FloatArray) -> Spectrum:
    return Spectrum(0.0, 0.0, waveform.bias, (Channel("piezoresponse", "m/V"),), loop[None], 0, 1)


def main(seeds: int = 10) -> list[tuple[str, str]]:
    """Run both examples with several seeds.

    Returns:
        Name of each figure, and mean ± standard deviation over the seeds.
    """
    rows = []
    for name, measure in (("film", film), ("polymer", polymer)):
        found = []
        for seed in range(1, seeds + 1):
            with tempfile.TemporaryDirectory() as folder:
                found.append(measure(seed, Path(folder) / "run"))
        rows += [(f"{name}: {key}", spread([each[key] for each in found])) for key in found[0]]
    return rows


def draw(folder: Path) -> None:
    """Write the pictures of the page on analysis, as the report of a run with seed 1 has them."""
    for (name, lab), named in PICTURES.items():
        with tempfile.TemporaryDirectory() as place:
            run, _ = run_example(name, lab, 1, Path(place) / "run")
            for picture in draw_found(run):
                if picture.title in named:
                    png = base64.b64decode(picture.uri.partition(",")[2])
                    image = Image.open(io.BytesIO(png)).convert("RGB").quantize(128)
                    image.save(folder / named[picture.title], optimize=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--pictures", type=Path, help="folder to write pictures to")
    asked = parser.parse_args()
    if asked.pictures:
        draw(asked.pictures)
    else:
        for line in table(("figure", "mean ± sd"), main(asked.seeds)):
            print(line)
