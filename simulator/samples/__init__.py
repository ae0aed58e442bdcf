"""Samples: what stands under the simulated tip."""

from .ferroelectric import (
    CombinatorialLibrary,
    CombinatorialLibrarySettings,
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
    StagedSample,
    View,
)

__all__ = [
    "CombinatorialLibrary",
    "CombinatorialLibrarySettings",
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
    "StagedSample",
    "View",
]
