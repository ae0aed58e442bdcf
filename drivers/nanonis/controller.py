"""Controller: what a Nanonis controller says of itself, read once when the driver connects."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from spm_auto.errors import InstrumentError, Refused, UnitError, Unsupported
from spm_auto.instrument import AcquireForceCurve as ForceCurveInstruction
from spm_auto.instrument import Capabilities, Channel, ConditionTip, SetFeedback
from spm_auto.units import parse
from spm_auto.wire import nanonis as wire

from .line import Line
from .settings import NanonisSettings, SignalSettings

BIAS = "Bias (V)"
USUAL: Mapping[str, tuple[SignalSettings, ...]] = {
    "height": (SignalSettings(signal="Z (m)"),),
    "didv": (
        SignalSettings(signal="LI Demod 1 X (A)", unit="S", per_modulation=True),
        SignalSettings(signal="LI Demod 1 X (S)"),
    ),
}
UNITS = ("m", "A", "V", "S", "Hz", "rad", "N", "s", "W", "T", "K")
INSTRUCTIONS = {
    "force_curve": ForceCurveInstruction,
    "condition_tip": ConditionTip,
    "set_feedback": SetFeedback,
}
_UNIT = re.compile(r"^(.*?)\s*\(([^()]*)\)\s*$")


@dataclass(frozen=True, slots=True)
class Measured:
    """A channel and where it comes from.

    Attributes:
        channel: What it is.
        signal: The signal's name at the controller.
        number: By which scans and spectra know it.
        scale: What the signal is multiplied by.
    """

    channel: Channel
    signal: str
    number: int
    scale: float


@dataclass(frozen=True, slots=True)
class Controller:
    """What the controller has.

    Attributes:
        version: Product and version, for people.
        release: Number of the release.
        capabilities: What the instrument can.
        image: Channels of a scan.
        spectrum: Channels of a spectrum.
        force: Channel of a force curve; None for a microscope that takes none.
        signals: Names of all signals, by index.
    """

    version: str
    release: int
    capabilities: Capabilities
    image: tuple[Measured, ...]
    spectrum: tuple[Measured, ...]
    force: Measured | None
    signals: tuple[str, ...]


def release_of(line: Line, given: int | None) -> tuple[str, int]:
    """Return name and release number; a controller that cannot say is an old one."""
    try:
        said = line.ask("Util.VersionGet")
    except Refused:
        return "Nanonis", given or wire.OLD
    return f"{said['product']} {said['version']}".strip(), given or said["host_release"]


def read_controller(line: Line, settings: NanonisSettings, version: str) -> Controller:
    """Read signals and ranges.

    Raises:
        Unsupported: There is no signal for a channel.
    """
    signals: tuple[str, ...] = line.ask("Signals.NamesGet")["names"]
    slots = None
    if wire.profile(line.release) == wire.OLD:
        slots = line.ask("Signals.InSlotsGet")["indexes"]
    modulation = _Modulation(line, settings)

    def measured(names: Sequence[str]) -> tuple[Measured, ...]:
        return tuple(_measured(name, settings, signals, slots, modulation) for name in names)

    size = line.ask("Piezo.RangeGet")
    image, spectrum = measured(settings.image_channels), measured(settings.spectrum_channels)
    capabilities = Capabilities(
        name=version,
        image_channels=tuple(m.channel for m in image),
        spectrum_channels=tuple(m.channel for m in spectrum),
        x_range=_around_zero(size["x"]),
        y_range=_around_zero(size["y"]),
        bias_range=_bias_range(line, settings, signals),
        position_accuracy=settings.position_accuracy,
        is_simulated=False,
        instructions=frozenset(INSTRUCTIONS[name] for name in settings.abilities),
    )
    wanted = (settings.force_channel,) if "force_curve" in settings.abilities else ()
    force = next(iter(measured(wanted)), None)
    return Controller(version, line.release, capabilities, image, spectrum, force, signals)


class _Modulation:
    """The amplitude of the lock-in's modulation, asked for when somebody wants it."""

    def __init__(self, line: Line, settings: NanonisSettings) -> None:
        self._line, self._settings = line, settings

    def amplitude(self) -> float:
        wanted = self._settings.modulation
        if wanted is not None:
            return wanted.amplitude
        amplitude: float = self._line.ask("LockIn.ModAmpGet", mod=1)["amp"]
        if not amplitude > 0:
            raise Unsupported(
                "a channel is divided by the lock-in's modulation, which has no amplitude; "
                "set modulation.amplitude"
            )
        return amplitude


def _measured(
    name: str,
    settings: NanonisSettings,
    signals: Sequence[str],
    slots: Sequence[int] | None,
    modulation: _Modulation,
) -> Measured:
    wanted = settings.channels.get(name) or _signal_like(name, signals)
    if isinstance(wanted, str):
        wanted = SignalSettings(signal=wanted)
    if wanted.signal not in signals:
        raise Unsupported(f"the controller has no signal {wanted.signal!r} for channel {name!r}")
    index = number = list(signals).index(wanted.signal)
    if slots is not None:
        if index not in slots:
            raise Unsupported(
                f"signal {wanted.signal!r} is in none of the slots of the Signals Manager; this "
                f"release records only those that are"
            )
        number = list(slots).index(index)
    unit, scale = _unit_of(wanted.signal)
    scale *= wanted.scale / (modulation.amplitude() if wanted.per_modulation else 1.0)
    return Measured(Channel(name, wanted.unit or unit), wanted.signal, number, scale)


def _signal_like(name: str, signals: Sequence[str]) -> SignalSettings:
    for usual in USUAL.get(name, ()):
        if usual.signal in signals:
            return usual
    for signal in signals:
        match = _UNIT.match(signal)
        if (match.group(1) if match else signal).lower().replace(" ", "_") == name:
            return SignalSettings(signal=signal)
    raise Unsupported(
        f"the controller has no signal named like channel {name!r}; name one in channels.{name}"
    )


def _unit_of(signal: str) -> tuple[str, float]:
    """Return the SI unit of a signal, and what turns its values into it."""
    match = _UNIT.match(signal)
    written = match.group(2) if match else "1"
    for unit in UNITS:
        try:
            return unit, parse(f"1 {written}", unit)
        except UnitError:
            continue
    return written or "1", 1.0


def _bias_range(
    line: Line, settings: NanonisSettings, signals: Sequence[str]
) -> tuple[float, float]:
    """Return what the source can put out, calibration and offset included [V]."""
    if BIAS not in signals:
        raise InstrumentError(f"the controller has no signal {BIAS!r}")
    said = line.ask("Signals.RangeGet", index=list(signals).index(BIAS))
    low, high = sorted((meant(said["min"]), meant(said["max"])))
    if settings.bias_range is not None:
        low, high = max(low, settings.bias_range[0]), min(high, settings.bias_range[1])
    if not low < high:
        raise InstrumentError(f"nothing is left of the bias range: {low:g} to {high:g} V")
    return low, high


def meant(value: float) -> float:
    """Return the decimal number that a float32 stands for: 5e-9 comes as 4.999999969612645e-09."""
    return float(f"{value:.7g}")


def _around_zero(size: float) -> tuple[float, float]:
    return -meant(size) / 2, meant(size) / 2
