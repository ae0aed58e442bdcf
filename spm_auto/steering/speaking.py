"""Speaking: how each command of `spm-auto steer` says something to the run."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:  # what --help must not wait for
    from ..ear import RunClient

NUMBERS = {"ignore_unknown_options": True}  # "-40 nm" is no option

Who = Annotated[str, typer.Option("--who", help="Who wants it; whoever is logged in without.")]
Why = Annotated[str, typer.Option("--why", help="Why, in words.")]
X = Annotated[str, typer.Argument(metavar="X", help='Such as "120 nm".')]
Y = Annotated[str, typer.Argument(metavar="Y", help='Such as "-40 nm".')]


def client_of(context: typer.Context, who: str) -> "RunClient":
    """Connect to the run of the folder that was named."""
    from ..ear import RunClient
    from ..listening import login

    folder: Path = context.obj
    return RunClient.connect(folder, who or login())


def say(context: typer.Context, who: str, what: "Callable[[RunClient], object]", said: str) -> None:
    """Say something to the run, and that it was heard."""
    with client_of(context, who) as client:
        what(client)
    typer.echo(said)
