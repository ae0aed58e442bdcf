"""The command line of lessons: what there is, and what an answer is worth."""

import typer

app = typer.Typer()


@app.command()
def lessons() -> None:
    """List the lessons that are installed."""
    from . import plugins

    for name in plugins.names("lessons"):
        lesson = plugins.load("lessons", name)
        typer.echo(f"{lesson.number}. {name}: {lesson.title}")
