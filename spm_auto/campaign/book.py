"""The folder of a campaign: what is ordered, what is done, and what came of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..data import free, lock_file, write_whole
from ..errors import DataError, RecipeError
from .attempts import MOST_LOSSES, losses
from .checks import check
from .product import members
from .result import MANIFEST_NAME, RUNS, Result, read_result
from .spec import Campaign, Member, read_campaign
from .work import is_done, write_spec

SPEC_COPY = "campaign.toml"
_LOCK = "campaign.lock"
_PATIENCE = 600.0  # [s] for which another process that orders is waited for


@dataclass(frozen=True, slots=True)
class Entry:
    """A run of a campaign, as its folder has it.

    Attributes:
        block: Name of its block.
        label: Of its agent.
        group: Runs of one group are compared with one another.
        key: Of its spec, which is the name of its folder.
        seed: Of its spec.
        folder: Where it stands.
    """

    block: str
    label: str
    group: str
    key: str
    seed: int
    folder: Path

    @property
    def is_done(self) -> bool:
        """Whether it has its result."""
        return is_done(self.folder)

    def result(self) -> Result | None:
        """Return what came of it, None while that is not known."""
        return read_result(self.folder)


def order(spec_file: Path, out: Path) -> tuple[Entry, ...]:
    """Write down in a folder which runs a campaign has; what is done there already stays done.

    A campaign whose file was changed since can be ordered again in the same folder: runs that it
    still has are not done twice.

    Args:
        spec_file: The campaign's file.
        out: Its folder.

    Returns:
        Its runs, in the order in which they are best done.

    Raises:
        RecipeError: The campaign cannot be, or a task or agent has a wrong setting; nothing was
            written.
        DataError: The folder cannot be written.
    """
    campaign = read_campaign(spec_file)
    check(campaign, spec_file)
    ordered = members(campaign, spec_file.resolve().parent)
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = lock_file(out / _LOCK, f"{out}: another process orders runs{{holder}}", _PATIENCE)
    except OSError as error:
        raise DataError(f"{out}: cannot be written: {error.strerror or error}") from error
    try:
        for member in ordered:
            write_spec(folder_of(out, member.spec.key), member.spec, member.base)
        write_whole(out / SPEC_COPY, spec_file.read_bytes())
        text = json.dumps(_manifest(campaign, spec_file, ordered), separators=(",", ":"))
        write_whole(out / MANIFEST_NAME, (text + "\n").encode())
    finally:
        free(lock)
    return entries(out)


def foresee(spec_file: Path, out: Path) -> tuple[Entry, ...]:
    """Return the runs that a campaign would have in a folder; nothing is written.

    Raises:
        RecipeError: The campaign cannot be.
    """
    campaign = read_campaign(spec_file)
    check(campaign, spec_file)
    return tuple(
        Entry(
            block=member.block,
            label=member.label,
            group=member.group,
            key=member.spec.key,
            seed=member.spec.seed,
            folder=folder_of(out, member.spec.key),
        )
        for member in members(campaign, spec_file.resolve().parent)
    )


def folder_of(out: Path, key: str) -> Path:
    """Return the folder of a run; no folder of a campaign holds more than some thousand others."""
    return out / RUNS / key[:2] / key


def ordered_from(out: Path) -> str:
    """Return what the file of a campaign was called when it was ordered in a folder.

    Raises:
        DataError: None was.
    """
    path = out / MANIFEST_NAME
    try:
        return str(json.loads(path.read_text("utf-8"))["file"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path} does not say of which campaign it is: {error}") from error


def entries(out: Path) -> tuple[Entry, ...]:
    """Return the runs of a campaign that was ordered in a folder.

    Raises:
        DataError: None was.
    """
    path = out / MANIFEST_NAME
    try:
        table = json.loads(path.read_text("utf-8"))
        players = table["players"]
        found = []
        for number, key, seed in table["runs"]:
            block, label, group = players[number]
            found.append(Entry(block, label, group, key, seed, folder_of(out, key)))
        return tuple(found)
    except FileNotFoundError as error:
        raise DataError(f"{out} holds no campaign: there is no {MANIFEST_NAME} in it") from error
    except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
        raise DataError(f"{path} does not list the runs of a campaign: {error}") from error


def results(out: Path) -> Iterator[tuple[Entry, Result]]:
    """Yield all runs of a campaign that are done, with what came of each.

    Raises:
        DataError: There is no campaign, or a result cannot be read.
    """
    for entry in entries(out):
        result = entry.result()
        if result is not None:
            yield entry, result


def figures_asked(out: Path) -> dict[str, str]:
    """Return which figure the rows of a campaign compare, by block, as its file has it.

    Raises:
        RecipeError: The copy of its file is none.
    """
    campaign = read_campaign(out / SPEC_COPY)
    return {block.name: block.row.figure for block in campaign.runs if block.row}


def open_folders(ordered: Sequence[Entry]) -> tuple[Path, ...]:
    """Return the folders of the runs that are to be done, each once.

    These have no result, and were not lost so often that they are given up.
    """
    folders = dict.fromkeys(entry.folder for entry in ordered)
    return tuple(
        folder for folder in folders if not is_done(folder) and losses(folder) < MOST_LOSSES
    )


def part_of(ordered: Sequence[Entry], part: int, parts: int) -> tuple[Entry, ...]:
    """Return a part of the runs: as many as each other part has, and always the same ones.

    Raises:
        RecipeError: There is no such part.
    """
    if not 0 <= part < parts:
        raise RecipeError(f"there is no part {part} of {parts}; they are 0 to {parts - 1}")
    keys = list(dict.fromkeys(entry.key for entry in ordered))
    # runs in a row have their seed in common, and with it the truth that a task works out
    mine = set(keys[len(keys) * part // parts : len(keys) * (part + 1) // parts])
    return tuple(entry for entry in ordered if entry.key in mine)


def _manifest(campaign: Campaign, file: Path, ordered: Sequence[Member]) -> dict[str, Any]:
    """Return the list of runs; what many have in common is said once."""
    players: dict[tuple[str, str, str], int] = {}
    runs = []
    for member in ordered:
        player = (member.block, member.label, member.group)
        number = players.setdefault(player, len(players))
        runs.append((number, member.spec.key, member.spec.seed))
    said = {"title": campaign.title, "file": file.as_posix()}
    return {**said, "players": list(players), "runs": runs}
