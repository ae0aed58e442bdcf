"""Nanonis: a driver for microscopes with Nanonis electronics, over its TCP interface."""

from .microscope import NanonisMicroscope
from .settings import NanonisSettings

__all__ = ["NanonisMicroscope", "NanonisSettings"]
