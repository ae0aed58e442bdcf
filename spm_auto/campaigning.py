"""The command line of campaigns: many runs from one file, here or on a cluster."""

import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from .errors import DataError, RecipeError
from .serving import AsJson

if TYPE_CHECKING:
    from .campaign import Entry, Executor

app = typer.Typer()


class On(StrEnum):
    """Who does the runs."""

    LOCAL = "local"
    DASK = "dask"
    SLURM = "slurm"
    PBS = "pbs"


CampaignFile = Annotated[Path, typer.Argument(metavar="SPEC", help="The campaign: a TOML file.")]
CampaignFolder = Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a campaign.")]
Workers = Annotated[
    int | None, typer.Option("--workers", min=1, help="How many at once; all cores without.")
]


@app.command()
def campaign(
    spec: CampaignFile,
    out: Annotated[Path, typer.Option("--out", help="Folder of all its runs.")],
    on: Annotated[On, typer.Option("--on", help="Who does them.")] = On.LOCAL,
    workers: Workers = None,
    cluster: Annotated[
        str,
        typer.Option(
            "--cluster",
            metavar="ADDRESS|FILE",
            help="Dask's scheduler, such as tls://host:8786; or what a batch job gets, as TOML.",
        ),
    ] = "",
    array: Annotated[
        int,
        typer.Option(
            "--array", metavar="N", min=0, help="Write job scripts for N jobs instead; no Dask."
        ),
    ] = 0,
    again: Annotated[
        list[str],
        typer.Option(
            "--again", metavar="WHICH", help="Do again what is failed, unreadable or given-up."
        ),
    ] = [],  # noqa: B006 - typer copies it
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many runs there are; begin none.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option("--page", metavar="FILE", help="Then write its page there, as markdown."),
    ] = None,
    json: AsJson = False,
) -> None:
    """Do many runs: all of a product of agents, tasks, seeds and so on that are not done yet.

    Exit code 0 only when all have completed. The same command goes on after any end.
    """
    from .campaign import do_again, foresee, open_folders, order, survey, write_page

    _check_options(on, cluster, array, workers)
    if dry_run:
        _say_standing(foresee(spec, out), json)
        return
    known = _keys_of(out)
    ordered = order(spec, out)
    gone = len(known - {entry.key for entry in ordered})
    if gone:
        typer.echo(f"{gone} runs of before are not asked for any more; they stay", err=True)
    if again:
        typer.echo(f"{do_again(survey(ordered), again)} runs are done again", err=True)
    if array:
        _write_scripts(out, cluster, array)
        return
    todo = open_folders(ordered)
    if todo:
        with _executor(on, workers, cluster, out) as executor:
            _carry_out(ordered, todo, executor)
    if page is not None:
        write_page(out, page)
    is_complete = _say_standing(ordered, json)
    sys.exit(0 if is_complete else 1)


@app.command("campaign-work")
def campaign_work(
    folder: CampaignFolder,
    part: Annotated[int, typer.Option("--part", metavar="K", min=0, help="Which part, from 0.")],
    of: Annotated[int, typer.Option("--of", metavar="N", min=1, help="How many parts.")],
    workers: Annotated[int, typer.Option("--workers", min=1, help="How many at once.")] = 1,
    within: Annotated[
        str, typer.Option("--within", metavar="TIME", help="No run begins after, as '110 min'.")
    ] = "",
    json: AsJson = False,
) -> None:
    """Do a part of the runs of a campaign that was ordered: what a job of an array does."""
    from .campaign import LocalPool, entries, open_folders, part_of
    from .units import parse

    mine = part_of(entries(folder.absolute()), part, of)
    until = time.monotonic() + parse(within, "s") if within else math.inf
    todo = open_folders(mine)
    if todo:
        _carry_out(mine, todo, LocalPool(workers), until)
    is_complete = _say_standing(mine, json)
    sys.exit(0 if is_complete else 1)


@app.command()
def results(
    folder: CampaignFolder,
    figure: Annotated[
        str,
        typer.Option("--figure", help="Which one is summed up; what the file compares without."),
    ] = "",
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print every run with all its figures, for tables.")
    ] = False,
    json: AsJson = False,
) -> None:
    """Say how a campaign stands and what came of it, at any time, also while it goes on."""
    from .campaign import as_csv as table_of
    from .campaign import counted, entries, figures_asked, reasons, summed_up, survey
    from .campaign_display import print_counts, print_lines
    from .display import print_json

    standings = tuple(survey(entries(folder)))
    if as_csv:
        typer.echo(table_of(standings), nl=False)
        return
    lines = summed_up(standings, figure, figures_asked(folder))
    why = reasons(standings)
    if json:
        print_json(
            {
                "counts": counted(standings),
                "lines": [asdict(line) for line in lines],
                "not_completed": why,
            }
        )
        return
    print_lines(lines)
    print_counts(counted(standings), why)


def _check_options(on: On, cluster: str, array: int, workers: int | None) -> None:
    """Refuse options that do not go together."""
    is_batch = on in (On.SLURM, On.PBS)
    if array and on is not On.LOCAL:
        raise RecipeError(f"--array writes job scripts and does no runs: leave out --on {on}")
    if on is On.LOCAL and cluster and not array:
        raise RecipeError("--cluster belongs to --on dask, slurm or pbs, or to --array")
    if is_batch and not cluster:
        raise RecipeError(f"--on {on} needs --cluster FILE: a TOML file with what a job gets")
    if is_batch and workers:
        raise RecipeError(f"--workers is not for --on {on}: write jobs and cores in the file")
    if on is On.DASK and cluster and workers:
        raise RecipeError("--workers is not for a cluster that is there: it has its workers")


@contextmanager
def _executor(on: On, workers: int | None, cluster: str, out: Path) -> "Iterator[Executor]":
    from .campaign import DaskPool, LocalPool, can_draw, read_cluster

    if on is On.LOCAL:
        yield LocalPool(workers)
        return
    if on is On.DASK:
        made = DaskPool.at(cluster) if cluster else DaskPool.local(workers)
    else:
        made = DaskPool.through(on.value, read_cluster(Path(cluster)), out)
    with made as pool:
        note = "" if can_draw() else " (to see it: pip install bokeh)"
        typer.echo(f"Dask's dashboard: {pool.dashboard}{note}", err=True)
        yield pool


def _write_scripts(out: Path, cluster: str, parts: int) -> None:
    from .campaign import ClusterSettings, read_cluster, write_arrays

    settings = read_cluster(Path(cluster)) if cluster else ClusterSettings(schema_version=1)
    slurm, pbs = write_arrays(out, settings, parts)
    typer.echo(f"SLURM: sbatch {slurm}")
    typer.echo(f"PBS:   qsub {pbs}")


def _carry_out(
    ordered: "Sequence[Entry]",
    todo: Sequence[Path],
    executor: "Executor",
    until: float = math.inf,
) -> None:
    """Do runs, with progress; Ctrl-C leaves the others for the next time."""
    from contextlib import closing

    from .campaign import carry_on
    from .campaign_display import showing

    try:
        with (
            showing(ordered, todo, lambda: executor.workers) as tell,
            closing(carry_on([path.absolute() for path in todo], executor, until)) as outcomes,
        ):
            for outcome in outcomes:
                tell(outcome)
    except KeyboardInterrupt:
        typer.echo("interrupted: the same command goes on", err=True)
        sys.exit(130)


def _say_standing(ordered: "Sequence[Entry]", as_json: bool) -> bool:
    """Print how many runs there are of each state; returns whether all completed."""
    from .campaign import State, counted, reasons, survey
    from .campaign_display import print_counts
    from .display import print_json

    standings = tuple(survey(ordered))
    counts, why = counted(standings), reasons(standings)
    if as_json:
        print_json({"counts": counts, "not_completed": why})
    else:
        print_counts(counts, why)
    return counts["runs"] == counts[State.COMPLETED]


def _keys_of(out: Path) -> set[str]:
    """Return the keys of the runs that were ordered in a folder before; none if nothing was."""
    from .campaign import entries

    try:
        return {entry.key for entry in entries(out)}
    except DataError:
        return set()
