"""Surfaces for tunnelling: metals, graphite, silicon and superconductors, atom by atom."""

from .graphite import HopgSettings
from .metals import Au111Settings, Cu111Settings, MetalSettings
from .protocol import Junction, StmSample, StmSampleSettings, StmView
from .silicon import Si1117x7Settings
from .superconductor import Superconductor, SuperconductorSettings
from .surface import Material, StmSurface
from .view import SurfaceView

__all__ = [
    "Au111Settings",
    "Cu111Settings",
    "HopgSettings",
    "Junction",
    "Material",
    "MetalSettings",
    "Si1117x7Settings",
    "StmSample",
    "StmSampleSettings",
    "StmSurface",
    "StmView",
    "Superconductor",
    "SuperconductorSettings",
    "SurfaceView",
]
