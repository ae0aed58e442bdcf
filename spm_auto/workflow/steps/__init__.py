"""The steps that a recipe can be made of."""

from .base import Outline, Step, StepContext, StepGenerator, served
from .block import Block
from .criteria import Tally
from .explore import ExploreStep
from .grid import GridStep
from .overview import OverviewStep
from .repeat import RepeatBlock, WithinBlock
from .simple import LineStep, LoadStep, PointsStep, TuneStep, WaitStep
from .survey import SurveyStep
from .tip_care import TipCare, TipSettings

__all__ = [
    "Block",
    "ExploreStep",
    "GridStep",
    "LineStep",
    "LoadStep",
    "Outline",
    "OverviewStep",
    "PointsStep",
    "RepeatBlock",
    "Step",
    "StepContext",
    "StepGenerator",
    "SurveyStep",
    "Tally",
    "TipCare",
    "TipSettings",
    "TuneStep",
    "WaitStep",
    "WithinBlock",
    "served",
]
