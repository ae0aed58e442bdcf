"""What NeXus wants to know of a scanning-probe experiment: the trees of NXspm and NXsts.

Times that no instruction says (how long the bias settles, how fast it slews) and heights that no
spectrum says are NaN.

Source:
    NeXus definitions v2026.01, NXspm, NXsts, NXsensor_scan, NXspm_bias_spectroscopy.
"""

import math
import tomllib
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np

from ...instrument import ScanImage
from ..events import LoadFinished, ScanStarted
from ..reader import RecordedRun
from ..telling import Measurement
from .layout import new_group, write_field

if TYPE_CHECKING:
    import h5py

_DEFINITIONS = "v2026.01"
_ADDRESS = "https://github.com/FAIRmat-NFDI/nexus_definitions"
_TUNNELLING = {"current", "dI/dV", "didv", "conductance"}
_MECHANICAL = {
    "amplitude", "phase", "deflection", "frequency_shift", "piezoresponse", "force", "dissipation",
}  # fmt: skip
_HEIGHTS = {"height", "topography", "z"}


def write_what_it_is(entry: "h5py.Group", run: RecordedRun) -> None:
    """Say which experiment this is, when, by whom and with which program.

    Spectra with a bias sweep make it an NXsts where a tunnelling current is measured and nothing
    mechanical; NXsts knows no other technique than STS. All else is an NXspm.
    """
    channels = {c.name for image in run.scans for c in image.channels}
    channels |= {c.name for s in run.spectra for c in s.channels}
    is_tunnelling = bool(channels & _TUNNELLING) and not channels & _MECHANICAL
    is_sts = is_tunnelling and bool(run.spectra)
    write_field(entry, "definition", "NXsts" if is_sts else "NXspm")
    entry["definition"].attrs.update(version=_DEFINITIONS, URL=_ADDRESS)
    technique = "STS" if is_sts else "STM" if is_tunnelling else "AFM"
    write_field(entry, "experiment_technique", technique)
    if is_tunnelling:
        write_field(entry, "scan_mode", _scan_mode(run.scans))
    write_field(entry, "identifier_experiment", run.started.uid)
    write_field(entry, "start_time", _iso(run.records[0].utc))
    write_field(entry, "end_time", _iso(run.records[-1].utc))
    process = new_group(entry, "process", "NXprocess")
    write_field(process, "program", "spm_auto")
    process["program"].attrs.update(
        version=run.started.versions.get("spm_auto", ""), program_url="https://pypi.org/p/spm_auto"
    )
    operator = str(run.started.settings.get("operator", ""))
    if operator:
        write_field(new_group(entry, "user", "NXuser"), "name", operator)
    samples = [r.event.instruction.sample for r in run.records if isinstance(r.event, LoadFinished)]
    named = [sample for sample in samples if sample]
    if named:
        write_field(new_group(entry, "sample", "NXsample"), "name", named[-1])


def write_instrument(
    entry: "h5py.Group", run: RecordedRun, families: list[list[Measurement]]
) -> None:
    """Write hardware and software, how each frame was scanned, and how the bias was swept."""
    instrument = new_group(entry, "instrument", "NXinstrument")
    hardware = new_group(instrument, "hardware", "NXfabrication")
    write_field(hardware, "name", run.started.instrument)
    write_field(hardware, "vendor", driver_of(run.started.lab) or run.started.instrument)
    software = new_group(instrument, "software", "NXfabrication")
    write_field(software, "name", "spm_auto")
    write_field(software, "vendor", "spm_auto")
    write_field(software, "model", run.started.versions.get("spm_auto", ""))
    if run.scans:
        environment = new_group(instrument, "scan_environment", "NXenvironment")
        for number, (image, rate) in enumerate(zip(run.scans, _line_rates(run), strict=True)):
            _write_scan(environment, number, image, rate)
    if families:
        environment = new_group(instrument, "bias_spectroscopy_environment", "NXenvironment")
        for number, same in enumerate(families):
            _write_sweep(environment, number, same)


def driver_of(lab: str) -> str:
    """Return the kind of instrument that a lab file names, empty where it names none."""
    try:
        instrument = tomllib.loads(lab).get("instrument")
    except tomllib.TOMLDecodeError:
        return ""
    return str(instrument.get("kind", "")) if isinstance(instrument, dict) else ""


def _write_scan(
    environment: "h5py.Group", number: int, image: ScanImage, line_rate: float | None
) -> None:
    frame = image.frame
    control = new_group(environment, f"scan_control_{number:03d}", "NXspm_scan_control")
    write_field(control, "independent_scan_axes", ["x", "y"])
    write_field(control, "scan_type", "mesh")
    write_field(control, "scan_control_type", "continuous")
    region = new_group(control, "scan_region", "NXspm_scan_region")
    mesh = new_group(control, "mesh_scan", "NXspm_scan_pattern")
    for index, axis in enumerate("xy"):
        center, size = frame.center[index], frame.size[index]
        write_field(region, f"scan_range_{axis}", size, "m")
        write_field(region, f"scan_offset_value_{axis}", center, "m")
        write_field(region, f"scan_angle_{axis}", frame.angle, "rad")
        write_field(region, f"scan_start_{axis}", center - size / 2, "m")
        write_field(region, f"scan_end_{axis}", center + size / 2, "m")
        write_field(mesh, f"scan_points_{axis}", frame.pixels[index])
        write_field(mesh, f"step_size_{axis}", frame.pitch[index], "m")
    if line_rate is not None:  # each way takes half a line's time
        for way in ("forward", "backward"):
            write_field(mesh, f"{way}_speed_x", 2 * frame.size[0] * line_rate, "m/s")


def _write_sweep(environment: "h5py.Group", number: int, same: list[Measurement]) -> None:
    spectra = [m.spectrum for m in same]
    waveform, bias = same[0].instruction.waveform, spectra[0].bias
    taken = [s.end_time - s.start_time for s in spectra]
    spectroscopy = new_group(
        environment, f"bias_spectroscopy_{number:03d}", "NXspm_bias_spectroscopy"
    )
    write_field(spectroscopy, "measurement_type", "constant_spacing")
    positioner = new_group(spectroscopy, "positioner", "NXspm_positioner")
    new_group(positioner, "z_controller", "NXpid_controller")
    circuit = new_group(spectroscopy, "circuit", "NXcircuit")
    write_field(circuit, "acquisition_time", waveform.dwell, "s")
    write_field(circuit, "animation_time", math.nan, "s")
    write_field(circuit, "measurement_time", waveform.duration, "s")
    sweep = new_group(spectroscopy, "bias_sweep", "NXspm_scan_control")
    place = new_group(sweep, "spatial_location", "NXcoordinate_system")
    write_field(place, "x", [s.x for s in spectra], "m")
    write_field(place, "y", [s.y for s in spectra], "m")
    write_field(place, "z", [math.nan] * len(spectra), "m")
    write_field(sweep, "scan_type", "linear")
    write_field(sweep, "number_of_sweeps", waveform.cycles)
    for name in ("first_settling_time", "end_settling_time", "settling_time"):
        write_field(sweep, name, math.nan, "s")
    write_field(sweep, "max_slew_rate", math.nan, "V/s")
    write_field(sweep, "final_z", math.nan, "m")
    write_field(sweep, "total_spectroscopy_time", float(np.sum(taken)), "s")
    low, high = float(np.nanmin(bias)), float(np.nanmax(bias))
    region = new_group(sweep, "scan_region", "NXspm_scan_region")
    write_field(region, "scan_start_bias", bias[0], "V")
    write_field(region, "scan_end_bias", bias[-1], "V")
    write_field(region, "scan_offset_bias", bias[0], "V")
    write_field(region, "scan_range_bias", high - low, "V")
    steps = np.diff(bias)
    pattern = new_group(sweep, "linear_sweep", "NXspm_scan_pattern")
    write_field(pattern, "backward_sweep", bool((steps > 0).any() and (steps < 0).any()))
    write_field(pattern, "scan_points_bias", len(bias))
    write_field(pattern, "step_size_bias", float(np.abs(steps).mean()) if steps.size else 0.0, "V")
    write_field(pattern, "scan_time", waveform.duration / waveform.cycles, "s")
    write_field(pattern, "reset_bias", True)


def _line_rates(run: RecordedRun) -> list[float | None]:
    """Return the line rate at which each image was asked for [1/s], None where none was."""
    rates: dict[float, float] = {}
    for record in run.records:
        if isinstance(record.event, ScanStarted):
            rates[record.time] = record.event.instruction.line_rate
    return [rates.get(image.start_time) for image in run.scans]


def _scan_mode(scans: tuple[ScanImage, ...]) -> str:
    """Tell how a tunnelling microscope scanned: only with its feedback on the height varies."""
    for image in scans:
        for channel, values in zip(image.channels, image.forward, strict=True):
            measured = values[np.isfinite(values)]
            if channel.name in _HEIGHTS and measured.size and np.ptp(measured) > 0:
                return "constant current"
    return "constant height"


def _iso(utc: float) -> str:
    return datetime.fromtimestamp(utc, UTC).isoformat()
