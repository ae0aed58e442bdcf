"""Samples: what stands under the simulated tip."""

from .ferroelectric import (
    FerroelectricFilm,
    FerroelectricFilmSettings,
    FilmSettings,
    GrainSettings,
    GranularFilmSettings,
    LamellarFilmSettings,
    LamellaSettings,
)
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
    "FilmSettings",
    "GrainSettings",
    "GranularFilmSettings",
    "LamellaSettings",
    "LamellarFilmSettings",
    "PiezoSample",
    "PiezoSampleSettings",
    "Sample",
    "SampleSettings",
    "Signals",
    "View",
]
