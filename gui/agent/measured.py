"""Marks: where a run has measured so far, in order, and what of it is of use."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from spm_auto.data import JudgedCurve, Measurement
from spm_auto.instrument import FloatArray, ForceCurve, Spectrum

from ..run.run_model import RunModel


def curve_of(each: Measurement | JudgedCurve) -> Spectrum | ForceCurve:
    """Return what was measured, which says where."""
    return each.spectrum if isinstance(each, Measurement) else each.curve


@dataclass(frozen=True, slots=True, eq=False)
class Marks:
    """Where was measured, in order.

    Attributes:
        x: Where [m], shape (n,).
        y: Where [m], shape (n,).
        numbers: Each spectrum's place in `RunModel.spectra`, or each curve's among the curves.
        is_good: Whether it is of use, shape (n,).
        best: Which of them has the highest value; None where none has.
        are_curves: Whether these are force curves.
    """

    x: FloatArray
    y: FloatArray
    numbers: tuple[int, ...]
    is_good: np.ndarray
    best: int | None
    are_curves: bool

    @classmethod
    def of(cls, model: RunModel) -> "Marks":
        """Return those of a run: of its spectra, or of its force curves where it has no spectra."""
        are_curves = not model.spectra
        told: Sequence[Measurement | JudgedCurve] = model.curves if are_curves else model.spectra
        places = [curve_of(each) for each in told]
        name = model.learning.scalarizer
        values = np.full(len(told), -np.inf)
        is_good = np.ones(len(told), dtype=bool)
        for n, each in enumerate(told):
            if each.scored is None:
                continue
            is_good[n] = not (each.scored.flag or each.doubt)
            if is_good[n] and each.scored.scalarizer == name and math.isfinite(each.scored.value):
                values[n] = each.scored.value
        has_best = bool(np.isfinite(values).any())
        return cls(
            np.array([place.x for place in places], dtype=float),
            np.array([place.y for place in places], dtype=float),
            tuple(each.number for each in told),
            is_good,
            int(np.argmax(values)) if has_best else None,
            are_curves,
        )
