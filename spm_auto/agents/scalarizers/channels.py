"""Which channel a scalarizer looks at, and what it says when it gets something else."""

from typing import Any

import numpy as np

from spm_auto.errors import AgentError
from spm_auto.instrument import FloatArray, ForceCurve, Spectrum

CONDUCTANCE_UNITS = ("S", "A/V", "1/ohm", "1/Ohm", "1/Ω")
CONDUCTANCE_NAMES = ("didv", "lix", "conductance")  # of the name, letters and digits only


def need_spectrum(measured: Any) -> Spectrum:
    """Return what was measured if it is a spectrum.

    Raises:
        AgentError: It is something else, such as a force curve.
    """
    if not isinstance(measured, Spectrum):
        raise AgentError(f"the scalarizer needs a Spectrum, got a {type(measured).__name__}")
    return measured


def need_force_curve(measured: Any) -> ForceCurve:
    """Return what was measured if it is a force curve.

    Raises:
        AgentError: It is something else, such as a spectrum.
    """
    if not isinstance(measured, ForceCurve):
        raise AgentError(f"the scalarizer needs a ForceCurve, got a {type(measured).__name__}")
    return measured


def conductance_channel(spectrum: Spectrum) -> int | None:
    """Return the first channel that holds dI/dV, by its unit or its name; None if none does."""
    for number, channel in enumerate(spectrum.channels):
        letters = "".join(c for c in channel.name.lower() if c.isalnum())
        if channel.unit in CONDUCTANCE_UNITS or any(n in letters for n in CONDUCTANCE_NAMES):
            return number
    return None


def current_channel(spectrum: Spectrum) -> int | None:
    """Return the first channel that holds a current, by its unit or its name; None if none does."""
    for number, channel in enumerate(spectrum.channels):
        if channel.unit == "A" or channel.name.lower().startswith("current"):
            return number
    return None


def liveliest(spectrum: Spectrum) -> tuple[FloatArray, str]:
    """Return dI/dV where the spectrum has it, else its first channel, and its unit."""
    number = conductance_channel(spectrum) or 0
    return np.asarray(spectrum.data[number]), spectrum.channels[number].unit
