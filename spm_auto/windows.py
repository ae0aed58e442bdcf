"""Windows: the commands that open one. What it is made of is a plugin: nothing here knows Qt."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from . import plugins
from .errors import SpmError

app = typer.Typer()
_KIND = "qt"


@app.command()
def gui(
    run: Annotated[
        Path | None, typer.Argument(metavar="DIR", help="A run to attach to, or to look at.")
    ] = None,
    sim: Annotated[
        bool, typer.Option("--sim", help="Begin by hand on the simulator, at once.")
    ] = False,
    lab: Annotated[
        Path | None, typer.Option("--lab", help="The lab file to begin with, by hand.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option("--recipe", help="A recipe to put into the editor.")
    ] = None,
    out: Annotated[Path, typer.Option("--out", help="Where new runs get their folders.")] = Path(
        "runs"
    ),
    who: Annotated[str, typer.Option("--who", help="Who sits here, for the record.")] = "",
    theme: Annotated[str, typer.Option("--theme", help="'dark' or 'light'; else as last.")] = "",
) -> None:
    """Open the window: start runs, watch them, steer them. Closing it never touches a run."""
    if sim and (run is not None or lab is not None):
        raise SpmError("--sim begins on the simulator: it goes with neither DIR nor --lab")
    code = _window()(
        run=run,
        is_simulated=sim,
        lab=lab,
        recipe=recipe,
        out=out,
        who=who or _login(),
        theme=theme,
    )
    sys.exit(code)


@app.command()
def view(
    run: Annotated[Path, typer.Argument(metavar="DIR", help="A run, finished or not.")],
    theme: Annotated[str, typer.Option("--theme", help="'dark' or 'light'; else as last.")] = "",
) -> None:
    """Look at a run in a window; nothing can be done to it from there."""
    sys.exit(_window()(run=run, is_looking=True, who=_login(), theme=theme))


def _window() -> Callable[..., int]:
    opened: Callable[..., int] = plugins.load("windows", _KIND)
    return opened


def _login() -> str:
    from .listening import login

    return login()
