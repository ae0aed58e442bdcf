"""The command line of a campaign's page."""

import math
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()


@app.command()
def page(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The folder of a campaign.")],
    out: Annotated[Path, typer.Option("--out", help="The page: a markdown file.")],
) -> None:
    """Write what a campaign says of its rows, as far as its runs are done, with pictures."""
    from .campaign import runs_of, write_page

    found = write_page(folder, out)
    missing = sum(map(math.isnan, runs_of(found).values()))
    said = f", {missing} of them missing" if missing else ""
    typer.echo(f"{out}: rows: {len(found)}, runs: {len(runs_of(found))}{said}")
