"""Samples: what stands under the simulated tip."""

from .ferroelectric_film import FerroelectricFilm
from .film_settings import FerroelectricFilmSettings
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
