"""Retrying: a spectrum that is no good is taken again before the agent hears of it."""

from collections.abc import Generator, Sequence
from functools import partial
from typing import Any

from ...agents import Scalarizer, scalar_of
from ...data import Alarm, Finding
from ...errors import LimitExceeded
from ...instrument import AcquireForceCurve, AcquireSpectrum, Measured
from ...units import format as format_quantity
from ..requests import Compute, Note, Request

Taking = Generator[Request, Any, list[Measured]]


def taken(
    instruction: AcquireSpectrum | AcquireForceCurve,
    retries: int,
    judges: Sequence[tuple[str, Scalarizer]],
) -> Taking:
    """Take a spectrum, and again where the instrument or a scalarizer says that it is no good.

    Or a force curve.

    Args:
        instruction: Where and how.
        retries: How often it is taken again, at most.
        judges: Scalarizers by name; those of the recipe, so that a run that goes on decides as it
            did then, whatever was ordered meanwhile.

    Returns:
        All that were taken, the last one is the one that counts; none where the point was refused.
    """
    spectra: list[Measured] = []
    for number in range(retries + 1):
        try:
            spectra.append((yield instruction))
        except LimitExceeded as error:  # one forbidden point does not end the night
            said = "it could not be taken again" if spectra else "the agent's point was refused"
            yield Note(Alarm(f"{said}: {error}"))
            break
        if number == retries:
            break
        flag: str = yield Compute(partial(_flag, spectra[-1], judges))
        if not flag:
            break
        x, y = (format_quantity(value, "m", 4) for value in (instruction.x, instruction.y))
        said = f"the spectrum at ({x}, {y}) is no good ({flag}): it is taken again"
        values = {"x": instruction.x, "y": instruction.y, "retry": number + 1, "most": retries}
        yield Note(Finding("retry", f"{said}, {number + 1} of at most {retries}", values))
    return spectra


def _flag(spectrum: Measured, judges: Sequence[tuple[str, Scalarizer]]) -> str:
    """Return why a spectrum is no good; empty where it is good."""
    for name, judge in judges:
        flag = scalar_of(spectrum, judge, name).flag
        if flag:
            return flag
    return ""
