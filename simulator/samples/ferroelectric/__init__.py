"""Ferroelectric samples: films with domains that a tip sees and switches."""

from .film import FerroelectricFilm, FilmView
from .settings import FerroelectricFilmSettings

__all__ = ["FerroelectricFilm", "FerroelectricFilmSettings", "FilmView"]
