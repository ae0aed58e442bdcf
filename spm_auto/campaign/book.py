"""The folder of a campaign: what is ordered, what is done, and what came of it."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..data import write_whole
from ..errors import DataError
from .result import MANIFEST_NAME, RUNS, Result, read_result
from .spec import Member, members, read_campaign
from .work import is_done, write_spec

SPEC_COPY = "campaign.toml"


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
        RecipeError: The campaign cannot be; nothing was written.
        DataError: The folder cannot be written.
    """
    campaign = read_campaign(spec_file)
    base = spec_file.resolve().parent
    ordered = members(campaign, base)
    for spec in {member.spec.key: member.spec for member in ordered}.values():
        write_spec(out / RUNS / spec.key, spec, base)
    write_whole(out / SPEC_COPY, spec_file.read_bytes())
    told = {"title": campaign.title, "file": spec_file.as_posix()}
    table = {**told, "folder": str(base), "runs": [_row(m) for m in ordered]}
    write_whole(out / MANIFEST_NAME, (json.dumps(table, indent=1) + "\n").encode())
    return entries(out)


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
        rows = json.loads(path.read_text("utf-8"))["runs"]
        return tuple(Entry(**row, folder=out / RUNS / row["key"]) for row in rows)
    except FileNotFoundError as error:
        raise DataError(f"{out} holds no campaign: there is no {MANIFEST_NAME} in it") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
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


def open_folders(ordered: Sequence[Entry]) -> tuple[Path, ...]:
    """Return the folders of the runs that are not done, each once."""
    return tuple(dict.fromkeys(entry.folder for entry in ordered if not entry.is_done))


def _row(member: Member) -> dict[str, str | int]:
    return {
        "block": member.block,
        "label": member.label,
        "group": member.group,
        "key": member.spec.key,
        "seed": member.spec.seed,
    }
