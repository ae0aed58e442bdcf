"""RedPandaEmulatorSettings: how the emulated controller is set, and how it is started."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import Field

from spm_auto.clock import Clock
from spm_auto.instrument import Instrument
from spm_auto.units import Duration, Length
from spm_auto.wire import red_panda as wire

from ..pseudo_terminal import PseudoTerminal
from ..service import Service
from ..settings import Server, ServerSettings
from ..sr830 import Sr830EmulatorSettings, lock_in_over
from ..station import Station
from ..wire_faults import WireFaults
from .firmware import Firmware
from .head import Head
from .junction import Junction, Scale

BIAS_SPAN = 3.0  # [V] at the end of the bias DAC
GAIN = 100e6  # [V/A] of the preamplifier
ADC_SPAN = 10.24  # [V] at the end of the converter
SURFACE = 42000  # [counts] of the z DAC on the level of zero height


class RedPandaEmulatorSettings(ServerSettings):
    """Settings of the emulated red panda.

    Attributes:
        port: On which it listens; 0 takes a free one.
        pseudo_terminal: Whether it is reached over a pseudo-terminal instead.
        z_per_count: What a count of the z DAC is worth [m]; larger is towards the sample.
        silence: After which the number reader gives up, on the wall clock [s].
        pass_time: Of one pass of the firmware's loop [s].
        surface_steps: Of the motor to the sample.
        low_contacts: How many approaches find the sample where closing the loop would be a crash.
        lock_in: A lock-in amplifier beside it, on a port of its own.
    """

    kind: Literal["red_panda"] = "red_panda"
    pseudo_terminal: bool = False
    z_per_count: Annotated[Length, Field(gt=0)] = 2e-12
    silence: Annotated[Duration, Field(gt=0)] = 1.0
    pass_time: Annotated[Duration, Field(gt=0)] = 20e-6
    surface_steps: int = Field(default=20, ge=0)
    low_contacts: int = Field(default=0, ge=0)
    lock_in: Sr830EmulatorSettings | None = None

    def start(self, instrument: Instrument, clock: Clock) -> "RedPandaServer":
        """Begin to serve.

        Raises:
            InstrumentError: It is no tunnelling microscope, or the port is not free.
        """
        station, faults = Station(instrument, clock), WireFaults(self.faults)
        has = instrument.capabilities
        reach = [max(map(abs, span)) / wire.MIDDLE for span in (has.x_range, has.y_range)]
        scale = Scale(
            reach[0],
            reach[1],
            self.z_per_count,
            BIAS_SPAN / wire.MIDDLE,
            ADC_SPAN / GAIN / wire.MIDDLE,
            SURFACE,
        )
        firmware = Firmware(
            Head(Junction(station, scale), clock),
            faults,
            self.silence,
            self.pass_time,
            self.surface_steps,
            self.low_contacts,
        )
        return RedPandaServer(self, station, firmware)


class RedPandaServer(Server):
    """The emulated controller that runs.

    Args:
        settings: Of it.
        station: What it operates.
        firmware: Its program.

    Attributes:
        firmware: Its program, for tests.
    """

    def __init__(
        self, settings: RedPandaEmulatorSettings, station: Station, firmware: Firmware
    ) -> None:
        self.firmware = firmware
        closing: list[Callable[[], None]] = []
        if settings.pseudo_terminal:
            terminal = PseudoTerminal(firmware.serve, firmware.faults)
            closing.append(terminal.close)
            port = terminal.path
        else:
            service = Service(
                firmware.serve, settings.host, settings.port, firmware.faults, one_at_a_time=True
            )
            closing.append(service.close)
            port = f"socket://{settings.host}:{service.port}"
        scale = firmware.head.junction.scale
        address: dict[str, Any] = {
            "port": port,
            "x_per_count": f"{scale.x} m",
            "y_per_count": f"{scale.y} m",
            "z_per_count": f"{scale.z} m",
            "z_zero": scale.surface,
            "pass_time": f"{settings.pass_time} s",
            "pause": "0 s",
            "quiet": "0 s",
        }
        held = station.held
        if held.bias is not None and 0 < held.bias < BIAS_SPAN:
            address["bias"] = f"{held.bias} V"
        if held.setpoint is not None:
            address["setpoint"] = f"{held.setpoint} A"
        if settings.lock_in is not None:
            lock_in = lock_in_over(station, settings.lock_in)
            closing.append(lock_in.close)
            address["lock_in"] = {"port": lock_in.port, "pause": "0 s"}
        super().__init__(station, address, closing, firmware.faults)
