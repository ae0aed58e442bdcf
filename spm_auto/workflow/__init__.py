"""The workflow plane: recipes say what shall be done, steps say what next, the runner does it."""

from .control import RunState
from .decisions import choice_event, chosen_event, fitted_event, intervention_event, scored_event
from .past import Past
from .plan import Plan, PlannedStep, make_plan
from .recipe import Recipe, parse_recipe, read_recipe
from .recovery import RecoverySettings
from .requests import (
    Advice,
    Await,
    Consult,
    Consultation,
    Estimate,
    Estimates,
    Note,
    Prepare,
    Request,
)
from .runner import Runner
from .steps import (
    ExploreStep,
    GridStep,
    OverviewStep,
    Step,
    StepContext,
    StepGenerator,
    TipCare,
    TipSettings,
)
from .tape import Tape

__all__ = [
    "Advice",
    "Await",
    "Consult",
    "Consultation",
    "Estimate",
    "Estimates",
    "ExploreStep",
    "GridStep",
    "Note",
    "OverviewStep",
    "Past",
    "Plan",
    "PlannedStep",
    "Prepare",
    "Recipe",
    "RecoverySettings",
    "Request",
    "RunState",
    "Runner",
    "Step",
    "StepContext",
    "StepGenerator",
    "Tape",
    "TipCare",
    "TipSettings",
    "choice_event",
    "chosen_event",
    "fitted_event",
    "intervention_event",
    "make_plan",
    "parse_recipe",
    "read_recipe",
    "scored_event",
]
