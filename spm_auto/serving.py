"""The commands about instrument servers: serve, and what a person does about one."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer()

Pulses = Annotated[
    int,
    typer.Option(
        "--pulses",
        min=0,
        max=1000,
        help="Say yes beforehand to so many pulses and pokes; of an instrument behind a server.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]
ServerFile = Annotated[
    Path | None,
    typer.Option("--at", metavar="FILE", help="What the server announced; of this computer."),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="FILE", help="One's own secret key.")
]


@app.command()
def serve(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
    overrides: Annotated[
        list[str],
        typer.Option("--set", metavar="PATH=VALUE", help="Replace a value of the lab file."),
    ] = [],  # noqa: B006 - typer copies it
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of what is simulated.")] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Check instructions, send none.")
    ] = False,
    pulses: Pulses = 0,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="For its journals; without it at home.")
    ] = None,
    announce: Annotated[
        Path | None, typer.Option("--announce", help="File that will say where it listens.")
    ] = None,
    guest: Annotated[
        Path | None,
        typer.Option("--guest", help="Public key of the run that it is for; ends with it."),
    ] = None,
    relative_to: Annotated[
        Path | None, typer.Option("--relative-to", help="Where paths of the lab file start.")
    ] = None,
) -> None:
    """Serve the instrument of a lab file to whoever has a key, until Ctrl-C."""
    from .attend import ANNOUNCED
    from .keys import home
    from .serve import Serving
    from .serve import serve as serve_instrument

    serving = Serving(
        home=home(),
        folder=folder or home() / "servers" / lab.stem,
        announce=announce or home() / ANNOUNCED,
        guest=guest,
        relative_to=relative_to,
        seed=seed,
        is_dry_run=dry_run,
        pulses=pulses,
    )
    serve_instrument(lab, overrides, serving)


@app.command()
def withdraw(at: ServerFile = None, key: KeyFile = None) -> None:
    """Have the tip withdrawn, whoever has control."""
    from .attend import withdraw as order
    from .keys import home

    order(home(), at, key)


@app.command()
def acknowledge(at: ServerFile = None, key: KeyFile = None) -> None:
    """Let go on what the watchdog has stopped, as you have seen why."""
    from .attend import acknowledge as let_go_on
    from .keys import home

    let_go_on(home(), at, key)


@app.command()
def confirm(
    count: Annotated[int, typer.Argument(help="How many pulses or pokes.")],
    hours: Annotated[float, typer.Option("--hours", help="For how long.")] = 8.0,
    at: ServerFile = None,
    key: KeyFile = None,
) -> None:
    """Let pulses and pokes be carried out, which need a human's word beforehand."""
    from .attend import confirm as say_yes
    from .keys import home

    say_yes(home(), at, key, count, hours)


@app.command()
def look(at: ServerFile = None, key: KeyFile = None, json: AsJson = False) -> None:
    """Say how a served instrument is, who has control, and what the watchdog says."""
    from .attend import look as look_at
    from .keys import home

    look_at(home(), at, key, as_json=json)


@app.command()
def notify(
    lab: Annotated[Path, typer.Argument(metavar="LAB", help="The lab file.")],
) -> None:
    """Tell whoever the lab file names, to see that it arrives."""
    from .attend import try_to_tell

    try_to_tell(lab)
