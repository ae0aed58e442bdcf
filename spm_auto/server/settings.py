"""Settings of instrument servers: where one listens, and how a run finds it."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from ..clock import Clock
from ..instrument import DataFile, InstrumentSettings
from ..units import Duration
from .keys import read_identity, read_public
from .lease import Terms
from .remote import Place, RemoteInstrument
from .server import Listening

Port = Annotated[int, Field(ge=1, le=65535)]
Positive = Annotated[Duration, Field(gt=0)]


class ServerSettings(BaseModel):
    """The table ``[server]`` of a lab file.

    Attributes:
        host: Where it listens; whoever can reach another address than the loopback can knock.
        ports: For commands, safety and telemetry.
        hold_after: Without a sign of life of the owner the tip is held [s].
        withdraw_after: So much later, with no new owner, it is withdrawn [s].
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    host: str = "127.0.0.1"
    ports: tuple[Port, Port, Port] = (5761, 5762, 5763)
    hold_after: Positive = 5.0
    withdraw_after: Positive = 30.0

    @model_validator(mode="after")
    def _are_ports_of_their_own(self) -> "ServerSettings":
        if len(set(self.ports)) != len(self.ports):
            raise ValueError(f"ports must differ, got {self.ports}")
        return self

    def listening(self, period: float, takes_free_ports: bool) -> Listening:
        """Return where to listen; on the loopback only when the ports are free ones.

        Args:
            period: Of the watchdog [s].
            takes_free_ports: Whether it is for one run on this computer only.
        """
        if takes_free_ports:
            return Listening(period=period)
        return Listening(f"tcp://{self.host}", *self.ports, period)

    def terms(self) -> Terms:
        """Return how long an owner may be silent."""
        return Terms(self.hold_after, self.withdraw_after)


class RemoteSettings(InstrumentSettings):
    """An instrument behind an instrument server, by address and keys.

    Attributes:
        address: Of its door for commands, such as "tcp://127.0.0.1:5761".
        safety: Of its door for safety, where that is reached another way than the server says.
        key: File of one's own secret key.
        server_key: File of the server's public key.
        control: Whether to take the control lease.
        autonomous: Whether no human decides about each instruction.
    """

    kind: Literal["remote"] = "remote"
    address: str
    safety: str = ""
    key: DataFile
    server_key: DataFile
    control: bool = True
    autonomous: bool = True

    def open(self, clock: Clock, seed: int) -> RemoteInstrument:  # noqa: ARG002
        """Connect to the server, and take control.

        Raises:
            AccessError: A key cannot be read.
            InstrumentError: The server does not answer, or somebody else has control.
        """
        place = Place(self.address, read_public(Path(self.server_key)), self.safety)
        identity = read_identity(Path(self.key))
        return RemoteInstrument(place, identity, clock, self.control, self.autonomous)
