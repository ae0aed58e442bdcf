"""NanonisEmulatorSettings: what an emulated Nanonis controller can be told."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from spm_auto.clock import Clock
from spm_auto.instrument import Instrument
from spm_auto.units import Length
from spm_auto.wire.nanonis import NEW, OLD, profile

from ..service import Service
from ..settings import Server, ServerSettings
from ..station import Station
from ..wire_faults import WireFaults
from .address import driver_settings
from .desk import Desk
from .dispatch import Dispatcher


class NanonisServer(Server):
    """An emulated Nanonis controller that runs.

    Attributes:
        dispatcher: Who answers.
    """

    def __init__(
        self,
        station: Station,
        address: Mapping[str, Any],
        closing: Sequence[Callable[[], None]],
        faults: WireFaults,
        dispatcher: Dispatcher,
    ) -> None:
        super().__init__(station, address, closing, faults)
        self.dispatcher = dispatcher


class NanonisEmulatorSettings(ServerSettings):
    """Settings of an emulated Nanonis controller.

    Attributes:
        ports: How many ports it serves, each one client at a time.
        release: Whose layouts it speaks; 10862, 13742 and 14718 are known.
        session_folder: Where images and spectra are saved; without one, nothing is.
        windows_paths: Whether paths are told as Windows would write them.
        approached: Whether the tip is at the sample when it starts.
        z_range: Full range of the z piezo [m].
    """

    kind: Literal["nanonis"] = "nanonis"
    ports: int = Field(default=4, ge=1, le=16)
    release: int = Field(default=NEW, ge=1)
    session_folder: Annotated[Path | None, Field(strict=False)] = None
    windows_paths: bool = False
    approached: bool = False
    z_range: Annotated[Length, Field(gt=0)] = 2e-6

    def start(self, instrument: Instrument, clock: Clock) -> NanonisServer:
        """Begin to serve; the ports are `port`, `port` + 1 and so on, or free ones.

        Raises:
            InstrumentError: A port or the folder is not free.
        """
        station = Station(instrument, clock)
        faults = WireFaults(self.faults)
        desk = Desk(
            station,
            clock,
            folder=self.session_folder,
            windows_paths=self.windows_paths,
            z_range=self.z_range,
            by_slot=profile(self.release) == OLD,
            faults=faults,
        )
        dispatcher = Dispatcher(desk, self.release, faults)
        services: list[Service] = []
        try:
            if self.approached:
                desk.z.engage()
            for number in range(self.ports):
                port = self.port + number if self.port else 0
                services.append(
                    Service(dispatcher.serve, self.host, port, faults, one_at_a_time=True)
                )
        except BaseException:
            desk.end()
            for service in services:
                service.close()
            station.close()
            raise
        numbers = tuple(service.port for service in services)
        # a driver needs three: for actions, for supervision, and for the emergency stop
        address = {"host": self.host, "ports": numbers[:3], **driver_settings(instrument)}
        # ending the desk wakes whoever waits in it, so that the services can be closed
        closing = (desk.end, *(service.close for service in services), desk.close)
        return NanonisServer(station, address, closing, faults, dispatcher)
