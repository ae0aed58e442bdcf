"""Truth: the best there is on a sample, where someone measured it or knows it."""

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from .. import plugins
from ..agents import Scalar
from ..data import Measurement, RecordedRun, open_run
from ..errors import DataError
from ..instrument import FloatArray


@dataclass(frozen=True, slots=True)
class Truth:
    """What there is to be found.

    Attributes:
        best: The best value there is.
        values: Values of all places, as far as they are known, shape (n,).
        origin: Where this is known from, for people.
    """

    best: float
    values: FloatArray
    origin: str


def read_truth(text: str, scalarizer: str) -> Truth:
    """Understand what the command line says of the truth: a number, or a run that measured it.

    Args:
        text: The best value, in the unit of the scalarizer; or the folder of a run on the same
            sample, such as a grid of spectra.
        scalarizer: Name of the scalarizer that both are judged by.

    Raises:
        DataError: It is neither, or the run has no good spectrum.
    """
    try:
        best = float(text)
    except ValueError:
        return _measured(open_run(Path(text)), scalarizer, text)
    if not math.isfinite(best):
        raise DataError(f"the truth must be a finite number or a run's folder, not {text}")
    return Truth(best, np.array([best]), "as given")


def _measured(run: RecordedRun, scalarizer: str, name: str) -> Truth:
    values = np.array([_value(m, scalarizer) for m in run.measurements], dtype=float)
    good = values[np.isfinite(values)]
    if good.size == 0:
        raise DataError(f"{name}: no spectrum of this run is good by {scalarizer!r}")
    return Truth(float(good.max()), good, f"measured in {name}, {good.size} spectra")


def _value(measurement: Measurement, scalarizer: str) -> float:
    scored = measurement.scored
    if scored is not None and scored.scalarizer == scalarizer:
        return scored.value
    if measurement.spectrum.flags:
        return math.nan
    if scalarizer not in plugins.names("scalarizers"):
        raise DataError(
            f"the truth cannot be judged by {scalarizer!r}: it is no scalarizer that is installed, "
            "and that run did not use it"
        )
    result = plugins.load("scalarizers", scalarizer)(measurement.spectrum)
    scalar = result if isinstance(result, Scalar) else Scalar(float(result))
    return scalar.value if scalar.is_good else math.nan
