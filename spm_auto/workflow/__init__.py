"""The workflow plane: recipes say what shall be done, steps say what next, the runner does it."""

from .asking import Approve
from .control import RunState
from .decisions import choice_event, chosen_event, fitted_event, intervention_event, scored_event
from .judging import Approving
from .knowledge import Knowledge, Learned
from .past import Past
from .plan import Plan, PlannedStep, make_plan
from .recipe import Recipe, parse_recipe, read_recipe
from .recovery import RecoverySettings
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
    served,
)
from .tape import Tape

__all__ = [
    "Advice",
    "Approve",
    "ApproveStep",
    "Approving",
    "Ask",
    "Await",
    "Block",
    "Compute",
    "Consult",
    "Consultation",
    "Estimate",
    "Estimates",
    "ExploreStep",
    "GridStep",
    "Knowledge",
    "Learned",
    "LineStep",
    "LoadStep",
    "Note",
    "Outline",
    "OverviewStep",
    "Past",
    "Plan",
    "PlannedStep",
    "PointsStep",
    "Prepare",
    "Question",
    "Recipe",
    "RecoverySettings",
    "RepeatBlock",
    "Request",
    "RunState",
    "Runner",
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
    "choice_event",
    "chosen_event",
    "fitted_event",
    "intervention_event",
    "make_plan",
    "parse_recipe",
    "read_recipe",
    "scored_event",
    "served",
]
