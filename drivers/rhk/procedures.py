"""Procedures: started, waited for, stopped; and the files of those that save."""

import contextlib
import itertools
import secrets

from spm_auto.clock import Clock
from spm_auto.data import DataFile
from spm_auto.errors import ConnectionLost, InstrumentError, NoReply
from spm_auto.instrument import Action
from spm_auto.wire import rhk as wire

from ..microscope import halting
from ..transport import Meanwhile, Patience
from .approach import Approach
from .files import wait_for
from .program import Program
from .settings import RhkSettings

TIMES_LONGER = 1.5  # than expected, before a procedure is given up


class Procedures:
    """What the R9 does by itself once it was told to.

    Args:
        program: Of the R9.
        approach: Whose gate a procedure must pass.
        settings: Of the lab file.
        clock: Instrument time.

    Attributes:
        running: The procedure that was started and has not ended; empty for none.
    """

    def __init__(
        self, program: Program, approach: Approach, settings: RhkSettings, clock: Clock
    ) -> None:
        self.running = ""
        self._program, self._approach = program, approach
        self._settings, self._clock = settings, clock
        self._session, self._numbers = secrets.token_hex(4), itertools.count(1)

    def measure(self, procedure: str, window: str, expected: float, action: Action) -> DataFile:
        """Run a procedure that saves, and return what it saved.

        Args:
            procedure: Its name.
            window: Which says where it saves.
            expected: How long it takes [s].
            action: The instruction in progress.

        Raises:
            NoReply: The file did not come.
        """
        name = f"spm_auto_{self._session}_{next(self._numbers):04d}"
        self._program.write(wire.saving("File Name", window), name)
        self._program.tell(wire.saving("Enable", window).set(1))
        began = self._clock.now()
        self.run(procedure, expected, action)
        try:
            # a Done that came too early is no proof: the file may take as long as the rest
            left = max(expected - (self._clock.now() - began), 0.0)
            patience = Patience(left + self._settings.file_time, ending(action))
            return wait_for(self._settings.save_path, name, patience)
        except BaseException:
            self._stop(procedure)
            raise

    def run(self, procedure: str, expected: float, action: Action) -> None:
        """Run a procedure to its end; whatever it does when contact is lost, it is to end.

        Args:
            procedure: Its name.
            expected: How long it takes [s].
            action: The instruction in progress.

        Raises:
            NoReply: It did not say that it has ended.
            Stopped: Somebody stopped it.
        """
        longest = TIMES_LONGER * expected + self._settings.reply_timeout
        self.running = procedure
        try:
            meanwhile = halting(action, lambda: self._program.stop(procedure))
            self._program.run(procedure, longest, meanwhile, self._approach.gate(action))
        except (ConnectionLost, NoReply):
            self._stop(procedure)
            raise
        finally:
            self.running = ""
        action.check()

    def _stop(self, procedure: str) -> None:
        with contextlib.suppress(InstrumentError):
            self._program.stop(procedure)


def ending(action: Action) -> Meanwhile:
    """Return what ends a wait for something that needs no halt."""

    def meanwhile() -> None:
        action.check()

    return meanwhile
