"""Ferroelectric samples: films with domains that a tip sees and switches."""

from .film import FerroelectricFilm, FilmView
from .grains import GrainSettings
from .lamellae import LamellaSettings
from .library import CombinatorialLibrary, CombinatorialLibrarySettings
from .settings import (
    FerroelectricFilmSettings,
    FilmSettings,
    GranularFilmSettings,
    LamellarFilmSettings,
)
from .spread import SpreadSettings

__all__ = [
    "CombinatorialLibrary",
    "CombinatorialLibrarySettings",
    "FerroelectricFilm",
    "FerroelectricFilmSettings",
    "FilmSettings",
    "FilmView",
    "GrainSettings",
    "GranularFilmSettings",
    "LamellaSettings",
    "LamellarFilmSettings",
    "SpreadSettings",
]
