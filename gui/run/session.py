"""Session: the window's side of one run: its journal, its ear and its process. It knows no Qt."""

import math
import queue
import shutil
import time
from collections.abc import Sequence
from pathlib import Path

from spm_auto.data import FILE_NAME, FinishReason, JournalReader, LineAcquired, Record
from spm_auto.ear import About, Look, RunView
from spm_auto.errors import DataError

from .beginning import Beginning
from .hearing import Hearing
from .last_tip import last_tip
from .link import Connect, call_run
from .orders import JournalSays, Outcome, Planned, Standing, StartOrder
from .plan_question import PlanQuestion
from .run_model import Part, RunModel
from .run_process import PROGRAM, RunProcess
from .server_link import ServerLink
from .wishes import Perform, Wish
from .withdrawal import Stage, Withdrawal

QUIET = 3.0  # [s] without a record or a word until a run counts as gone
PLAN_AFTER = 6.0  # [s] after attaching; before, the first image matters more
_DISK_EVERY = 2.0  # [s] between two looks at the disk
_LEAST = 64  # [bytes] below it a journal is only being made
_ONLY_LOOKS = "this window only looks: open the run again to do something"
_NO_RUN = "there is no run"


class Session:
    """What the window knows of a run, and what it says to it. For one thread; nothing here waits.

    Args:
        who: Who sits here, for the record.
        out: Where new runs get their folders.
        connect: Connects to the ear of a run.
        program: What understands the words of ``spm-auto``.

    Attributes:
        who: Who sits here.
        out: Where new runs get their folders.
        folder: Of the run; None where there is none.
        model: What the run has said.
        view: How it says that it stands; None while it cannot be spoken to.
        look: How its instrument is; None while nobody can tell.
        about: What its instrument has, and what is allowed; None while nobody has said.
        fault: Why the run cannot be spoken to; empty where it can.
        is_looking: Whether nothing may be done.
        is_behind: Whether there is more in the journal than was read: tick again soon.
        planned: What it was planned to take; None while nobody has said.
        performed: Which question was answered from here with work by hand; None for none.
        lines_at: When the newest line was read, as `time.monotonic` tells [s]; NaN before.
        withdrawal: Withdraws the tip, whatever else goes on here.
    """

    def __init__(
        self,
        who: str,
        out: Path,
        connect: Connect = call_run,
        program: Sequence[str] = PROGRAM,
    ) -> None:
        self.who, self.out = who, out
        self._connect, self._program = connect, program
        self.withdrawal = Withdrawal(who, connect)
        self._outcomes: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self._hearing: Hearing | None = None
        self._server: ServerLink | None = None
        self._plan: PlanQuestion | None = None
        self._process: RunProcess | None = None
        self._forget()

    def _forget(self) -> None:
        self.folder: Path | None = None
        self.model = RunModel()
        self.view: RunView | None = None
        self.look: Look | None = None
        self.about: About | None = None
        self.planned: Planned | None = None
        self.performed: int | None = None
        self.fault = ""
        self.is_looking = self.is_behind = False
        self.lines_at = self._free = math.nan
        self._has_spoken = False
        self._reader: JournalReader | None = None
        self._begins: Beginning | None = None
        self._unreadable = ""
        self._grown_at = self._attached_at = time.monotonic()
        self._disk_at = -math.inf
        self._changed = Part.ALL

    def start(self, order: StartOrder) -> None:
        """Start a run, or go on with one, in a process of its own, and attach to it.

        Raises:
            SpmError: Its folder cannot be used, or no process can be started.
        """
        process = RunProcess(order, self._program)
        self.attach(order.out)
        self._process = process

    def attach(self, folder: Path, is_looking: bool = False) -> None:
        """Show a run, whether it goes on, is over, or has not begun yet.

        Args:
            folder: Of the run.
            is_looking: Whether nothing may be done to it, but for withdrawing the tip.
        """
        self.detach()
        self.folder, self.is_looking = folder, is_looking
        self._hearing = Hearing(folder, self.who, self._connect, self._outcomes.put)
        self.withdrawal.point_at(folder)

    def attach_server(self, announced: Path, key: Path | None = None) -> None:
        """Show an instrument server, to look at it and to withdraw its tip.

        Args:
            announced: The file that says where it listens.
            key: The secret key to show it; None for the only one of this computer.

        Raises:
            SpmError: That file or that key cannot be used.
        """
        server = ServerLink(announced, key)
        self.detach()
        self._server, self.is_looking = server, True
        self.withdrawal.point_at(None, server.door)

    def detach(self) -> None:
        """Let go of the run, which goes on."""
        for each in (self._hearing, self._server, self._plan):
            if each is not None:
                each.close()
        self._hearing = self._server = self._plan = self._process = None
        self._outcomes = queue.SimpleQueue()  # what comes of old wishes is nothing of the next run
        self.withdrawal.point_at(None)
        self._forget()

    def close(self) -> None:
        """Let go of the run, which goes on; safe to call twice."""
        self.withdrawal.close()  # first: what was ordered goes out
        self.detach()

    def wish(self, wish: Wish) -> None:
        """Say what a human wants; `take_outcomes` tells what came of it. Never waits."""
        if self.is_looking or self._hearing is None:
            said = _ONLY_LOOKS if self.is_looking else _NO_RUN
            self._outcomes.put(Outcome(wish, said))
            return
        self.performed = self._asked if isinstance(wish, Perform) else self.performed
        self._hearing.wish(wish, self._asked)

    @property
    def _asked(self) -> int | None:
        """Which question the run asks, as far as is known here; None for none."""
        question = None if self.view is None else self.view.question
        return None if question is None else question.number

    def take_outcomes(self) -> list[Outcome]:
        """Return what came of wishes since the last call."""
        found = []
        while not self._outcomes.empty():
            found.append(self._outcomes.get())
            if isinstance(found[-1].wish, Perform) and found[-1].error:
                self.performed = None
        return found

    def tick(self, budget: float = 0.02) -> Part:
        """Read on in the journal, so long at most [s], and return what has changed."""
        changed, self._changed = self._changed, Part.NOTHING
        changed |= self._hear()  # first: whatever is wrong with the journal, this is not old
        if self.folder is not None:
            changed |= self._read(self.folder, time.monotonic() + budget)
            self._see_disk(self.folder)
        if self._server is not None:
            changed |= self._take(self._server.records())
        self._ask_for_plan()
        return changed

    @property
    def is_starting(self) -> bool:
        """Whether the process of the run was started, and it has not said anything yet."""
        process = self._process
        return process is not None and process.code is None and not self._has_spoken

    @property
    def can_resume(self) -> bool:
        """Whether the run has ended before it was done, as far as one can see from here."""
        finished = self.model.finished
        is_done = finished is not None and finished.reason is FinishReason.COMPLETED
        is_gone = self._hearing is not None and self._hearing.is_gone
        is_read = not self.is_starting and not self.is_behind
        has_begun = self.model.started is not None and self.folder is not None
        is_quiet = finished is not None or time.monotonic() - self._grown_at > QUIET
        return (
            has_begun and is_gone and is_read and is_quiet and not is_done and not self.is_looking
        )

    @property
    def standing(self) -> Standing:
        """How it stands, for who shows it."""
        return Standing(
            folder=self.folder,
            server=None if self._server is None else self._server.announced,
            view=self.view,
            fault=self.fault,
            is_looking=self.is_looking,
            is_starting=self.is_starting,
            can_resume=self.can_resume,
            planned=self.planned,
            journal=self.journal,
            tip=self.tip,
        )

    @property
    def tip(self) -> str:
        """What is known of the tip where nobody can look at it any more; empty for nothing."""
        said = self.withdrawal.said
        if said.stage is Stage.CONFIRMED:
            return f"withdrawn, confirmed at {said.at}"
        return last_tip(self.model)

    @property
    def journal(self) -> JournalSays:
        """How the journal is."""
        reader = self._reader
        if reader is None:
            return JournalSays(free=self._free, damage=self._unreadable)
        is_torn = self.model.finished is not None or not reader.is_whole
        damage = self._unreadable or (reader.damage if is_torn else "")
        return JournalSays(self.model.n_records, reader.end, damage, self._free)

    def _read(self, folder: Path, until: float) -> Part:
        if self._reader is not None and self._is_another(self._reader):
            self._begin_anew()
        reader = self._reader or self._opened(folder / FILE_NAME)
        if reader is None:
            return Part.NOTHING
        found: list[Record] = []
        self.is_behind, self._unreadable = False, ""
        try:
            for record in reader.poll():
                found.append(record)
                if time.monotonic() > until:
                    self.is_behind = True
                    break
        except DataError as error:
            self._unreadable = str(error)
        return self._take(found)

    def _opened(self, path: Path) -> JournalReader | None:
        self._unreadable = ""
        try:
            if path.stat().st_size >= _LEAST:
                self._reader, self._begins = JournalReader(path), Beginning.of(path)
        except FileNotFoundError:
            pass
        except (DataError, OSError) as error:
            self._unreadable = str(error)
        return self._reader

    def _is_another(self, reader: JournalReader) -> bool:
        """Whether somebody has put another journal in the place of the one that is read."""
        try:
            return self._begins is not None and not self._begins.fits(reader.path, reader.end)
        except OSError:  # whoever reads it will say why not
            return False

    def _begin_anew(self) -> None:
        """Forget what the journal said that was here before."""
        if self._plan is not None:
            self._plan.close()
        self._reader = self._plan = self.planned = None
        self.model, self.lines_at = RunModel(), math.nan

    def _take(self, records: Sequence[Record]) -> Part:
        if not records:
            return Part.NOTHING
        self._grown_at = time.monotonic()
        if any(isinstance(record.event, LineAcquired) for record in records):
            self.lines_at = self._grown_at
        return self.model.take(records)

    def _hear(self) -> Part:
        before = (self.view, self.fault)
        if self._hearing is not None:
            self.view, self.look = self._hearing.view, self._hearing.look
            self._has_spoken = self._has_spoken or self.view is not None
            if self.view is None:  # whoever comes next counts its questions anew
                self.performed = None
            if self._hearing.about not in (None, self.about):  # the same one stays the same object
                self.about = self._hearing.about
            self.fault = "" if self.view is not None else self._why_silent(self._hearing.fault)
        elif self._server is not None:
            self.look, self.about = self._server.look, self._server.about
            self.fault = self._server.fault
        return Part.RUN if before != (self.view, self.fault) else Part.NOTHING

    def _why_silent(self, said: str) -> str:
        """Return why the run cannot be spoken to, in words that say what to do."""
        process, model = self._process, self.model
        if self._unreadable:
            return self._unreadable
        if process is not None and process.code is not None:
            said = process.faults() or ("" if model.finished is not None else process.words())
            if said:
                return f"{self._what_failed()}: {said}"
        if self.is_starting:
            return "the run is being started"
        if model.finished is not None:
            reason, message = model.finished.reason, model.finished.message
            return f"the run is over: {reason}" + (f": {message}" if message else "")
        if self._reader is None and said:
            return "there is no run in this folder yet"
        return said.removeprefix(f"{self.folder}: ")

    def _what_failed(self) -> str:
        if self.model.started is None:
            return "the run did not start"
        return "the run ended" if self._has_spoken else "the run was not resumed"

    def _see_disk(self, folder: Path) -> None:
        now = time.monotonic()
        if now - self._disk_at < _DISK_EVERY:
            return
        self._disk_at = now
        try:
            self._free = float(shutil.disk_usage(folder).free)
        except OSError:
            self._free = math.nan

    def _ask_for_plan(self) -> None:
        """Have a process of its own find out once what was planned."""
        started, finished = self.model.started, self.model.finished
        if self._plan is not None:
            self.planned = self._plan.planned
        elif (
            self.folder is not None
            and started is not None
            and started.recipe
            and finished is None
            and not self.is_behind
            and time.monotonic() - self._attached_at > PLAN_AFTER
        ):
            self._plan = PlanQuestion(self.folder, self._program)
