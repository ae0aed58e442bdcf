"""Pulse: what a bias pulse has left behind, read at the same bias before and after it."""

import math

import numpy as np

from ...instrument import Spectrum
from ..loops import LoopError, check
from ..protocol import Scalar
from .channels import need_spectrum


def pulse_response(spectrum: Spectrum) -> Scalar:
    """Return how much the first channel has changed by a pulse [unit of channel].

    The mean after the pulse less the mean before it. The first point after the pulse does not
    enter, as the readout still follows the pulse then.
    """
    given = need_spectrum(spectrum)
    bias, response, unit = given.bias, given.channel(), given.channels[0].unit
    try:
        check(response)
    except LoopError as flag:
        return Scalar(math.nan, flag=str(flag))
    away = np.flatnonzero(bias != bias[0])
    if len(away) == 0 or np.any(np.diff(away) != 1):
        return Scalar(math.nan, flag="no single pulse")
    before, after = response[: away[0]], response[away[-1] + 2 :]
    if min(len(before), len(after)) < 2:
        return Scalar(math.nan, flag="fewer than 2 points before or after the pulse")
    spread = math.hypot(*(np.std(part, ddof=1) / math.sqrt(len(part)) for part in (before, after)))
    return Scalar(float(np.mean(after) - np.mean(before)), spread, unit=unit)
