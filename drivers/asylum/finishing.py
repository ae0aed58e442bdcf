"""What ends with a file: started, waited for, and stopped whatever happens."""

import contextlib
import threading
from collections.abc import Sequence
from typing import TYPE_CHECKING

from spm_auto.data import DataFile
from spm_auto.errors import InstrumentError, NoReply
from spm_auto.instrument import Action
from spm_auto.wire.igor import SCANNING, Call, status

from ..transport import SLICE, Patience
from . import panel
from .files import Expected
from .igor import Ask

if TYPE_CHECKING:
    from .settings import AsylumSettings

FIRST_PAUSE = 2e-3  # [s] between looks at the folder


def finish(
    settings: "AsylumSettings",
    ask: Ask,
    started: Sequence[Call],
    expected: Expected,
    busy: int,
    limit: float,
    action: Action,
) -> DataFile:
    """Start something that ends with a file, and wait for it; whatever happens, stop it.

    Args:
        settings: Of the microscope.
        ask: Tells Igor something.
        started: What starts it.
        expected: The file.
        busy: The bits of the status while it goes on.
        limit: How long it may take [s].
        action: The instruction in progress.

    Raises:
        NoReply: It did not come in time.
        InstrumentError: Igor has ended it, and there is no file.
    """
    try:
        ask((), started, action)
        file = _file(settings, ask, expected, busy, limit, action)
    except BaseException:
        if not action.is_emergency:
            with contextlib.suppress(InstrumentError):
                ask((), (panel.STOP,))
        raise
    if busy == SCANNING:  # a software that is set to scan on and on is stopped here
        ask((), (panel.STOP,), action)
    return file


def _file(
    settings: "AsylumSettings",
    ask: Ask,
    expected: Expected,
    busy: int,
    limit: float,
    action: Action,
) -> DataFile:
    patience = Patience(limit, action.check)
    next_look, ended = settings.look, False
    began, pause = patience.left(), FIRST_PAUSE
    while True:
        file = expected.look()
        if file is not None:
            return file
        try:
            patience.check(f"{expected.folder / expected.base}*.ibw: {expected.why}")
        except NoReply as error:
            if ended:
                raise InstrumentError(f"Igor has ended without a file: {error}") from error
            raise
        if not ended and began - patience.left() > next_look:
            (bits,) = ask((status(),), action=action)
            ended = not int(bits) & busy
            if ended:
                patience.shorten(settings.file_time)
            next_look = began - patience.left() + settings.look
        threading.Event().wait(min(pause, patience.slice()))
        pause = min(pause * 2, SLICE)
