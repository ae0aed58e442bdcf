"""InstrumentSettings: what a lab file says of an instrument, and how it is opened."""

from pathlib import Path
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationInfo, WithJsonSchema

from ..clock import Clock
from .protocol import Instrument

_WHEREABOUTS = ("host", "port", "ports", "folder", "address")  # settings that say where it is


class InstrumentSettings(BaseModel):
    """Settings of an instrument in a lab file; each kind derives its own and names it a plugin.

    Opening may do anything that costs time (connect, make a sample); validating may not.

    Attributes:
        is_simulated: Whether no hardware moves, so that a rehearsal may open it as it is.
        kind: Name of the plugin.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    is_simulated: ClassVar[bool] = False

    kind: str

    @property
    def whereabouts(self) -> str:
        """Where the hardware is, as far as the settings say: two servers must not share it."""
        said = ((name, getattr(self, name, None)) for name in _WHEREABOUTS)
        return ", ".join([self.kind, *(f"{name} {value}" for name, value in said if value)])

    def open(self, clock: Clock, seed: int) -> Instrument:  # noqa: ARG002
        """Connect to the instrument or make it.

        Args:
            clock: Instrument time.
            seed: Root of all randomness of what is simulated; hardware ignores it.

        Raises:
            InstrumentError: The instrument does not answer.
            DataError: A file that it needs is missing or damaged.
        """
        raise TypeError(f"the settings of instrument {self.kind!r} do not say how to open it")


class FromCommandLine(str):
    """Text that stood on the command line: a path in it is relative to the working directory."""

    __slots__ = ()


def _resolve(value: Any, info: ValidationInfo) -> Any:
    """Make a path of a lab file absolute: relative ones start at the file's own folder."""
    if not isinstance(value, str):
        raise ValueError(f"expected the path of a file, got {value!r}")
    folder = (info.context or {}).get("folder")
    path = Path(value).expanduser()
    if folder is not None and not isinstance(value, FromCommandLine):
        path = Path(folder) / path
    return path.resolve()


DataFile = Annotated[
    Path, BeforeValidator(_resolve), WithJsonSchema({"type": "string", "format": "path"})
]
