"""The workflow plane: recipes say what shall be done, steps say what next, the runner does it."""

from .accounts import Account, Resource, Span
from .asking import Approve
from .control import RunState
from .decisions import choice_event, chosen_event, fitted_event, intervention_event, scored_event
from .happened import Happened, measured, what_happened
from .judging import Approving
from .knowledge import Knowledge, Learned
from .past import Past
from .plan import Bottleneck, Operation, Plan, PlannedStep, make_plan
from .pricing import Measured, Pricing
from .recipe import Recipe, parse_recipe, read_recipe
from .recovery import RecoverySettings
from .refusals import outlines_of, where
from .requests import (
    Advice,
    Ask,
    Await,
    Compute,
    Consult,
    Consultation,
    Estimate,
    Estimates,
    Note,
    Prepare,
    Question,
    Request,
    Wait,
)
from .runner import Runner
from .steps import (
    ApproveStep,
    Block,
    ExploreStep,
    GridStep,
    LineStep,
    LoadStep,
    Outline,
    OverviewStep,
    PointsStep,
    RepeatBlock,
    Step,
    StepContext,
    StepGenerator,
    TipCare,
    TipSettings,
    TuneStep,
    WaitStep,
    WithinBlock,
    ZoomStep,
    served,
)
from .tape import Tape

__all__ = [
    "Account",
    "Advice",
    "Approve",
    "ApproveStep",
    "Approving",
    "Ask",
    "Await",
    "Block",
    "Bottleneck",
    "Compute",
    "Consult",
    "Consultation",
    "Estimate",
    "Estimates",
    "ExploreStep",
    "GridStep",
    "Happened",
    "Knowledge",
    "Learned",
    "LineStep",
    "LoadStep",
    "Measured",
    "Note",
    "Operation",
    "Outline",
    "OverviewStep",
    "Past",
    "Plan",
    "PlannedStep",
    "PointsStep",
    "Prepare",
    "Pricing",
    "Question",
    "Recipe",
    "RecoverySettings",
    "RepeatBlock",
    "Request",
    "Resource",
    "RunState",
    "Runner",
    "Span",
    "Step",
    "StepContext",
    "StepGenerator",
    "Tape",
    "TipCare",
    "TipSettings",
    "TuneStep",
    "Wait",
    "WaitStep",
    "WithinBlock",
    "ZoomStep",
    "choice_event",
    "chosen_event",
    "fitted_event",
    "intervention_event",
    "make_plan",
    "measured",
    "outlines_of",
    "parse_recipe",
    "read_recipe",
    "scored_event",
    "served",
    "what_happened",
    "where",
]
