"""What a person types: a small recipe, and the command line as a function."""

from collections.abc import Callable
from pathlib import Path

EXAMPLES = Path(__file__).parent.parent.parent / "examples"
RECIPE, LAB = EXAMPLES / "ferroelectric.toml", EXAMPLES / "lab_simulator.toml"
SMALL = (
    "--set=steps[0].frame.pixels=[32, 32]",
    "--set=steps[1].budget=6",
    "--set=steps[1].agent={kind = 'gp', initial = 3}",
)


Command = Callable[..., tuple[int, str, str]]


def carry_out(command: Command, out: Path, *more: str, lab: Path = LAB) -> tuple[int, str, str]:
    """Carry out the small recipe."""
    return command("run", RECIPE, "--lab", lab, "--out", out, *SMALL, *more)
