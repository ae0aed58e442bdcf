"""What the command line shows: tables, progress, and JSON for scripts."""

import json
import math
import queue
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from types import TracebackType
from typing import Any, Self

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    Progress,
    TaskProgressColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from .data import (
    Alarm,
    LineAcquired,
    LoadFinished,
    Record,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    StepStarted,
)
from .doctor import Check
from .units import format as format_quantity
from .units import format_duration
from .workflow import Plan


def print_summary(summary: Mapping[str, Any], as_json: bool = False) -> None:
    """Print what a run did: one JSON object, or a table for people."""
    if as_json:
        print_json(summary)
        return
    table = Table(title=escape(summary["title"]), show_header=False, title_justify="left")
    for name, value in summary.items():
        if name not in ("title", "recipe"):
            table.add_row(name.replace("_", " "), escape(_said(name, value)))
    Console().print(table)


def print_data_file(summary: Mapping[str, Any], as_json: bool = False) -> None:
    """Print what is in a data file: one JSON object, or tables of its images and curves."""
    if as_json:
        print_json(summary)
        return
    console = Console()
    console.print(f"{summary['source']}: {summary['format']}", markup=False, style="italic")
    if summary["images"]:
        table = Table(title="images", title_justify="left")
        for heading in ("channel", "unit", "directions", "pixels", "size", "centre", "angle"):
            table.add_column(heading, overflow="fold")
        for row in summary["images"]:
            table.add_row(
                *map(escape, (row["channel"], row["unit"], ", ".join(row["directions"]))),
                "{} x {}".format(*row["pixels"]),
                " x ".join(format_quantity(length, "m", 4) for length in row["size"]),
                "({}, {})".format(*(format_quantity(value, "m", 4) for value in row["center"])),
                f"{row['angle']:.4g} deg",
            )
        console.print(table)
    for kind, axis, unit in (("spectra", "bias", "V"), ("curves", "extension", "m")):
        if not summary[kind]:
            continue
        table = Table(title=kind, title_justify="left")
        for heading in ("count", "channels", "points", axis, "x", "y"):
            table.add_column(heading, overflow="fold")
        for row in summary[kind]:
            table.add_row(
                str(row["count"]),
                escape(", ".join(row["channels"])),
                str(row["points"]),
                *(_range(row[name], of) for name, of in ((axis, unit), ("x", "m"), ("y", "m"))),
            )
        console.print(table)
    for note in summary["notes"]:
        console.print(f"note: {note}", markup=False, highlight=False)


def print_plugins(found: Mapping[str, Mapping[str, str]], as_json: bool = False) -> None:
    """Print the plugins by kind."""
    if as_json:
        print_json(found)
        return
    table = Table()
    for heading in ("kind", "name", "home"):
        table.add_column(heading, overflow="fold")
    for kind, entries in found.items():
        for number, (name, home) in enumerate(entries.items()):
            table.add_row(kind if number == 0 else "", escape(name), escape(home))
        table.add_section()
    Console().print(table)


def print_keys(found: Mapping[str, Any], as_json: bool = False) -> None:
    """Print who may come in, and which keys are this computer's own."""
    if as_json:
        print_json(found)
        return
    console = Console()
    table = Table(title=f"who may come in: {escape(found['folder'])}", title_justify="left")
    for heading in ("name", "role", "level", "public"):
        table.add_column(heading, overflow="fold")
    for member in found["members"]:
        table.add_row(*(escape(str(member[column.header])) for column in table.columns))
    console.print(table)
    for fault in found["faults"]:
        console.print(f"lets nobody in: {fault}", markup=False)
    own = ", ".join(found["own"]) or "none; `spm-auto keys new NAME` makes one"
    console.print(f"own keys: {own}", markup=False)


def print_checks(checks: Sequence[Check], as_json: bool = False) -> None:
    """Print what the doctor found."""
    if as_json:
        print_json([asdict(check) for check in checks])
        return
    table = Table()
    for heading in ("", "what", "found", "advice"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        mark = "[green]ok[/]" if check.is_good else "[red]no[/]"
        table.add_row(mark, *map(escape, (check.what, check.found, check.advice)))
    Console().print(table)


class ProgressDisplay:
    """Progress of a run on the terminal: a bar with the time left, or a line every tenth of it.

    Args:
        plan: What the run is about to do.
        is_quiet: Whether to show nothing.

    Attributes:
        records: Where the run puts its records; `drain` shows them.
    """

    def __init__(self, plan: Plan, is_quiet: bool = False) -> None:
        self._console = Console(stderr=True, quiet=is_quiet)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            TaskProgressColumn(),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=self._console,
            disable=is_quiet or not self._console.is_terminal,
        )
        self._task = self._progress.add_task("loading", total=plan.seconds)
        self.records: queue.SimpleQueue[Record] = queue.SimpleQueue()
        self._plan = plan
        self._said = 0
        self._what = "loading"
        self._n_spectra = self._n_lines = 0
        self._best, self._unit = -math.inf, "1"

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._progress.stop()

    def drain(self) -> None:
        """Show the records that came in."""
        while not self.records.empty():
            self.show(self.records.get())

    def catch_up(self, records: Sequence[Record]) -> None:
        """Take in what a run has behind it that goes on; nothing is said of it."""
        for record in records:
            self._take_in(record)
        if records and self._plan.seconds:
            self._said = int(10 * records[-1].time / self._plan.seconds)

    def show(self, record: Record) -> None:
        """Show what a record changes."""
        self._take_in(record)
        if isinstance(record.event, Alarm):
            self._console.print(f"[red]alarm:[/] {escape(record.event.message)}")
        best = ""
        if math.isfinite(self._best):
            best = f", best {format_quantity(self._best, self._unit, 4)}"
        self._progress.update(self._task, completed=record.time, description=self._what + best)
        tenth = int(10 * record.time / self._plan.seconds) if self._plan.seconds else 0
        if self._progress.disable and tenth > self._said:
            self._said = tenth
            self._console.print(f"{min(10 * tenth, 100):3d} %  {self._what}{best}")

    def _take_in(self, record: Record) -> None:
        match record.event:
            case StepStarted(kind=kind):
                self._what = kind
                self._best = -math.inf  # another scalarizer's values do not compare
            case LoadFinished():
                self._what = "loaded"
            case ScanStarted():
                self._n_lines = 0
            case LineAcquired():
                self._n_lines += 1
                self._what = f"scan: line {self._n_lines}"
            case SpectrumAcquired():
                self._n_spectra += 1
                self._what = f"spectrum {self._n_spectra} of {self._plan.n_spectra}"
            case SpectrumScored(value=value, unit=unit) if value > self._best:
                self._best, self._unit = value, unit

    def say(self, text: str) -> None:
        """Print a line for people."""
        self._console.print(text, highlight=False, markup=False)


def print_json(value: Any) -> None:
    """Print a value for scripts: NaN and infinity become null."""
    print(json.dumps(_plain(value), indent=2, allow_nan=False))  # noqa: T201


def _plain(value: Any) -> Any:
    """Replace what JSON does not know: NaN and infinity become null."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _range(ends: Sequence[float] | None, unit: str) -> str:
    if ends is None:
        return "-"
    low, high = (format_quantity(end, unit, 4) for end in ends)
    return low if low == high else f"{low} to {high}"


def _said(name: str, value: Any) -> str:
    if value is None:
        return "unfinished" if name == "finish_reason" else "-"
    if name == "best":
        x, y = (format_quantity(value[axis], "m", 4) for axis in ("x", "y"))
        reward = format_quantity(value["reward"], value["unit"], 4)
        return f"{reward} at ({x}, {y}), {format_quantity(value['bias'], 'V', 3)}"
    if name.endswith(("_time", "_median")) and isinstance(value, float):
        return format_duration(value) if value >= 1 else format_quantity(value, "s", 3)
    if name.endswith("_fraction"):
        return f"{100 * value:.2f} %"
    if isinstance(value, list):
        return "\n".join(f"- {item}" for item in value) or "-"
    return str(value)
