"""`spm-auto conformance`: every instrument takes the same exam; the table of who can do what."""

import dataclasses
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from . import plugins
from .clock import InstantClock
from .display import print_json
from .errors import PluginError
from .instrument import BiasWaveform, Instrument, ScanFrame
from .lab import Lab, parse_lab, read_lab
from .script import start_run

if TYPE_CHECKING:
    from .instrument.examined import Candidate, Marks

COLUMNS = (
    *("load", "scan", "position_probe", "acquire_spectrum"),
    *("acquire_force_curve", "condition_tip", "set_feedback", "move_stage"),
    *("interrupt", "emergency_stop", "close"),
)
SHARE = 0.1  # of the allowed range that the exam of a laboratory uses
# a junction on graphite: what an emulated tunnelling microscope is asked
JUNCTION = {
    "FRAME": ScanFrame((0.0, 0.0), (40e-9, 20e-9), (16, 8)),
    "POINT": (10e-9, -5e-9),
    "WAVEFORM": BiasWaveform.sweep(-0.5, 0.5, 41, dwell=0.1),
    "BIAS": 0.2,
}
SQUARE = ScanFrame((0.0, 0.0), (40e-9, 40e-9), (16, 16))  # who scans nothing else
STM = {"kind": "simulator", "sample": {"kind": "hopg"}, "level": 2}
PFM = {"kind": "simulator", "sample": {"kind": "ferroelectric_film"}, "level": 2}
# what each emulated controller stands for, and what it is asked beyond the usual
BEHIND: Mapping[str, tuple[Mapping[str, Any], Mapping[str, Any]]] = {
    "nanonis": (STM, JUNCTION),
    "red_panda": (STM, JUNCTION),
    "rhk": (STM, {**JUNCTION, "FRAME": SQUARE}),
    "asylum": (PFM, {}),
    "nanosurf": (PFM, {}),
}


def conformance(names: Sequence[str], lab: Path | None, as_json: bool = False) -> int:
    """Let instruments take the exam and print the table.

    Args:
        names: Which ones; all that need no hardware without any.
        lab: A lab file, whose instrument takes the exam within its limits.
        as_json: Whether to print JSON.

    Returns:
        0 when everybody passed, else 1.

    Raises:
        SpmError: A name is not known, an instrument cannot be opened, or pytest is missing.
    """
    try:
        from .instrument.examined import examine
    except ImportError as error:
        raise PluginError(f"the exam is run by pytest: pip install pytest ({error})") from error
    with tempfile.TemporaryDirectory() as folder:
        candidates = [of_lab(lab)] if lab else _chosen(names, Path(folder))
        results = {candidate.name: examine(candidate) for candidate in candidates}
    if as_json:
        print_json({name: dataclasses.asdict(marks) for name, marks in results.items()})
    else:
        _print(results)
    return 0 if all(not marks.faults and marks.asked for marks in results.values()) else 1


def known() -> tuple[str, ...]:
    """Return the names of the instruments that can be examined without hardware."""
    wires = [name for name in plugins.names("emulators") if name in BEHIND]
    return "simulator", "replay", *wires


def of_lab(path: Path) -> "Candidate":
    """Return the instrument of a lab file, and questions in the middle of what it allows."""
    lab, _ = read_lab(path)
    return _candidate(lab.laboratory, lab, _modest(lab))


def _chosen(names: Sequence[str], folder: Path) -> "Iterable[Candidate]":
    for name in names or known():
        if name not in known():
            hint = plugins.suggest(name, known())
            raise PluginError(f"no instrument {name!r} to examine{hint}: {', '.join(known())}")
        if name == "simulator":
            yield _candidate(name, _lab({"kind": "simulator"}))
        elif name == "replay":
            run = _recorded(folder / "run")
            yield _candidate(name, _lab({"kind": "replay_run", "run": str(run)}))
        else:
            simulator, questions = BEHIND[name]
            lab = _lab({"kind": "emulated", "wire": name, "simulator": simulator})
            yield _candidate(name, lab, questions)


def _candidate(name: str, lab: Lab, questions: Mapping[str, Any] | None = None) -> "Candidate":
    from .instrument.examined import Candidate

    def opened() -> Instrument:
        return lab.open(seed=1, clock=lab.clock.clock())

    return Candidate(name, opened, questions or {})


def _lab(instrument: Mapping[str, Any]) -> Lab:
    table = {
        "schema_version": 1,
        "laboratory": "exam",
        "instrument": instrument,
        "clock": {"kind": "instant"},
    }
    return parse_lab(table, "conformance", Path())


def _recorded(folder: Path) -> Path:
    """Record what the exam asks for on the simulator, for the replay to give back."""
    instrument = _lab({"kind": "simulator"}).open(seed=1, clock=(clock := InstantClock()))
    with start_run(instrument=instrument, clock=clock, out=folder, title="exam") as run:
        run.scan(("0 nm", "0 nm"), ("2 um", "2 um"), pixels=(32, 32))
        for x in (-2e-7, 0.0, 1e-7):
            run.acquire_spectrum(x, -5e-8, BiasWaveform.triangle(8.5, points=64))
    return folder


def _modest(lab: Lab) -> dict[str, Any]:
    """Return questions that use the middle of what a laboratory allows, and little of it."""
    instrument = lab.open(seed=1, clock=lab.clock.clock())
    try:
        limits = instrument.limits
    finally:
        instrument.close()
    (left, right), (low, high), (least, most) = limits.x, limits.y, limits.bias
    width, height = SHARE * (right - left), SHARE * (high - low)
    x, y = (left + right) / 2, (low + high) / 2
    bias = SHARE * min(abs(least), abs(most)) or SHARE * max(abs(least), abs(most))
    return {
        "FRAME": ScanFrame((x, y), (width, height), (16, 8)),
        "POINT": (x + width / 4, y - height / 4),
        "WAVEFORM": BiasWaveform.sweep(least * SHARE, most * SHARE, 41, dwell=0.1),
        "BIAS": bias,
        "PULSE": bias,
    }


def _print(results: "Mapping[str, Marks]") -> None:
    table = Table(title="The exam: questions passed, by instruction", box=None)
    table.add_column("instrument")
    for column in COLUMNS:
        table.add_column(column.replace("_", "\n", 1), justify="center")
    for name, marks in results.items():
        table.add_row(name, *(_cell(marks, column) for column in COLUMNS))
    console = Console(width=140)
    console.print(table)
    console.print("none: the instrument declares not to have it, and refuses it", style="dim")
    for name, marks in results.items():
        for question, why in marks.faults:
            console.print(f"{name}: {question}: {why}", style="red", markup=False, soft_wrap=True)


def _cell(marks: "Marks", column: str) -> str:
    right, asked = marks.right.get(column, 0), marks.asked.get(column, 0)
    if column in marks.lacks and right == asked:
        return "none"
    return f"{right}/{asked}" if right == asked else f"[red]{right}/{asked}[/red]"
