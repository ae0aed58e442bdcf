"""Samples: what stands under the simulated tip."""

from .ferroelectric import FerroelectricFilm, FerroelectricFilmSettings
from .protocol import (
    Contact,
    PiezoSample,
    PiezoSampleSettings,
    Sample,
    SampleSettings,
    Signals,
    View,
)

__all__ = [
    "Contact",
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "PiezoSample",
    "PiezoSampleSettings",
    "Sample",
    "SampleSettings",
    "Signals",
    "View",
]
