"""The commands about what a run will do: check, plan, rehearse. Nothing moves."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from . import serving
from .errors import SpmError

app = typer.Typer()

RecipeFile = Annotated[Path, typer.Argument(metavar="RECIPE", help="The recipe, a TOML file.")]
LabFile = Annotated[Path, typer.Option("--lab", help="The lab file: instrument and limits.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Root of all randomness.")]
Overrides = Annotated[
    list[str],
    typer.Option("--set", metavar="PATH=VALUE", help="Replace a value of recipe or lab file."),
]
StandIn = Annotated[
    Path | None,
    typer.Option("--on", metavar="LAB", help="Lab file of the simulator that stands in."),
]


@app.command()
def rehearse(
    recipe: RecipeFile,
    lab: LabFile,
    seed: Seed = 0,
    overrides: Overrides = [],  # noqa: B006
    seeds: Annotated[
        int, typer.Option("--seeds", metavar="N", min=1, help="How often, each with a new seed.")
    ] = 1,
    on: StandIn = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Keep the rehearsed run in this folder.")
    ] = None,
    json: serving.AsJson = False,
) -> None:
    """Go through a recipe on the simulator, under the lab's limits.

    Says how long it will take, what the sample bears, how far everything goes, and what would be
    refused at which step. Whoever is asked says yes.
    """
    from .rehearsal import rehearse as rehearse_recipe

    sys.exit(rehearse_recipe(recipe, lab, seed, overrides, seeds, on, out, as_json=json))


@app.command()
def plan(
    recipe: Annotated[
        Path | None, typer.Argument(metavar="RECIPE", help="The recipe; none with --run.")
    ] = None,
    lab: Annotated[
        Path | None, typer.Option("--lab", help="The lab file: instrument and limits.")
    ] = None,
    seed: Seed = 0,
    overrides: Overrides = [],  # noqa: B006
    measured: Annotated[
        Path | None,
        typer.Option("--measured", metavar="DIR", help="Correct the times by those of this run."),
    ] = None,
    run: Annotated[
        Path | None,
        typer.Option("--run", metavar="DIR", help="Compare a run with its plan, step by step."),
    ] = None,
    png: Annotated[
        Path | None, typer.Option("--png", metavar="FILE", help="Draw it as a Gantt chart.")
    ] = None,
    on: StandIn = None,
    json: serving.AsJson = False,
) -> None:
    """Say what a recipe will do, how long each operation takes, and what is the bottleneck.

    Nothing moves: hardware is not opened, the simulator stands in for it.
    """
    from . import planning

    if run is not None:
        if recipe is not None or lab is not None or measured is not None:
            raise SpmError("--run DIR has its own recipe and lab file: name no others")
        sys.exit(planning.plan_of_run(run, png, on, as_json=json))
    if recipe is None or lab is None:
        raise SpmError("write `spm-auto plan RECIPE --lab LAB`, or `spm-auto plan --run DIR`")
    sys.exit(planning.plan(recipe, lab, seed, overrides, measured, png, on, as_json=json))


@app.command()
def check(
    recipe: RecipeFile,
    lab: Annotated[
        Path | None, typer.Option("--lab", help="Check it against the limits of this lab, too.")
    ] = None,
    overrides: Overrides = [],  # noqa: B006
    on: StandIn = None,
) -> None:
    """Say whether a recipe is good, or one line for each fault. Nothing moves."""
    from .planning import check as check_recipe

    sys.exit(check_recipe(recipe, lab, overrides, on))
