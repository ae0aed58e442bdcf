"""The command line of campaigns: many runs from one file."""

import json
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

CampaignFile = Annotated[Path, typer.Argument(metavar="SPEC", help="The campaign: a TOML file.")]


@app.command()
def campaign(
    spec: CampaignFile,
    out: Annotated[Path, typer.Option("--out", help="Folder of all its runs.")],
    workers: Annotated[
        int | None, typer.Option("--workers", min=1, help="How many at once; all cores without.")
    ] = None,
) -> None:
    """Do many runs: all of a product of agents, tasks, seeds and so on that are not done yet."""
    from .campaign import LocalPool, do, open_folders, order

    ordered = order(spec, out)
    todo = open_folders(ordered)
    for number, outcome in enumerate(LocalPool(workers).map(todo, do), start=1):
        typer.echo(f"{number} of {len(todo)}: {outcome.folder.name} {outcome.finish}", err=True)


@app.command()
def results(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a campaign.")],
) -> None:
    """Print what came of the runs of a campaign that are done, at any time, as JSON lines."""
    from .campaign import results as results_of

    for entry, result in results_of(folder):
        row = {"block": entry.block, "group": entry.group, "label": entry.label}
        typer.echo(json.dumps({**row, "seed": entry.seed, **result.figures}))
