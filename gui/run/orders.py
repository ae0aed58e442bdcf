"""Orders: what a session is asked to start, what came of a wish, and how a run stands."""

import math
from dataclasses import dataclass
from pathlib import Path

from spm_auto.ear import RunView

from .wishes import Wish


@dataclass(frozen=True, slots=True)
class StartOrder:
    """A run that shall be started, or gone on with, in a process of its own.

    Attributes:
        recipe: The recipe, a file; of no matter where it is gone on with.
        lab: The lab file; likewise.
        out: Folder of the run.
        seed: Root of all randomness.
        overrides: What is replaced in recipe or lab file, each "PATH=VALUE".
        approve: How often a human is asked: "", "never", "every" or "every 5".
        resume: Whether the run in `out` is gone on with, in place of a new one.
        options: More words for the command, such as "--after-emergency".
    """

    recipe: Path
    lab: Path
    out: Path
    seed: int = 0
    overrides: tuple[str, ...] = ()
    approve: str = ""
    resume: bool = False
    options: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the words after ``spm-auto``."""
        approve = [f"--approve={self.approve}"] if self.approve else []
        more = ["--json", *approve, *self.options]
        if self.resume:
            return ["resume", str(self.out), *more]
        replaced = [f"--set={text}" for text in self.overrides]
        files = [str(self.recipe), "--lab", str(self.lab), "--out", str(self.out)]
        return ["run", *files, "--seed", str(self.seed), *replaced, *more]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a wish.

    Attributes:
        wish: The wish.
        error: Why it was refused; empty where it was taken.
    """

    wish: Wish
    error: str = ""


@dataclass(frozen=True, slots=True)
class Planned:
    """What a run was planned to take.

    Attributes:
        seconds: Instrument time [s].
        spectra: How many spectra and curves.
    """

    seconds: float
    spectra: int


@dataclass(frozen=True, slots=True)
class JournalSays:
    """How the journal of a run is.

    Attributes:
        n_records: How many records were read.
        size: Of its file [bytes].
        damage: What is wrong with it; empty where nothing is.
        free: Room on its disk [bytes]; NaN where nobody can tell.
    """

    n_records: int = 0
    size: int = 0
    damage: str = ""
    free: float = math.nan


@dataclass(frozen=True, slots=True)
class Standing:
    """How it stands between the window and a run.

    Attributes:
        folder: Of the run; None where there is none.
        view: How the run says that it stands; None while it cannot be spoken to.
        fault: Why it cannot; empty where it can, or where there is nothing to speak to.
        is_looking: Whether nothing may be done from this window.
        is_starting: Whether its process was started and has not said anything yet.
        can_resume: Whether it has ended before it was done, and may be gone on with.
        planned: What it was planned to take; None while nobody has said.
        journal: How its journal is.
        server: The file that says where an instrument server is, where one is looked at.
        tip: What is known of the tip while nobody can look at it; empty for nothing.
    """

    folder: Path | None = None
    view: RunView | None = None
    fault: str = ""
    is_looking: bool = False
    is_starting: bool = False
    can_resume: bool = False
    planned: Planned | None = None
    journal: JournalSays = JournalSays()
    server: Path | None = None
    tip: str = ""
