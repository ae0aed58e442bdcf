"""The atomic force microscope: tapping and contact, force curves, Kelvin probe and currents."""

from .contrast import Held, Touch
from .noise import AfmNoise
from .probe import Probe, usual_probe
from .settings import AfmSettings, CapillarySettings, KelvinSettings
from .table import TappingTable
from .technique import AfmSnapshot, AfmTechnique

__all__ = [
    "AfmNoise",
    "AfmSettings",
    "AfmSnapshot",
    "AfmTechnique",
    "CapillarySettings",
    "Held",
    "KelvinSettings",
    "Probe",
    "TappingTable",
    "Touch",
    "usual_probe",
]
