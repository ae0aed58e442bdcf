"""The lab file: which instrument, within what limits, on what clock; and how a run begins in it."""

import platform
import subprocess
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from . import __version__
from .clock import Clock, InstantClock, RealClock, ScaledClock
from .data import FILE_NAME, Journal, Record, Room, RunStarted
from .errors import RecipeError, SpmError
from .instrument import (
    Exposure,
    GuardedInstrument,
    InstrumentSettings,
    Limits,
    NoGoZone,
    Permit,
    Watchdog,
    WatchSettings,
    limits_to_table,
)
from .notify import NotifySettings
from .server import ServerSettings
from .settings import Plugin, SchemaVersion, read_toml, validate
from .units import (
    Bias,
    BiasTime,
    DataSize,
    Duration,
    Force,
    Gain,
    Length,
    Setpoint,
    SlewRate,
    Speed,
    Threshold,
)
from .workflow import Approve, Runner

_PACKAGES = ("numpy", "scipy", "torch", "gpytorch", "numba", "h5py", "pydantic")
_GIT_TIMEOUT = 2.0  # [s]
_LARGEST_SEED = 2**64 - 1  # as the journal stores whole numbers


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class ZoneSettings(_Table):
    """A circle that the probe must not enter."""

    x: Length
    y: Length
    radius: Annotated[Length, Field(gt=0)]
    reason: str = "no-go zone"
    stage: tuple[Length, Length] | None = None


class ExposureSettings(_Table):
    """What the sample may bear around any point; without a number there is no such limit."""

    radius: Annotated[Length, Field(gt=0)]
    bias_time: Annotated[BiasTime, Field(ge=0)] | None = None
    spectra: Annotated[int, Field(ge=0)] | None = None
    pulses: Annotated[int, Field(ge=0)] | None = None
    taps: Annotated[int, Field(ge=0)] | None = None

    def exposure(self) -> Exposure:
        """Return what the sample may bear."""
        return Exposure(**_given(self))


class LimitSettings(_Table):
    """What the laboratory allows; without a limit the instrument's own range holds."""

    x: tuple[Length, Length] | None = None
    y: tuple[Length, Length] | None = None
    bias: tuple[Bias, Bias] | None = None
    scan_speed: Annotated[Speed, Field(gt=0)] | None = None
    spectrum_duration: Annotated[Duration, Field(gt=0)] | None = None
    no_go: tuple[ZoneSettings, ...] = ()
    bias_step: Annotated[Bias, Field(gt=0)] | None = None
    bias_slew: Annotated[SlewRate, Field(gt=0)] | None = None
    least_bias: Annotated[Bias, Field(ge=0)] | None = None
    setpoint: tuple[Setpoint, Setpoint] | None = None
    gain: Annotated[Gain, Field(gt=0)] | None = None
    force: Annotated[Force, Field(gt=0)] | None = None
    pulse: tuple[Bias, Bias] | None = None
    depth: Annotated[Length, Field(gt=0)] | None = None
    step: Annotated[Length, Field(gt=0)] | None = None
    spectra: Annotated[int, Field(gt=0)] | None = None
    exposure: ExposureSettings | None = None
    stage_x: tuple[Length, Length] | None = None
    stage_y: tuple[Length, Length] | None = None
    stage_step: Annotated[Length, Field(gt=0)] | None = None

    @model_validator(mode="after")
    def _are_limits(self) -> "LimitSettings":
        self.limits()
        return self

    def limits(self) -> Limits:
        """Return the limits."""
        given = _given(self)
        given["no_go"] = tuple(NoGoZone(z.x, z.y, z.radius, z.reason, z.stage) for z in self.no_go)
        if self.exposure is not None:
            given["exposure"] = self.exposure.exposure()
        if self.setpoint is not None:
            (low, unit), (high, other) = self.setpoint
            if unit != other:
                raise ValueError(f"setpoint is from a value in {unit} to one in {other}")
            given |= {"setpoint": (low, high), "setpoint_unit": unit}
        return Limits(**given)


def _given(table: BaseModel) -> dict[str, Any]:
    """Return what of a table was given."""
    return {name: value for name, value in table if value is not None}


class WatchdogSettings(_Table):
    """How closely the watchdog looks, and whether the controller's own guard of the tip must be on.

    Attributes:
        period: Between two looks.
        missed: How many looks may give nothing before the tip is withdrawn; until it is, or they
            give something again, nothing new is begun.
        patience: How long that may last besides; a link that is away for a moment comes back.
        threshold: Of the signal that shows a crash, such as "5 nA"; the instrument's own without.
        error: Share of the set-point by which the z loop may be off for longer than it settles.
        settle: How long it may be.
        protection: Whether nothing runs by itself while the controller's own guard is not
            confirmed armed.
    """

    period: Annotated[Duration, Field(gt=0)] = 20e-3
    missed: Annotated[int, Field(ge=1)] = 3
    patience: Annotated[Duration, Field(ge=0)] = 1.0
    threshold: Threshold | None = None
    error: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 0.5
    settle: Annotated[Duration, Field(gt=0)] = 1.0
    protection: Literal["required", "waived"] = "required"

    @model_validator(mode="after")
    def _watches_something(self) -> "WatchdogSettings":
        self.watch()
        return self

    def watch(self) -> WatchSettings:
        """Return how closely it looks."""
        threshold, unit = self.threshold or (None, "")
        return WatchSettings(
            period=self.period,
            missed=self.missed,
            threshold=threshold,
            error=self.error,
            settle=self.settle,
            unit=unit,
            patience=self.patience,
        )


class ClockSettings(_Table):
    """How instrument time passes: ``real``, ``scaled`` by a factor, or ``instant`` (virtual)."""

    kind: Literal["real", "scaled", "instant"] = "real"
    factor: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 1.0

    def clock(self) -> Clock:
        """Make the clock."""
        match self.kind:
            case "instant":
                return InstantClock()
            case "scaled":
                return ScaledClock(self.factor)
            case _:
                return RealClock()


class StorageSettings(_Table):
    """Where a run is kept.

    Attributes:
        reserve: Room on the disk that stays free; a run does not start, or waits, below it.
    """

    reserve: Annotated[DataSize, Field(ge=0)] = 200e6


class Lab(_Table):
    """A laboratory: instrument, limits, clock, room on disk.

    Attributes:
        schema_version: Version of this format.
        laboratory: Its name.
        instrument: The instrument and its settings, by plugin.
        limits: What is allowed.
        watchdog: How closely the tip is looked after.
        clock: How time passes.
        storage: How much room stays on the disk.
        notify: Who is told of alarms, and how; nobody without it.
        server: Where the instrument is served, and how long its owner may be silent.
        operator: Who is responsible, for the record.
    """

    elsewhere: ClassVar[Mapping[str, str]] = dict.fromkeys(
        ("steps", "title", "description", "recovery"), "recipe"
    )

    schema_version: SchemaVersion
    laboratory: str
    instrument: Annotated[InstrumentSettings, Plugin("instruments")]
    limits: LimitSettings = LimitSettings()
    watchdog: WatchdogSettings = WatchdogSettings()
    clock: ClockSettings = ClockSettings()
    storage: StorageSettings = StorageSettings()
    notify: NotifySettings = NotifySettings()
    server: ServerSettings = ServerSettings()
    operator: str = ""

    def describe(self) -> dict[str, Any]:
        """Return what a run's journal should know of the laboratory."""
        return {
            "laboratory": self.laboratory,
            "operator": self.operator,
            "clock": self.clock.kind,
        }

    def open(self, seed: int, clock: Clock, permit: Permit | None = None) -> GuardedInstrument:
        """Open the instrument behind the limits, watched over.

        Args:
            seed: Root of all randomness of what is simulated.
            clock: Instrument time.
            permit: What whoever gives the instructions may do; without one everything.

        Raises:
            SpmError: The instrument cannot be opened, or the limits leave nothing of its range.
        """
        instrument = self.instrument.open(clock, seed)
        try:
            return GuardedInstrument(
                instrument,
                self.limits.limits(),
                watchdog=Watchdog(instrument, clock, self.watchdog.watch()),
                permit=permit,
                is_protection_waived=self.watchdog.protection == "waived",
            )
        except SpmError:
            instrument.close()
            raise


def parse_lab(table: Mapping[str, Any], place: str, folder: Path) -> Lab:
    """Check a table and make the laboratory.

    Args:
        table: What stood in the file, overrides applied.
        place: Name of the file, for messages.
        folder: Where relative paths in it start.

    Raises:
        RecipeError: With one line per fault.
    """
    return validate(Lab, table, place, folder)


def read_lab(path: Path) -> tuple[Lab, str]:
    """Read a lab file; returns the laboratory and the file's text.

    Raises:
        RecipeError: The file is missing, no TOML, or no lab file; the message names the place.
    """
    table, text = read_toml(path, "lab file")
    return parse_lab(table, path.name, path.parent), text


def begin(
    instrument: GuardedInstrument,
    clock: Clock,
    out: Path,
    title: str,
    seed: int,
    recipe: str = "",
    lab: str = "",
    settings: Mapping[str, Any] | None = None,
    listeners: Sequence[Callable[[Record], None]] = (),
    room: Room | None = None,
    approve: Approve | None = None,
) -> Runner:
    """Begin a journal, and make the runner that writes it.

    Args:
        instrument: The instrument behind its guard; the runner closes it at the end, and when there
            is none it is closed here.
        clock: Instrument time.
        out: Folder of the run; it must not hold a run yet.
        title: What the run is about.
        seed: Root of all randomness.
        recipe: Text of the recipe, for the record.
        lab: Text of the lab file, for the record.
        settings: What else was set, for the record.
        listeners: Called with each record after it was written.
        room: Room on the disk, which the run waits for.
        approve: Answers what steps ask, in place of a human.

    Raises:
        RecipeError: The seed is negative or too large.
        DataError: The folder holds a run already, or cannot be written.
    """
    try:
        if not 0 <= seed <= _LARGEST_SEED:
            raise RecipeError(f"seed {seed} is outside 0 to {_LARGEST_SEED}")
        journal = Journal(out / FILE_NAME, clock.now)
    except SpmError:
        instrument.close()
        raise
    runner = Runner(instrument, journal, clock, listeners, room=room, approve=approve)
    stage = instrument.status().stage
    known = {} if stage is None else {"stage": stage}
    runner.record(
        RunStarted(
            uid=str(uuid.uuid4()),
            title=title,
            recipe=recipe,
            lab=lab,
            instrument=instrument.capabilities.name,
            seed=seed,
            versions=versions(),
            settings={**(settings or {}), **known, "limits": limits_to_table(instrument.limits)},
        )
    )
    return runner


def versions() -> dict[str, str]:
    """Return versions and commit of spm_auto, and versions of all that decides what a run does."""
    found = {"spm_auto": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    commit = _commit()
    return {**found, "commit": commit} if commit else found


@cache
def _commit() -> str:
    """Return the commit of the checkout that runs; empty for an installed package.

    It is asked for once: what runs is what was imported, whatever becomes of the checkout.
    """
    checkout = Path(__file__).parent.parent
    if not (checkout / ".git").exists():
        return ""
    ask = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    try:
        said = subprocess.run(ask, capture_output=True, text=True, timeout=_GIT_TIMEOUT)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return said.stdout.strip()
