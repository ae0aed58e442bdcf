"""Piezoresponse force microscopy: lock-in images and band-excitation spectra in contact."""

from .noise import PfmNoise
from .readout import PiezoresponseReadout
from .settings import PfmSettings
from .technique import PfmTechnique

__all__ = ["PfmNoise", "PfmSettings", "PfmTechnique", "PiezoresponseReadout"]
