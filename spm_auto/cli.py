"""The command line: ``spm-auto run recipe.toml --lab lab.toml --out folder``."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from . import (
    __version__,
    campaigning,
    foreseeing,
    grading,
    keys,
    paging,
    serving,
    steering,
    windows,
)
from .errors import SpmError
from .foreseeing import LabFile, Overrides, RecipeFile, Seed

app = typer.Typer(
    name="spm-auto",
    help="Let an agent drive a scanning-probe microscope.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.add_typer(keys.app, name="keys")
app.add_typer(steering.app, name="steer")
app.add_typer(grading.lesson_app, name="lesson")
app.add_typer(grading.course_app, name="course")

SERVER_JOURNAL = "server.spmj"  # as `spm_auto.server` names it
Folder = Annotated[Path, typer.Argument(metavar="DIR", help="The run's folder.")]
InServer = Annotated[
    bool | None,
    typer.Option(
        "--server/--no-server",
        help="Put the instrument into a process of its own; without either, hardware is.",
    ),
]


Approve = Annotated[
    str,
    typer.Option(
        "--approve",
        metavar="HOW",
        help="'never': say yes to all that the recipe asks; 'every', 'every 5': ask a human.",
    ),
]


def main() -> None:
    """Run the command line; say errors in one line each, without a traceback."""
    # one thread computes: on a small PC two of them only get in each other's way
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        app()
    except SpmError as error:
        for line in str(error).splitlines():
            sys.stderr.write(f"error: {line}\n")
        sys.exit(1)


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[
        bool, typer.Option("--version", help="Print the version and leave.", is_eager=True)
    ] = False,
) -> None:
    if show_version:
        typer.echo(f"spm-auto {__version__}")
        raise typer.Exit


@app.command()
def run(
    recipe: RecipeFile,
    lab: LabFile,
    out: Annotated[Path, typer.Option("--out", help="Folder for journal, run file and report.")],
    seed: Seed = 0,
    overrides: Overrides = [],  # noqa: B006 - typer copies it
    server: InServer = None,
    pulses: serving.Pulses = 0,
    approve: Approve = "",
    most: Annotated[
        int,
        typer.Option(
            "--keep-going",
            metavar="N",
            min=0,
            help="Resume the run when its process dies, at most N times an hour; 0 for never.",
        ),
    ] = 0,
    json: serving.AsJson = False,
) -> None:
    """Carry out a recipe. Exit code 0 only when it completed.

    Ctrl-C once cancels in order; twice within 2 s withdraws the tip.
    """
    if most:
        from .keep_going import keep_going, run_arguments

        options = ["--json"] if json else []
        if server is not None:
            options.append("--server" if server else "--no-server")
        options.append(f"--pulses={pulses}")
        if approve:
            options.append(f"--approve={approve}")
        words = run_arguments(recipe, lab, out, seed, overrides, *options)
        sys.exit(keep_going(words, out, most, say=lambda text: typer.echo(text, err=True)))
    from .execute import execute

    sys.exit(
        execute(
            recipe,
            lab,
            out,
            seed,
            overrides,
            as_json=json,
            in_server=server,
            pulses=pulses,
            approve=approve,
        )
    )


@app.command()
def resume(
    folder: Folder,
    same_place: Annotated[
        bool,
        typer.Option("--same-place", help="On hardware: do not look where the sample is now."),
    ] = False,
    after_emergency: Annotated[
        bool, typer.Option("--after-emergency", help="Go on after an emergency stop, too.")
    ] = False,
    accept_changes: Annotated[
        bool,
        typer.Option("--accept-changes", help="On hardware: go on though it is not as it was."),
    ] = False,
    server: InServer = None,
    pulses: serving.Pulses = 0,
    approve: Approve = "",
    json: serving.AsJson = False,
) -> None:
    """Go on with a run that was killed, cancelled or failed, exactly where it ended."""
    from .execute import resume as resume_run

    sys.exit(
        resume_run(
            folder,
            same_place,
            after_emergency,
            accept_changes,
            as_json=json,
            in_server=server,
            pulses=pulses,
            approve=approve,
        )
    )


@app.command()
def show(
    path: Annotated[
        Path, typer.Argument(metavar="PATH", help="A run, or a file that a microscope left.")
    ],
    json: serving.AsJson = False,
) -> None:
    """Say what a run or a server did, or what is in a data file of another program."""
    from .data import FILE_NAME, open_file, open_run
    from .display import print_data_file, print_summary

    if path.name == SERVER_JOURNAL:
        from .attend import print_journal

        print_journal(path, as_json=json)
        return
    if path.is_dir() or path.suffix == Path(FILE_NAME).suffix:
        print_summary(open_run(path).summary(), as_json=json)
    else:
        print_data_file(open_file(path).summary(), as_json=json)


@app.command()
def report(folder: Folder) -> None:
    """Write report.html from a run's journal."""
    from .report import write_report

    typer.echo(str(write_report(folder)))


@app.command()
def export(
    folder: Folder,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="FORMAT", help="gwy, sxm, dat, csv, png, events or event-model."
        ),
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for the files; DIR/export without it.")
    ] = None,
) -> None:
    """Write a run as files that other programs open: Gwyddion, Nanonis, tables, pictures."""
    from .data import open_run
    from .export import export as export_run

    for path in export_run(open_run(folder), to, out):
        typer.echo(str(path))


@app.command()
def forensics(
    folder: Folder,
    truth: Annotated[
        str,
        typer.Option(
            "--truth",
            metavar="VALUE|DIR",
            help="The best value there is, or a run that measured the whole sample.",
        ),
    ] = "",
) -> None:
    """Write forensics.html: how well the agent of a run chose, and why it did so."""
    from .forensics import write_forensics

    typer.echo(str(write_forensics(folder, truth)))


@app.command("list")
def list_plugins(
    kind: Annotated[str, typer.Argument(help="Kind of plugin; all without it.")] = "",
    json: serving.AsJson = False,
) -> None:
    """List the instruments, samples, agents, tasks and so on that are installed."""
    from . import plugins
    from .display import print_plugins

    if kind == "tasks":
        from .scoreboard import print_tasks

        print_tasks(as_json=json)
        return
    kinds = (kind,) if kind else plugins.KINDS
    print_plugins({name: plugins.describe(name) for name in kinds}, as_json=json)


@app.command()
def task(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The task; `list tasks` has them.")],
    agent: Annotated[str, typer.Option("--agent", help="Who plays; `oracle` knows the truth.")],
    seed: Seed = 0,
    level: Annotated[int, typer.Option("--level", help="How hard, from 0 to 3.")] = 1,
    json: serving.AsJson = False,
) -> None:
    """Let an agent play a task on the simulator; print its score beside random and oracle."""
    from .scoreboard import play_and_print

    play_and_print(name, agent, seed, level, as_json=json)


@app.command()
def conformance(
    instruments: Annotated[
        list[str] | None,
        typer.Option("--instrument", help="Which one; several times for several; all without."),
    ] = None,
    lab: Annotated[
        Path | None,
        typer.Option("--lab", help="Examine the instrument of this lab file. HARDWARE MOVES."),
    ] = None,
    json: serving.AsJson = False,
) -> None:
    """Let instruments take the exam of the instrument plane; print who can do what."""
    from .conformance import conformance as take_exam

    sys.exit(take_exam(instruments or (), lab, as_json=json))


@app.command()
def emulate(
    controller: Annotated[
        str, typer.Argument(metavar="KIND", help="Which controller: nanonis, red_panda, ...")
    ],
    sample: Annotated[str, typer.Option("--sample", help="What lies under the tip.")] = "hopg",
    port: Annotated[
        int | None, typer.Option("--port", help="The first port; free ones without.")
    ] = None,
    level: Annotated[int, typer.Option("--level", help="From 0, a perfect instrument, to 3.")] = 2,
    seed: Seed = 0,
    speed: Annotated[
        float, typer.Option("--speed", help="Instrument seconds per second; 0 never waits.")
    ] = 1.0,
    faults: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="KIND[:COMMAND[:AFTER[:TIMES]]]", help="What goes wrong."),
    ] = None,
    overrides: Overrides = [],  # noqa: B006
) -> None:
    """Put the simulator behind the wire protocol of a real controller, until Ctrl-C."""
    from .emulate import emulate as serve

    serve(controller, sample, port, level, seed, speed, faults or (), overrides)


@app.command()
def gallery(
    out: Annotated[Path, typer.Option("--out", help="Folder for the sheets.")],
    sheets: Annotated[list[str] | None, typer.Argument(help="Which ones; all without.")] = None,
    seed: Seed = 1,
    pixels: Annotated[int, typer.Option("--pixels", min=16, help="Of each image.")] = 256,
) -> None:
    """Draw what every sample and every artefact of the simulator looks like, one PNG each."""
    from .gallery import draw_gallery

    draw_gallery(out, tuple(sheets or ()), seed, pixels, told=lambda path: typer.echo(str(path)))


@app.command()
def schema(
    of: Annotated[str, typer.Argument(help="'recipe' or 'lab'.")] = "recipe",
) -> None:
    """Print the JSON Schema of recipes or lab files, for editors."""
    import json

    from .lab import Lab
    from .settings import json_schema
    from .workflow import Recipe

    models: dict[str, Any] = {"recipe": Recipe, "lab": Lab}
    if of not in models:
        raise SpmError(f"there is a schema of 'recipe' and of 'lab', not of {of!r}")
    typer.echo(json.dumps(json_schema(models[of]), indent=2))


@app.command()
def doctor(json: serving.AsJson = False) -> None:
    """Check what this computer has, on one page that can be pasted into an issue."""
    from .display import print_checks
    from .doctor import examine

    checks = examine()
    print_checks(checks, as_json=json)
    if not all(check.is_good for check in checks):
        sys.exit(1)


app.registered_commands += campaigning.app.registered_commands
app.registered_commands += paging.app.registered_commands
app.registered_commands += grading.app.registered_commands
app.registered_commands += foreseeing.app.registered_commands
app.registered_commands += serving.app.registered_commands
app.registered_commands += windows.app.registered_commands
