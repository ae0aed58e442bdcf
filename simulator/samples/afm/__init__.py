"""Samples of the AFM: heights with the materials that resist, stick, dissipate and conduct."""

from .conducting_grains import ConductingGrainsSettings
from .materials import Fields, Material
from .polymer_blend import PolymerBlendSettings
from .sample import AfmSample, Place, Spot
from .settings import AfmSampleSettings
from .stiff_inclusions import StiffInclusionsSettings
from .surface import Surface

__all__ = [
    "AfmSample",
    "AfmSampleSettings",
    "ConductingGrainsSettings",
    "Fields",
    "Material",
    "Place",
    "PolymerBlendSettings",
    "Spot",
    "StiffInclusionsSettings",
    "Surface",
]
