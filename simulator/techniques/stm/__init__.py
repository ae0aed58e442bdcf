"""Scanning tunnelling microscopy: topographs at constant current, spectra and maps of dI/dV."""

from .settings import StmSettings
from .technique import Held, StmTechnique
from .tip import TipOverSample

__all__ = ["Held", "StmSettings", "StmTechnique", "TipOverSample"]
