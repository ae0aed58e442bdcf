"""Attending: what a person does about a server: look, withdraw, acknowledge, confirm."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from rich.console import Console

from .clock import RealClock
from .data import (
    AccessDenied,
    Acknowledged,
    Alarm,
    CommandEnded,
    CommandGiven,
    Event,
    Intervention,
    JournalReader,
    LeaseChanged,
    ServerStarted,
    ServerStopped,
    TipWithdrawn,
)
from .display import print_json
from .errors import AccessError, NotConfirmed, RecipeError
from .instrument import Instruction
from .keys import OWN
from .lab import read_lab
from .notify import Notifier
from .server import Place, RemoteInstrument, read_identity
from .units import format as format_quantity

_LONGEST = 120  # characters of an instruction that are shown
ANNOUNCED = "server.json"  # in the home folder: where the server of this computer listens


def withdraw(home: Path, announced: Path | None, key: Path | None) -> None:
    """Have the tip withdrawn, whoever has control.

    Raises:
        NotConfirmed: The instrument does not say that it is up.
        ConnectionLost: The server is not there.
        AccessError: There is no key to show.
    """
    console = _console()
    with _at(home, announced, key) as instrument:
        try:
            instrument.emergency_stop()
        except NotConfirmed:
            console.print("NOT CONFIRMED that the tip is withdrawn", style="bold red")
            raise
    console.print("the tip is withdrawn; load readies the instrument again")


def acknowledge(home: Path, announced: Path | None, key: Path | None) -> None:
    """Let go on what the watchdog has held or withdrawn, as a human has seen why.

    Raises:
        Forbidden: This key may not.
    """
    with _at(home, announced, key) as instrument:
        said = instrument.acknowledge()
    _console().print(f"acknowledged: {said}" if said else "there was nothing to acknowledge")


def confirm(home: Path, announced: Path | None, key: Path | None, count: int, hours: float) -> None:
    """Let pulses and pokes be carried out: so many, for so long.

    Raises:
        Forbidden: This key may not.
    """
    with _at(home, announced, key) as instrument:
        instrument.confirm(count, 3600.0 * hours)
    _console().print(f"confirmed: {count} pulses or pokes within {hours:g} h")


def look(home: Path, announced: Path | None, key: Path | None, as_json: bool = False) -> None:
    """Say how an instrument is, who has control, and what the watchdog says."""
    with _at(home, announced, key) as instrument:
        status = instrument.status()
        greeting = instrument.greeting
        signs = instrument.ask_for_signs()
    table: dict[str, Any] = {
        "laboratory": greeting["laboratory"],
        "instrument": instrument.capabilities.name,
        "state": str(status.state),
        "tip": "at the sample" if status.is_engaged else "withdrawn",
        "position": [format_quantity(value, "m", 4) for value in status.position],
        "bias": format_quantity(status.bias, "V", 4),
        "owner": signs.owner or None,
        "watchdog": signs.trip or "all is well",
    }
    if as_json:
        print_json(table)
        return
    console = _console()
    for name, value in table.items():
        shown = ", ".join(value) if isinstance(value, list) else value or "nobody"
        console.print(f"{name:11} {shown}")


def try_to_tell(lab_path: Path) -> None:
    """Tell whoever a lab file names, and say whether it arrived.

    Raises:
        RecipeError: It names nobody, or is no lab file.
        AccessError: It did not arrive.
    """
    lab, _ = read_lab(lab_path)
    said = lab.notify.model_dump(exclude_defaults=True).keys() & {"command", "webhook", "mail"}
    if not said and not lab.notify.webhook_variable:
        raise RecipeError(f"{lab_path}: its table [notify] names nobody to tell")
    everything = lab.notify.model_copy(update={"causes": ()})
    notifier = Notifier(everything, {"laboratory": lab.laboratory})
    notifier.tell("test", "somebody tries whether this arrives; all is well")
    is_done = notifier.close()
    counts = notifier.counts
    if not is_done or counts.failed or not counts.told:
        raise AccessError("it did not arrive; the log above says why")
    _console().print("it was taken; see whether it has arrived")


def print_journal(path: Path, as_json: bool = False) -> None:
    """Print what a server wrote down, a line for each event.

    Raises:
        DataError: It cannot be read.
    """
    reader = JournalReader(path)
    lines = [(record.utc, *_words(record.event)) for record in reader.poll()]
    if as_json:
        names = ("utc", "what", "who", "message")
        print_json([dict(zip(names, line, strict=True)) for line in lines])
        return
    console = _console()
    for utc, what, who, message in lines:
        when = datetime.fromtimestamp(utc).astimezone().isoformat(" ", "milliseconds")
        console.print(f"{when}  {what:13} {who:12} {message}".rstrip())
    if reader.damage:
        console.print(f"damaged: {reader.damage}", style="bold red")


def _words(event: Event) -> tuple[str, str, str]:
    """Return what happened, by whom, and more, in words."""
    match event:
        case ServerStarted(instrument=instrument, addresses=addresses):
            return "started", "", f"{instrument} at {', '.join(addresses.values())}"
        case CommandGiven(who=who, number=number, instruction=instruction):
            return "command", who, f"{number}: {_short(instruction)}"
        case CommandEnded(who=who, number=number, outcome=outcome, message=message):
            return str(outcome), who, f"{number}: {message}".removesuffix(": ")
        case LeaseChanged(who=who, what=what, message=message):
            return f"lease {what}", who, message
        case TipWithdrawn(who=who, is_confirmed=is_confirmed, message=message, seconds=seconds):
            after = f" after {1e3 * seconds:.3g} ms" if seconds else ""
            said = f"confirmed{after}" if is_confirmed else "NOT CONFIRMED"
            return "withdrawn", who, f"{said}: {message}"
        case Acknowledged(who=who, message=message):
            return "acknowledged", who, message
        case AccessDenied(who=who, message=message):
            return "denied", who, message
        case Alarm(message=message, cause=cause):
            return "ALARM", cause, message
        case Intervention(who=who, what=what):
            return "human", who, what
        case ServerStopped(message=message):
            return "stopped", "", message
        case _:
            return type(event).__name__, "", ""


def _short(instruction: Instruction) -> str:
    text = str(instruction)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"


@contextlib.contextmanager
def _at(home: Path, announced: Path | None, key: Path | None) -> Iterator[RemoteInstrument]:
    said = _announced(announced or home / ANNOUNCED)
    identity = read_identity(key or _own_key(home))
    place = Place(said["command"], said["public"], said["safety"])
    instrument = RemoteInstrument(place, identity, RealClock(), has_control=False)
    with contextlib.closing(instrument):
        yield instrument


def _announced(path: Path) -> Mapping[str, str]:
    try:
        said = json.loads(path.read_text("utf-8"))
        return {name: str(said[name]) for name in ("command", "safety", "public")}
    except FileNotFoundError as error:
        raise AccessError(
            f"{path}: no server has said where it listens; `spm-auto serve` does, and a run on "
            f"hardware in the folder {Path('server')} of its own"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AccessError(f"{path} does not say where a server listens: {error}") from error


def _own_key(home: Path) -> Path:
    keys = sorted((home / OWN).glob("*.key_secret"))
    if len(keys) != 1:
        found = ", ".join(path.stem for path in keys) or "none"
        raise AccessError(f"{home / OWN}: name a key with --key (there are: {found})")
    return keys[0]


def _console() -> Console:
    return Console(soft_wrap=True, markup=False, highlight=False)
