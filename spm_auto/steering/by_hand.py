"""`spm-auto steer DIR do ...`: instructions by hand, for a run that waits for them."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Annotated

import typer

from ..errors import RecipeError, SpmError
from ..units import parse
from .speaking import NUMBERS, Who, Why, X, Y, say

if TYPE_CHECKING:  # what --help must not wait for
    from ..instrument import Instruction

app = typer.Typer(
    help="Work by hand with a run that waits for it; all is guarded and recorded as ever.",
    no_args_is_help=True,
)
_POINTS = 64  # of a spectrum

Pixels = Annotated[
    tuple[int, int], typer.Option("--pixels", metavar="N M", help="Pixels on a line, and lines.")
]
Size = Annotated[
    tuple[str, str], typer.Option("--size", metavar="W H", help='Such as "500 nm" "500 nm".')
]
Channels = Annotated[
    list[str] | None, typer.Option("--channel", help="To record; all without. May be repeated.")
]
Angle = Annotated[str, typer.Option("--angle", help='Of the fast axis, such as "0.5 rad".')]
Rate = Annotated[str, typer.Option("--line-rate", help='Each there and back, such as "2 Hz".')]
Amplitude = Annotated[str, typer.Option("--amplitude", help='Of the triangle, such as "5 V".')]
Points = Annotated[int, typer.Option("--points", help="Of the triangle, a multiple of 4.")]
Dwell = Annotated[str, typer.Option("--dwell", help='At each point, such as "8 ms".')]
Cycles = Annotated[int, typer.Option("--cycles", help="How often the triangle is run.")]


@app.command(context_settings=NUMBERS)
def scan(
    context: typer.Context,
    x: X,
    y: Y,
    size: Size,
    pixels: Pixels = (256, 256),
    angle: Angle = "0 rad",
    line_rate: Rate = "1 Hz",
    channel: Channels = None,
    who: Who = "",
    why: Why = "",
) -> None:
    """Scan a frame around a point."""
    from ..instrument import Scan, ScanFrame

    def made() -> Scan:
        width, height = (parse(length, "m") for length in size)
        center = (parse(x, "m"), parse(y, "m"))
        frame = ScanFrame(center, (width, height), pixels, parse(angle, "rad"))
        return Scan(frame, tuple(channel or ()), parse(line_rate, "Hz"))

    _perform(context, made, who, why)


@app.command(context_settings=NUMBERS)
def spectrum(
    context: typer.Context,
    x: X,
    y: Y,
    amplitude: Amplitude,
    points: Points = _POINTS,
    dwell: Dwell = "8 ms",
    cycles: Cycles = 1,
    who: Who = "",
    why: Why = "",
) -> None:
    """Take a spectrum at a point: a triangle of the bias."""
    from ..instrument import AcquireSpectrum, BiasWaveform

    def made() -> AcquireSpectrum:
        waveform = BiasWaveform.triangle(amplitude, points, dwell=dwell, cycles=cycles)
        return AcquireSpectrum(parse(x, "m"), parse(y, "m"), waveform)

    _perform(context, made, who, why)


@app.command(context_settings=NUMBERS)
def move(context: typer.Context, x: X, y: Y, who: Who = "", why: Why = "") -> None:
    """Send the tip to a point."""
    from ..instrument import PositionProbe

    _perform(context, lambda: PositionProbe(parse(x, "m"), parse(y, "m")), who, why)


@app.command()
def load(
    context: typer.Context,
    sample: Annotated[str, typer.Option("--sample", help="Its name; keeps what is mounted.")] = "",
    who: Who = "",
    why: Why = "",
) -> None:
    """Ready the instrument again."""
    from ..instrument import Load

    _perform(context, lambda: Load(sample), who, why)


@app.command()
def interrupt(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """End what was begun by hand; the run asks again."""
    say(context, who, lambda client: client.interrupt(why), "it ends; the run asks again")


@app.command()
def finish(context: typer.Context, who: Who = "", why: Why = "") -> None:
    """Let the run go on with its next step: nothing more by hand."""
    say(context, who, lambda client: client.finish(why), "the run goes on")


def _perform(context: typer.Context, made: "Callable[[], Instruction]", who: str, why: str) -> None:
    try:
        instruction = made()
    except SpmError:
        raise
    except ValueError as error:  # what could never be right
        raise RecipeError(str(error)) from error
    said = f"begun: {type(instruction).__name__}; status says when the run asks again"
    say(context, who, lambda client: client.perform([instruction], why), said)
