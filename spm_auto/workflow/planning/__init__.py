"""What a run will do and take, before anything moves; and what it did and took, afterwards."""

from .accounts import Account, Resource, Span
from .happened import Happened, measured, what_happened
from .plan import Bottleneck, Operation, Plan, PlannedStep, make_plan
from .pricing import Measured, Pricing
from .refusals import outlines_of, where

__all__ = [
    "Account",
    "Bottleneck",
    "Happened",
    "Measured",
    "Operation",
    "Plan",
    "PlannedStep",
    "Pricing",
    "Resource",
    "Span",
    "make_plan",
    "measured",
    "outlines_of",
    "what_happened",
    "where",
]
