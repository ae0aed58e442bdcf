"""Samples: what stands under the simulated tip."""

from .ferroelectric import FerroelectricFilm, FerroelectricFilmSettings
from .protocol import Contact, Sample, SampleSettings, Signals, View

__all__ = [
    "Contact",
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "Sample",
    "SampleSettings",
    "Signals",
    "View",
]
