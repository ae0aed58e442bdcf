"""`spm-auto steer DIR ...`: what a human does to a run that another process carries out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..errors import RecipeError
from ..units import format as format_quantity
from ..units import parse
from . import by_hand
from .speaking import NUMBERS, Who, Why, X, Y, client_of, say

if TYPE_CHECKING:  # what --help must not wait for
    from ..agents import AllowRegion, ForbidRegion
    from ..ear import RunView
    from ..workflow import Question

app = typer.Typer(
    help="Step into a run that is under way: each intervention is recorded with who and why.",
    no_args_is_help=True,
)
app.add_typer(by_hand.app, name="do")
Radius = Annotated[str, typer.Option("--radius", help='Of a circle, such as "50 nm".')]
Size = Annotated[
    tuple[str, str] | None,
    typer.Option("--size", metavar="W H", help='Of a rectangle, such as "50 nm" "80 nm".'),
]
Bias = Annotated[str, typer.Option("--bias", help='Such as "-3 V".')]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.callback()
def _folder(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The run's folder.")],
) -> None:
    context.obj = folder


@app.command()
def status(context: typer.Context, json: AsJson = False) -> None:
    """Say how the run stands, and what it asks."""
    with client_of(context, "") as client:
        view = client.state()
    table = _table(view)
    if json:
        from ..display import print_json

        print_json(table)
        return
    for name, value in table.items():
        said = ", ".join(value) if isinstance(value, list) else str(value)
        typer.echo(f"{name:10} {said or '-'}")


@app.command()
def pause(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """Let it wait before the next instruction or line."""
    say(context, who, lambda client: client.pause(why), "it waits before its next instruction")


@app.command()
def resume(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """Let it go on."""
    say(context, who, lambda client: client.resume(why), "it goes on")


@app.command()
def cancel(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """End it at once, in order; `spm-auto resume` can go on with it."""
    say(context, who, lambda client: client.cancel(why), "it is cancelled")


@app.command()
def stop(
    context: typer.Context,
    who: Who = "",
    why: Why = "",
    hard: Annotated[
        bool, typer.Option("--hard", help="By the alternate path at once, where there is one.")
    ] = False,
) -> None:
    """In an emergency: withdraw the tip, and end the run."""
    said = "the tip is withdrawn"
    say(context, who, lambda client: client.emergency_stop(why, hard=hard), said)


@app.command(context_settings=NUMBERS)
def point(
    context: typer.Context, x: X, y: Y, bias: Bias = "", who: Who = "", why: Why = ""
) -> None:
    """Have it measure next what lies nearest to a point."""
    from ..agents import ForcePoint

    more = {"bias": parse(bias, "V")} if bias else {}
    wanted = ForcePoint(parse(x, "m"), parse(y, "m"), **more)
    say(context, who, lambda client: client.steer(wanted, why), f"asked: {wanted}")


@app.command(context_settings=NUMBERS)
def forbid(
    context: typer.Context,
    x: X,
    y: Y,
    radius: Radius = "",
    size: Size = None,
    who: Who = "",
    why: Why = "",
) -> None:
    """Have it stay out of a region."""
    from ..agents import ForbidRegion

    region = _region(ForbidRegion, x, y, radius, size)
    say(context, who, lambda client: client.steer(region, why), f"asked: {region}")


@app.command(context_settings=NUMBERS)
def allow(
    context: typer.Context,
    x: X,
    y: Y,
    radius: Radius = "",
    size: Size = None,
    who: Who = "",
    why: Why = "",
) -> None:
    """Take back that a region is forbidden."""
    from ..agents import AllowRegion

    region = _region(AllowRegion, x, y, radius, size)
    say(context, who, lambda client: client.steer(region, why), f"asked: {region}")


@app.command()
def scalarizer(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="`list scalarizers` has them.")],
    who: Who = "",
    why: Why = "",
) -> None:
    """Have all spectra judged by another scalarizer."""
    from ..agents import Rescalarize

    wanted = Rescalarize(name)
    say(context, who, lambda client: client.steer(wanted, why), f"asked: {wanted}")


@app.command(context_settings=NUMBERS)
def exploration(
    context: typer.Context,
    weight: Annotated[float, typer.Argument(metavar="W", help="0 is greedy.")],
    who: Who = "",
    why: Why = "",
) -> None:
    """Weigh what is not known otherwise."""
    from ..agents import SetExploration

    wanted = _made(SetExploration, weight)
    say(context, who, lambda client: client.steer(wanted, why), f"asked: {wanted}")


@app.command(context_settings=NUMBERS)
def prefer(
    context: typer.Context,
    better: Annotated[
        str, typer.Argument(metavar="A", help='A candidate, "12", or a place, "10 nm, -40 nm".')
    ],
    worse: Annotated[str, typer.Argument(metavar="B", help="The same.")],
    who: Who = "",
    why: Why = "",
) -> None:
    """Say that one measured point is better than another."""
    from ..agents import Prefer

    wanted = Prefer(_measured(better), _measured(worse))
    say(context, who, lambda client: client.steer(wanted, why), f"asked: {wanted}")


@app.command()
def note(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What shall be written down.")],
    who: Who = "",
    why: Why = "",
) -> None:
    """Have something written down."""
    say(context, who, lambda client: client.annotate(text, why), "noted")


@app.command()
def approval(
    context: typer.Context,
    how: Annotated[str, typer.Argument(metavar="HOW", help="'never', 'every' or 'every 5'.")],
    who: Who = "",
    why: Why = "",
) -> None:
    """Say how often a human is asked about what is proposed."""
    from ..listening import parse_every
    from ..workflow import often

    every = parse_every(how)
    said = f"a human is asked about {often(every)}"
    say(context, who, lambda client: client.set_approval(every, why), said)


@app.command()
def approve(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """Say yes to what the run asks."""
    _answer(context, who, why, "approved", lambda _: {})


@app.command()
def reject(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """Say no to what the run asks."""
    _answer(context, who, why, "rejected", lambda _: {})


@app.command(context_settings=NUMBERS)
def edit(
    context: typer.Context,
    x: X,
    y: Y,
    bias: Bias = "",
    size: Size = None,
    who: Who = "",
    why: Why = "",
) -> None:
    """Have it measured elsewhere than where the run asks; of a frame, X and Y are the middle."""
    place = (parse(x, "m"), parse(y, "m"))

    def values(question: "Question") -> dict[str, Any]:
        more: dict[str, Any] = {} if not bias else {"bias": parse(bias, "V")}
        if size is not None:
            more["size"] = tuple(parse(length, "m") for length in size)
        if "center" in question.ask.values:
            return {"center": place, **more}
        return {"x": place[0], "y": place[1], **more}

    _answer(context, who, why, "edited", values)


def _answer(
    context: typer.Context,
    who: str,
    why: str,
    verdict: str,
    values: "Callable[[Question], dict[str, Any]]",
) -> None:
    """Answer the question that is asked now, whichever it is by the time that it arrives."""
    from ..data import Verdict

    with client_of(context, who) as client:
        question = client.question()
        if question is None:
            raise RecipeError("the run asks nothing just now")
        asked = client.answer(Verdict(verdict), why, values(question), question.number)
    typer.echo(f"{verdict}: {asked}")


def _region(
    kind: "type[ForbidRegion] | type[AllowRegion]",
    x: str,
    y: str,
    radius: str,
    size: tuple[str, str] | None,
) -> "ForbidRegion | AllowRegion":
    center = (parse(x, "m"), parse(y, "m"))
    if size is not None:
        width, height = (parse(length, "m") for length in size)
        extent: dict[str, Any] = {"size": (width, height)}
    else:
        extent = {}
    if radius:
        extent["radius"] = parse(radius, "m")
    region: ForbidRegion | AllowRegion = _made(kind, center, **extent)
    return region


def _made(kind: type[Any], *values: Any, **more: Any) -> Any:
    try:
        return kind(*values, **more)
    except ValueError as error:
        raise RecipeError(str(error)) from error


def _measured(text: str) -> int | tuple[float, float]:
    if text.strip().isdecimal():
        return int(text)
    places = text.split(",")
    if len(places) != 2:
        raise RecipeError(f"{text!r} is neither a candidate ('12') nor a place ('10 nm, -40 nm')")
    return parse(places[0], "m"), parse(places[1], "m")


def _table(view: "RunView") -> dict[str, Any]:
    """Return how a run stands, for people and for scripts."""
    from ..workflow import often

    question = view.question
    asked = [] if question is None else [question.ask.question]
    approval = view.approval
    state = f"{view.finished or view.state}"
    if view.is_held and not view.finished:
        state += ", held by a human"
    if question is not None:
        state += ", asks a human"
    return {
        "title": view.title,
        "state": state,
        "asks": asked,
        "proposed": [] if question is None else _proposed(question),
        "approval": "as the recipe has it" if approval is None else often(approval),
        "waiting": list(view.waiting),
        "process": view.process,
    }


def _proposed(question: "Question") -> list[str]:
    units = {"x": "m", "y": "m", "bias": "V", "center": "m", "size": "m", "angle": "rad"}

    def said(name: str, value: Any) -> str:
        if isinstance(value, list | tuple):
            return " ".join(said(name, each) for each in value)
        if name in units and isinstance(value, float | int):
            return format_quantity(value, units[name], 4)
        return str(value)

    proposed = question.ask.values.items()
    return [f"{name} {said(name, value)}" for name, value in proposed if value != ""]
