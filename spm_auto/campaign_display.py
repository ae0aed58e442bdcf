"""What the command line shows of a campaign: progress, how it stands, a table of figures."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.table import Table

from .campaign import Entry, Line, Outcome
from .units import format_duration

TOLD_EVERY = 30.0  # [s] where there is no terminal to draw on
_MOST_REASONS = 10
_COMPLETED = "completed"


@contextmanager
def showing(
    ordered: Sequence[Entry], todo: Sequence[Path], workers: Callable[[], int]
) -> Iterator[Callable[[Outcome], None]]:
    """Show on the error stream how a campaign goes, a line for each block.

    Args:
        ordered: All runs.
        todo: Folders of those that are done now.
        workers: Tells how many runs go on at once.

    Yields:
        Who is told how it went with each.
    """
    console = Console(stderr=True, highlight=False)
    progress = _Progress(ordered, todo, workers, console)
    if not console.is_terminal:
        yield progress.say
        return
    with progress.drawn:
        yield progress.draw


class _Progress:
    """Counts how it goes, and draws it on a terminal or says it now and then."""

    def __init__(
        self,
        ordered: Sequence[Entry],
        todo: Sequence[Path],
        workers: Callable[[], int],
        console: Console,
    ) -> None:
        self._workers, self._console = workers, console
        self._start = self._said = time.monotonic()
        self._left = len(todo)
        self._done = 0
        self._ends = Counter[str]()
        self.drawn = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[note]}"),
            console=console,
        )
        keys = {folder.name for folder in todo}
        runs: dict[str, set[str]] = {}
        for entry in ordered:
            runs.setdefault(entry.block, set()).add(entry.key)
        self._blocks: dict[str, list[TaskID]] = {}
        self._failed = Counter[TaskID]()
        for block, found in runs.items():
            task = self.drawn.add_task(
                escape(block), total=len(found), completed=len(found - keys), note=""
            )
            for key in found & keys:
                self._blocks.setdefault(key, []).append(task)
        self._all = self.drawn.add_task("all", total=len(todo), note=self._note())

    def draw(self, outcome: Outcome) -> None:
        """Hear how it went with a run, and show it."""
        self._count(outcome)
        if outcome.finish != _COMPLETED:
            self.drawn.print(f"{outcome.folder.name}: {_why(outcome)}", markup=False)
        for task in self._blocks.get(outcome.folder.name, ()):
            self._failed[task] += outcome.finish != _COMPLETED
            failed = self._failed[task]
            self.drawn.update(task, advance=1, note=f"{failed} not completed" if failed else "")
        self.drawn.update(self._all, advance=1, note=self._note())

    def say(self, outcome: Outcome) -> None:
        """Hear how it went with a run, and say so where it did not complete, or it is time."""
        self._count(outcome)
        if outcome.finish != _COMPLETED:
            self._console.print(f"{outcome.folder.name}: {_why(outcome)}", markup=False)
        now = time.monotonic()
        if now - self._said >= TOLD_EVERY or not self._left:
            self._said = now
            total = self._done + self._left
            self._console.print(f"{self._done} of {total} runs: {self._note()}", markup=False)

    def _count(self, outcome: Outcome) -> None:
        self._ends[outcome.finish] += 1
        self._done += 1
        self._left -= 1

    def _note(self) -> str:
        """Return what is running, how fast it goes and how long it will take."""
        ends = ", ".join(f"{count} {end}" for end, count in sorted(self._ends.items()))
        elapsed = time.monotonic() - self._start
        words = [ends] if ends else []
        if self._left:
            words.append(f"{min(self._workers(), self._left)} running")
        if self._done and elapsed > 0:
            words.append(f"{60 * self._done / elapsed:.3g} per minute")
            if self._left:
                words.append(f"{format_duration(self._left * elapsed / self._done)} left")
            else:
                words.append(f"in {format_duration(elapsed)}")
        return ", ".join(words)


def print_counts(counts: Mapping[str, int], reasons: Sequence[Mapping[str, Any]]) -> None:
    """Print how many runs there are of each state, and why some did not complete."""
    console = Console(highlight=False, soft_wrap=True)
    states = [f"{count} {state}" for state, count in counts.items() if count and state != "runs"]
    console.print(f"{counts['runs']} runs: {', '.join(states) or 'none'}", markup=False)
    for each in reasons[:_MOST_REASONS]:
        where = "{block}, {group}, {label}, seed {seed}".format(**each)
        console.print(f"{each['key']} {each['state']} ({where}): {each['message']}", markup=False)
    if len(reasons) > _MOST_REASONS:
        console.print(f"and {len(reasons) - _MOST_REASONS} more; --json has all of them")
    words = sorted({str(each["state"]).replace(" ", "-") for each in reasons})
    if words:
        console.print(f"to do them again: {' '.join(f'--again {word}' for word in words)}")


def print_lines(lines: Sequence[Line]) -> None:
    """Print a table of a figure: mean and standard deviation for each player on each group."""
    table = Table()
    for heading in ("block", "group", "player", "figure"):
        table.add_column(heading, overflow="fold")
    for heading in ("n", "mean ± sd", "never", "failed", "open"):
        table.add_column(heading, justify="right", no_wrap=True)
    before = ""
    for line in lines:
        if before and before != line.block:
            table.add_section()
        before = line.block
        table.add_row(
            *map(escape, (line.block, line.group, line.label, line.figure)),
            f"{line.done}",
            _mean(line),
            *(
                str(count) if count else ""
                for count in (line.never, line.failed, line.runs - line.done - line.failed)
            ),
        )
    Console().print(table)


def _mean(line: Line) -> str:
    if not math.isfinite(line.mean):
        return ""
    spread = f" ± {line.deviation:.2g}" if math.isfinite(line.deviation) else ""
    return f"{line.mean:.4g}{spread}"


def _why(outcome: Outcome) -> str:
    return f"{outcome.finish}: {outcome.message}" if outcome.message else outcome.finish
