"""Piezoresponse force microscopy: lock-in images and band-excitation spectra in contact."""

from .band_excitation import Band, Resonances
from .cantilever import CantileverSettings
from .noise import PfmNoise
from .readout import BandExcitationReadout, LockIn
from .settings import PfmSettings
from .technique import PfmTechnique

__all__ = [
    "Band",
    "BandExcitationReadout",
    "CantileverSettings",
    "LockIn",
    "PfmNoise",
    "PfmSettings",
    "PfmTechnique",
    "Resonances",
]
