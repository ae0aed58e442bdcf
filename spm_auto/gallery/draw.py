"""Draws the sheets: opens each instrument by its table, measures, and lays the pictures out."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from .. import plugins
from ..analysis import level_plane
from ..clock import InstantClock
from ..errors import PluginError
from ..instrument import (
    AcquireForceCurve,
    AcquireSpectrum,
    Channel,
    Extended,
    FloatArray,
    Instrument,
    InstrumentSettings,
    Load,
    PositionProbe,
    Scan,
    ScanFrame,
    ScanImage,
    Spectrum,
)
from ..plotting import THEME, plot_force_curve, plot_image, plot_spectrum
from ..settings import validate
from ..units import format
from .artefacts import ARTEFACTS
from .looks import LOOKS
from .sheets import Artefact, Look, Panel, Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PIXELS = 256
OUTLIERS = 3.0  # [%] on each side
MAP_PIXELS = 64  # of maps made of spectra
COLUMNS = 4
PANEL = (3.3, 2.9)  # [inch]
COLOURS = ("#0b6fa4", "#c4551a", "#2f8f5b", "#7a4fa3")


def names() -> tuple[str, ...]:
    """Return the names of all sheets: the samples that are installed, then the artefacts."""
    return (*plugins.names("samples"), *ARTEFACTS)


def draw_gallery(
    out: Path,
    chosen: tuple[str, ...] = (),
    seed: int = 1,
    pixels: int = PIXELS,
    told: Callable[[Path], None] = lambda _: None,
) -> list[Path]:
    """Draw sheets into a folder, one PNG each.

    Args:
        out: The folder; it is made.
        chosen: Names of the sheets; empty for all.
        seed: Of every simulated microscope.
        pixels: Of each image, along both sides.
        told: Called with each file when it is there.

    Raises:
        PluginError: There is no sheet of a name.
    """
    known = names()
    for name in chosen:
        if name not in known:
            raise PluginError(
                f"the gallery has no sheet {name!r}{plugins.suggest(name, known)} "
                f"(known: {', '.join(known)})"
            )
    out.mkdir(parents=True, exist_ok=True)
    files = []
    for name in chosen or known:
        figure = (
            _artefact_sheet(name, ARTEFACTS[name], seed, pixels)
            if name in ARTEFACTS
            else _sample_sheet(name, LOOKS.get(name, Look()), seed, pixels)
        )
        path = out / f"{name}.png"
        figure.savefig(path, dpi=110)
        files.append(path)
        told(path)
    return files


def _sample_sheet(name: str, look: Look, seed: int, pixels: int) -> "Figure":
    table: dict[str, Any] = {"sample": {"kind": name}, **look.also}
    perfect, real = _open({**table, "level": 0}, seed), _open(table, seed)
    low, high = real.capabilities.x_range
    wide = look.overview or 0.9 * (high - low)
    overview = ScanFrame((0.0, 0.0), (wide, wide), (pixels, pixels))
    zoom = ScanFrame((0.0, 0.0), (look.zoom or wide / 5,) * 2, (pixels, pixels))
    ideal = _scan(perfect, overview, look.line_rate)
    image = _scan(real, overview, look.line_rate)
    closer = _scan(real, zoom, look.line_rate)
    first = ideal.channels[0].name
    draws = [partial(_show, ideal, first, f"{first}, perfect instrument")]
    draws += [partial(_show, image, c.name, c.name) for c in image.channels]
    draws += [partial(_show, closer, c.name, f"{c.name}, closer") for c in closer.channels]
    panels: list[Callable[[Axes], None]] = list(draws)
    panels += _maps(perfect, look, wide)
    panels += _spectra(perfect, real, look, wide)
    if AcquireForceCurve in real.capabilities.instructions:
        panels.append(partial(_force_curves, cast(Extended, real), wide, look.places))
    title = f"{name}: {real.capabilities.name}, seed {seed}"
    return _lay_out(title, "with all artefacts where nothing else is said", panels)


def _maps(perfect: Instrument, look: Look, wide: float) -> list[Callable[["Axes"], None]]:
    if not look.maps or look.waveform is None:
        return []
    frame = ScanFrame((0.0, 0.0), (wide, wide), (MAP_PIXELS, MAP_PIXELS))
    xs, ys = frame.positions()
    spectra = [
        perfect.acquire_spectrum(AcquireSpectrum(x, y, look.waveform))
        for x, y in zip(xs.ravel().tolist(), ys.ravel().tolist(), strict=True)
    ]
    draws: list[Callable[[Axes], None]] = []
    for name, bias in look.maps:
        point = int(np.argmin(np.abs(look.waveform.bias - bias)))
        values = np.array([s.channel(name)[point] for s in spectra]).reshape(frame.shape)
        channel = next(c for c in spectra[0].channels if c.name == name)
        title = f"{name} at {format(float(look.waveform.bias[point]), 'V', 3)}, perfect"
        draws.append(partial(_draw, values, frame, channel, title))
    return draws


def _spectra(
    perfect: Instrument, real: Instrument, look: Look, wide: float
) -> list[Callable[["Axes"], None]]:
    if look.waveform is None:
        return []
    places = _places(wide, look.places)
    waveform = look.waveform
    draws: list[Callable[[Axes], None]] = []
    for channel in real.capabilities.spectrum_channels:
        for one, title in ((perfect, "perfect instrument"), (real, "as measured")):
            spectra = [one.acquire_spectrum(AcquireSpectrum(*p, waveform)) for p in places]
            draws.append(partial(_curves, spectra, channel.name, f"{channel.name}, {title}"))
    return draws


def _curves(spectra: list[Spectrum], channel: str, title: str, ax: "Axes") -> None:
    for spectrum, colour in zip(spectra, COLOURS * 4, strict=False):
        plot_spectrum(spectrum, channel, ax=ax, color=colour, linewidth=0.9, markersize=0)
    values = np.concatenate([spectrum.channel(channel) for spectrum in spectra])
    low, high = np.percentile(values, (OUTLIERS, 100 - OUTLIERS))
    if np.ptp(values) > 3 * (high - low):  # a few failed points would flatten all the curves
        ax.set_ylim(low - 0.3 * (high - low), high + 0.3 * (high - low))
        title += ", outliers cut"
    ax.set_title(title, fontsize=THEME["title size"], loc="left")


def _force_curves(instrument: Extended, wide: float, count: int, ax: "Axes") -> None:
    for place, colour in zip(_places(wide, count), COLOURS * 4, strict=False):
        curve = instrument.acquire_force_curve(AcquireForceCurve(*place))
        plot_force_curve(curve, ax=ax, color=colour, linewidth=0.9)
    ax.set_title("force curves", fontsize=THEME["title size"], loc="left")


def _places(wide: float, count: int) -> list[tuple[float, float]]:
    """Return places that lie on no symmetry of a sample."""
    turns = np.arange(count) * 2.39996 + 0.7
    out = wide * 0.35 * np.sqrt((np.arange(count) + 0.5) / count)
    points = zip((out * np.cos(turns)).tolist(), (out * np.sin(turns)).tolist(), strict=True)
    return list(points)


def _artefact_sheet(name: str, artefact: Artefact, seed: int, pixels: int) -> "Figure":
    draws: list[Callable[[Axes], None]] = []
    frame = ScanFrame(artefact.center, (artefact.size,) * 2, (pixels, pixels))
    for title, panel in artefact.panels.items():
        instrument = _open(_table(artefact, panel), seed)
        if artefact.comes_from is not None:
            instrument.position_probe(PositionProbe(*artefact.comes_from))
        image = _scan(instrument, frame, artefact.line_rate)
        draws.append(partial(_show_panel, image, panel, title))
    return _lay_out(f"{name}, seed {seed}", artefact.caption, draws)


def _table(artefact: Artefact, panel: Panel) -> dict[str, Any]:
    """Return the settings of an instrument that is perfect but for what a panel names."""
    if panel.level is not None:
        return {"sample": artefact.sample, "level": panel.level}
    kind = plugins.load("techniques", artefact.technique)
    full = validate(kind, {"kind": artefact.technique, **panel.technique}, "gallery")
    perfect = full.at_level(0)
    return {
        "sample": artefact.sample,
        "technique": perfect.model_copy(update={name: getattr(full, name) for name in panel.on}),
        "scanner": {"preset": "perfect", **panel.scanner},
        **panel.also,
    }


def _open(table: Table, seed: int) -> Instrument:
    kind = plugins.load("instruments", "simulator")
    settings: InstrumentSettings = validate(kind, {"kind": "simulator", **table}, "gallery")
    instrument = settings.open(InstantClock(), seed)
    instrument.load(Load())
    return instrument


def _scan(instrument: Instrument, frame: ScanFrame, line_rate: float) -> ScanImage:
    scan = Scan(frame, line_rate=line_rate)
    start = instrument.status().time
    lines = list(instrument.scan(scan))
    return ScanImage(
        frame,
        instrument.capabilities.channels_of(scan),
        np.stack([line.forward for line in lines], axis=1),
        np.stack([line.backward for line in lines], axis=1),
        start,
        instrument.status().time,
    )


def _show(image: ScanImage, name: str, title: str, ax: "Axes") -> None:
    _show_panel(image, Panel(channel=name), title, ax)


def _show_panel(image: ScanImage, panel: Panel, title: str, ax: "Axes") -> None:
    name = panel.channel or image.channels[0].name
    channel = next(c for c in image.channels if c.name == name)
    values = image.channel(name, panel.backward)
    if name == "height" and panel.is_levelled:
        values = level_plane(values)
    _draw(values, image.frame, channel, title, ax)


def _draw(values: FloatArray, frame: ScanFrame, channel: Channel, title: str, ax: "Axes") -> None:
    plot_image(values, frame, channel, ax=ax)
    ax.set_title(title, fontsize=THEME["title size"], loc="left")


def _lay_out(title: str, caption: str, panels: list[Callable[["Axes"], None]]) -> "Figure":
    from matplotlib.figure import Figure

    columns = min(COLUMNS, len(panels))
    rows = -(-len(panels) // columns)
    figure = Figure(
        figsize=(columns * PANEL[0], rows * PANEL[1] + 0.6), dpi=110, layout="compressed"
    )
    figure.suptitle(f"{title}\n{caption}", fontsize=THEME["title size"] + 1)
    for index, draw in enumerate(panels):
        draw(figure.add_subplot(rows, columns, index + 1))
    return figure
