"""Making ready: mode, tuning, approach, engaging, each confirmed by what is read back."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from spm_auto.errors import InstrumentError
from spm_auto.instrument import Action
from spm_auto.wire.igor import ENGAGED, FORCE, MOTOR, SCANNING, Call, status, wave_values

from ..transport import SLICE, Patience
from . import panel
from .igor import Ask

if TYPE_CHECKING:
    from .settings import AsylumSettings

BUSY = SCANNING | FORCE | MOTOR
FIRST_PAUSE = 2e-3  # [s] between questions


def make_ready(settings: "AsylumSettings", ask: Ask, action: Action) -> None:
    """Bring the tip to the sample, tuned; whatever goes on is stopped first.

    Raises:
        NoReply: The tip is not engaged, or the tune not there, in time.
    """
    (bits,) = ask((status(),), action=action)
    if int(bits) & BUSY:
        ask((), (panel.STOP,), action)
        _until(lambda bits: not bits & BUSY, "it is busy", settings.reply_timeout, ask, action)
    if settings.mode:
        ask((), (panel.mode(settings.mode),), action)
    if settings.tune and settings.mode == "ac":
        _tune(settings, ask, action)
    if not int(bits) & ENGAGED:
        if settings.approach:
            ask((), panel.APPROACH, action)
            _until(lambda bits: not bits & MOTOR, "approach", settings.engage_time, ask, action)
        ask((), (*panel.ENGAGE, *panel.HOLD), action)
        _until(lambda bits: bool(bits & ENGAGED), "engage", settings.engage_time, ask, action)
    if settings.tune and settings.mode != "ac":
        _tune(settings, ask, action)
    ask((), panel.SAVING, action)


def _until(is_so: Callable[[int], bool], what: str, limit: float, ask: Ask, action: Action) -> None:
    patience = Patience(limit, action.check)
    pause = FIRST_PAUSE
    while True:
        (bits,) = ask((status(),), action=action)
        if is_so(int(bits)):
            return
        patience.check(f"{what}: the status is {int(bits):#x}")
        threading.Event().wait(min(pause, patience.slice()))
        pause *= 2


def _tune(settings: "AsylumSettings", ask: Ask, action: Action) -> None:
    """Tune, until twice the same peak is read that is not at an end of the range."""
    if settings.tune_file is None:
        raise InstrumentError("tuning needs tune_file, the wave that GetTune saves")
    settings.tune_file.unlink(missing_ok=True)
    ask((), (panel.TUNING[settings.mode or "pfm"],), action)
    patience = Patience(settings.tune_time, action.check)
    before: float | None = None
    while True:
        ask((), (Call("GetTune"),), action)
        peak = _peak(settings.tune_file)
        if peak is not None and peak == before:
            return
        before = peak
        patience.check(f"tune: {settings.tune_file} shows no peak that stays")
        threading.Event().wait(min(SLICE, patience.slice()))


def _peak(path: Path) -> float | None:
    """Return the frequency of the largest amplitude [Hz]; None where there is no peak yet.

    The columns of the wave are frequency, amplitude and phase.
    """
    try:
        columns = wave_values(path.read_bytes())
    except (OSError, ValueError):  # not there, locked, or half-written
        return None
    if columns.ndim != 2 or columns.shape[1] < 2 or not np.isfinite(columns[:, :2]).all():
        return None
    index = int(np.argmax(columns[:, 1]))
    return float(columns[index, 0]) if 0 < index < len(columns) - 1 else None
