"""Ferroelectric samples: films with domains that a tip sees and switches."""

from .film import FerroelectricFilm, FilmView
from .grains import GrainSettings
from .lamellae import LamellaSettings
from .settings import (
    FerroelectricFilmSettings,
    FilmSettings,
    GranularFilmSettings,
    LamellarFilmSettings,
)

__all__ = [
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "FilmSettings",
    "FilmView",
    "GrainSettings",
    "GranularFilmSettings",
    "LamellaSettings",
    "LamellarFilmSettings",
]
