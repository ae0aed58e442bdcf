"""The steps that a recipe can be made of."""

from .analyse import AnalyseStep
from .approval import ApproveStep
from .base import Outline, Step, StepContext, StepGenerator, served
from .block import Block
from .by_hand import ByHandStep
from .carrying import carry
from .condition_tip import ConditionTipStep
from .criteria import Tally
from .explore import ExploreStep
from .grid import GridStep
from .hypothesis import HypothesisStep
from .overview import OverviewStep
from .repeat import RepeatBlock, WithinBlock
from .simple import LineStep, LoadStep, PointsStep, TuneStep, WaitStep
from .survey import SurveyStep
from .tip_care import TipCare, TipSettings
from .tune_scan import TuneScanStep
from .weigh import WeighBlock
from .windows import best_window
from .zoom import ZoomStep

__all__ = [
    "AnalyseStep",
    "ApproveStep",
    "Block",
    "ByHandStep",
    "ConditionTipStep",
    "ExploreStep",
    "GridStep",
    "HypothesisStep",
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
    "TuneScanStep",
    "TuneStep",
    "WaitStep",
    "WeighBlock",
    "WithinBlock",
    "ZoomStep",
    "best_window",
    "carry",
    "served",
]
