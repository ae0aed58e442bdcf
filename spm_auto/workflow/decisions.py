"""What an agent did or was ordered, as events: the one place for both ways."""

import dataclasses
from typing import Any

import numpy as np

from ..agents import Fit, Order, Proposal, Scalar
from ..data import Intervention, ModelFitted, PointChosen, SpectrumScored
from ..instrument import Measured


def chosen_event(proposal: Proposal) -> PointChosen:
    """Return the event of a choice."""
    return PointChosen(
        candidate=proposal.candidate,
        x=proposal.x,
        y=proposal.y,
        bias=proposal.bias,
        reason=proposal.reason,
        mean=proposal.mean,
        deviation=proposal.deviation,
        score=proposal.score,
        runner_up=proposal.runner_up,
        duration=proposal.duration,
        averages=proposal.averages,
        cost=proposal.cost,
        noise=proposal.noise,
        rule=proposal.rule,
    )


def choice_event(proposal: Proposal | None) -> PointChosen | None:
    """Return the event of a choice, None where nothing was chosen."""
    return None if proposal is None else chosen_event(proposal)


def scored_event(
    proposal: Proposal, spectrum: Measured, scalar: Scalar, scalarizer: str
) -> SpectrumScored:
    """Return the event of a spectrum that was turned into a number."""
    return SpectrumScored(
        candidate=proposal.candidate,
        scalarizer=scalarizer,
        value=scalar.value,
        noise=scalar.noise,
        flag=scalar.flag,
        x=spectrum.x,
        y=spectrum.y,
        bias=proposal.bias,
        start_time=spectrum.start_time,
        unit=scalar.unit,
        others={
            name: (other.value, other.noise, other.flag, other.unit)
            for name, other in scalar.others.items()
        },
    )


def fitted_event(fit: Fit) -> ModelFitted:
    """Return the event of a fit; its maps are stored in single precision."""
    return ModelFitted(
        n_observations=fit.n_observations,
        frame=fit.frame,
        mean=np.asarray(fit.mean, dtype=np.float32),
        deviation=np.asarray(fit.deviation, dtype=np.float32),
        rows=np.asarray(fit.rows, dtype=np.int32),
        parameters=fit.parameters,
        speaker=fit.speaker,
        bias=None if fit.bias is None else np.asarray(fit.bias, dtype=np.float32),
        noise=None if fit.noise is None else np.asarray(fit.noise, dtype=np.float32),
        quantity=fit.quantity,
    )


def intervention_event(order: Order) -> Intervention:
    """Return the event of a human who stepped in."""
    return Intervention(
        who=order.who,
        what=str(order.steering),
        why=order.why,
        kind=order.steering.kind,
        values=order.values,
    )


def proposal_of(choice: PointChosen | None) -> Proposal | None:
    """Return what an agent chose, from its record."""
    if choice is None:
        return None
    fields = {f.name: getattr(choice, f.name) for f in dataclasses.fields(choice)}
    return Proposal(**fields)


def fit_of(fitted: ModelFitted) -> Fit:
    """Return what a model believed, from its record; its maps are in single precision."""
    fields: dict[str, Any] = {f.name: getattr(fitted, f.name) for f in dataclasses.fields(fitted)}
    return Fit(**fields)


def scalar_of(scored: SpectrumScored) -> Scalar:
    """Return what a spectrum was worth, from its record."""
    others = {
        name: Scalar(value, noise, flag, unit)
        for name, (value, noise, flag, unit) in scored.others.items()
    }
    return Scalar(scored.value, scored.noise, scored.flag, scored.unit, others)


def is_of(scored: SpectrumScored, spectrum: Measured, scalarizer: str) -> bool:
    """Say whether a record is of a spectrum as a scalarizer judges it."""
    return scored.start_time == spectrum.start_time and scored.scalarizer == scalarizer
