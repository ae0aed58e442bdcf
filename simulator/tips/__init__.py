"""Tips: what they are at one moment, what becomes of them, and how their shape meets a surface."""

from .conditioning import Damage
from .dilation import (
    dilated,
    dilated_by_paraboloid,
    doubled,
    eroded,
    eroded_by_paraboloid,
    spherical_tip,
)
from .life import TipEvent, TipLife, TipLifeState
from .settings import TipLifeSettings
from .state import TipState, Twin

__all__ = [
    "Damage",
    "TipEvent",
    "TipLife",
    "TipLifeSettings",
    "TipLifeState",
    "TipState",
    "Twin",
    "dilated",
    "dilated_by_paraboloid",
    "doubled",
    "eroded",
    "eroded_by_paraboloid",
    "spherical_tip",
]
