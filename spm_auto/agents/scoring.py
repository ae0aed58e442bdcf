"""Scored: a spectrum with what it is worth; how a scalarizer is asked, and what it may answer."""

import math
from dataclasses import replace
from typing import NamedTuple

from ..errors import AgentError
from ..instrument import Measured, QualityFlag, Spectrum
from .protocol import Observation, Proposal, Scalar, Scalarizer
from .steering import Order


class Scored(NamedTuple):
    """A spectrum with what it is worth.

    Attributes:
        proposal: Where it was taken, and why there.
        spectrum: What was measured.
        scalar: What it is worth.
        scalarizer: Name of the scalarizer that says so.
    """

    proposal: Proposal
    spectrum: Measured
    scalar: Scalar
    scalarizer: str


def scalar_of(spectrum: Measured, scalarizer: Scalarizer, name: str) -> Scalar:
    """Turn a spectrum into a number; one that is flagged or not finite is no good.

    Args:
        spectrum: The spectrum.
        scalarizer: What it is worth.
        name: Name of the scalarizer, for the message.

    Raises:
        AgentError: The scalarizer gave something that is no number.
    """
    if spectrum.flags:
        return Scalar(math.nan, flag=", ".join(str(flag) for flag in spectrum.flags))
    result = scalarizer(spectrum)
    try:
        scalar = result if isinstance(result, Scalar) else Scalar(float(result))
    except (TypeError, ValueError) as error:
        raise AgentError(
            f"scalarizer {name!r} must return a number or a Scalar, got {result!r:.80}"
        ) from error
    if not scalar.flag and not math.isfinite(scalar.value):
        return Scalar(math.nan, flag=str(QualityFlag.NOT_FINITE))
    return scalar


def unpredicted(proposal: Proposal) -> Proposal:
    """Leave out what was expected of a point: it was meant in terms of another scalarizer."""
    nan = math.nan
    return replace(proposal, mean=nan, deviation=nan, score=nan, noise=nan)


def refusal(order: Order, error: Exception) -> str:
    """Say that an order was not carried out, and why."""
    return f"what {order.who} asked for ({order.steering}) was refused: {error}"


def observation_of(proposal: Proposal, spectrum: Measured, scalar: Scalar) -> Observation:
    """Return what an agent is told of a spectrum."""
    others = scalar.others.values()
    return Observation(
        proposal.candidate,
        scalar.value if scalar.is_good else math.nan,
        scalar.noise,
        tuple((other.value if other.is_good else math.nan, other.noise) for other in others),
        spectrum.channel() if isinstance(spectrum, Spectrum) else spectrum.retract[0],
    )
