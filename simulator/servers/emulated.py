"""EmulatedSettings: simulator, emulated controller and driver in one process, on one wire."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Literal, cast

from pydantic import Field, field_validator

from spm_auto import plugins
from spm_auto.clock import Clock
from spm_auto.errors import SpmError
from spm_auto.instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Capabilities,
    ConditionTip,
    Emulator,
    EmulatorSettings,
    Extended,
    ForceCurve,
    Instruction,
    Instrument,
    InstrumentSettings,
    Load,
    PositionProbe,
    Rescued,
    Scan,
    ScanLine,
    SetFeedback,
    Spectrum,
    Status,
    Vitals,
    vitals_of,
)
from spm_auto.settings import validate

from ..settings import SimulatorSettings


class EmulatedSettings(InstrumentSettings):
    """A simulated microscope that is reached as a real one is: its driver, a wire, a controller.

    A run on it exercises the whole wire. What the driver is told of the address, the emulator says.

    Attributes:
        wire: The kind of controller, such as "nanonis".
        simulator: The microscope behind it.
        controller: Further settings of the emulated controller, its faults among them.
        driver: Further settings of the driver.
    """

    is_simulated: ClassVar[bool] = True

    kind: Literal["emulated"] = "emulated"
    wire: str
    simulator: SimulatorSettings = Field(default_factory=SimulatorSettings)
    controller: dict[str, Any] = Field(default_factory=dict)
    driver: dict[str, Any] = Field(default_factory=dict)

    @field_validator("wire")
    @classmethod
    def _is_known(cls, wire: str) -> str:
        known = plugins.names("emulators")
        if wire not in known:
            hint = plugins.suggest(wire, known)
            raise ValueError(f"no emulator {wire!r}{hint} (known: {', '.join(known)})")
        return wire

    def open(self, clock: Clock, seed: int) -> "EmulatedMicroscope":
        """Start the controller over the simulated microscope, and open the driver to it.

        Raises:
            RecipeError: Settings of controller or driver are wrong.
            InstrumentError: The driver does not find the controller.
        """
        controller = _read("emulators", self.wire, self.controller)
        emulator = cast(EmulatorSettings, controller).start(self.simulator.open(clock, seed), clock)
        try:
            found = _merged(emulator.address, self.driver)
            driver = cast(InstrumentSettings, _read("instruments", self.wire, found))
            return EmulatedMicroscope(driver.open(clock, seed), emulator)
        except SpmError:
            emulator.close()
            raise


class EmulatedMicroscope:
    """An `Instrument` that passes everything on to a driver, whose controller is emulated.

    Args:
        driver: Passed on to.
        emulator: Closed with it.
    """

    def __init__(self, driver: Instrument, emulator: Emulator) -> None:
        self.driver = driver
        self.emulator = emulator

    @property
    def capabilities(self) -> Capabilities:
        """What the driver has; nothing moves really."""
        return replace(self.driver.capabilities, is_simulated=True)

    def status(self) -> Status:
        """Read back where the instrument stands."""
        return self.driver.status()

    def duration(self, instruction: Instruction) -> float:
        """Estimate how long an instruction takes [s]."""
        return self.driver.duration(instruction)

    def load(self, instruction: Load) -> None:
        """Ready the instrument."""
        self.driver.load(instruction)

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        """Scan line by line."""
        return self.driver.scan(instruction)

    def position_probe(self, instruction: PositionProbe) -> None:
        """Move the probe."""
        self.driver.position_probe(instruction)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        """Take a spectrum."""
        return self.driver.acquire_spectrum(instruction)

    def acquire_force_curve(self, instruction: AcquireForceCurve) -> ForceCurve:
        """Take a force curve."""
        return cast(Extended, self.driver).acquire_force_curve(instruction)

    def condition_tip(self, instruction: ConditionTip) -> None:
        """Pulse or poke."""
        cast(Extended, self.driver).condition_tip(instruction)

    def set_feedback(self, instruction: SetFeedback) -> None:
        """Change the z loop."""
        cast(Extended, self.driver).set_feedback(instruction)

    def interrupt(self) -> None:
        """End the instruction in progress."""
        self.driver.interrupt()

    def emergency_stop(self) -> None:
        """Withdraw the tip, and latch."""
        self.driver.emergency_stop()

    def vitals(self) -> Vitals:
        """Tell what the driver reads of the tip."""
        return vitals_of(self.driver)

    def last_resort(self) -> None:
        """Take the tip away by another way."""
        cast(Rescued, self.driver).last_resort()

    def close(self) -> None:
        """Close the driver, then the controller."""
        self.driver.close()
        self.emulator.close()


def _merged(found: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was found, with what the lab file says instead or beside it, table by table."""
    both = dict(found)
    for name, value in said.items():
        is_table = isinstance(value, Mapping) and isinstance(both.get(name), Mapping)
        both[name] = _merged(both[name], value) if is_table else value
    return both


def _read(group: str, kind: str, table: Mapping[str, Any]) -> Any:
    what = group.removesuffix("s")
    return validate(plugins.load(group, kind), {**table, "kind": kind}, f"{what} {kind!r}")
