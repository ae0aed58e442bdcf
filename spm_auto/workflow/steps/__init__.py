"""The steps that a recipe can be made of."""

from .base import Step, StepContext, StepGenerator
from .explore import ExploreStep
from .grid import GridStep
from .overview import OverviewStep
from .tip_care import TipCare, TipSettings

__all__ = [
    "ExploreStep",
    "GridStep",
    "OverviewStep",
    "Step",
    "StepContext",
    "StepGenerator",
    "TipCare",
    "TipSettings",
]
