"""Measuring: a scan or a spectrum, from its settings to what its file says."""

import contextlib
import logging
import math
import uuid

import numpy as np

from spm_auto.errors import InstrumentError, Unsupported
from spm_auto.instrument import Action, BiasWaveform, FloatArray, Scan
from spm_auto.wire.nanosurf import IMAGE, SPECTROSCOPY, Measurement

from ..microscope import halting
from .files import await_measurement
from .measured import check_frame, spectrum_of
from .settings import CycleSettings, NanosurfSettings
from .studio import IMAGING, SPECTRA, STORAGE, StudioLine

SINGLE_FRAME, UPWARD = 1, 1  # numbers of Studio's choices

_log = logging.getLogger(__name__)


class Measuring:
    """What Studio is told to measure, and what comes of it.

    Args:
        settings: Of the lab file.
        acting: Carries out.
        watching: Stops.
    """

    def __init__(
        self, settings: NanosurfSettings, acting: StudioLine, watching: StudioLine
    ) -> None:
        self._settings = settings
        self._acting = acting
        self._watching = watching

    def scan(self, scan: Scan, limit: float, action: Action) -> Measurement:
        """Scan a frame once, upwards.

        Args:
            scan: What to scan.
            limit: How long it may take [s].
            action: Ends it.

        Raises:
            InstrumentError: Studio sets something else, or does not come to the end; what it
                stored is something else.
        """
        tag = self._name_next()
        self._set_frame(scan)
        self._run(f"{IMAGING}.acquire", limit, action)
        measured = self._stored(tag, IMAGE, action)
        check_frame(measured, scan, self._rotation(scan))
        return measured

    def sweep(
        self, waveform: BiasWaveform, at: tuple[float, float], limit: float, action: Action
    ) -> FloatArray:
        """Run the cycle of a waveform, as often as it says, and average.

        Args:
            waveform: What to run.
            at: Where the probe stands [m].
            limit: How long one run may take [s].
            action: Ends it.

        Returns:
            The channels of the spectrum, shape [channel, point].

        Raises:
            InstrumentError: As `scan`.
        """
        cycle = self.cycle(waveform)
        self._set_cycle(cycle, at)
        runs = []
        for _ in range(waveform.cycles):
            tag = self._name_next()
            self._run(f"{SPECTRA}.acquire", limit, action)
            measured = self._stored(tag, SPECTROSCOPY, action)
            runs.append(spectrum_of(measured, cycle, at, self._settings))
        mean: FloatArray = np.mean(runs, axis=0)
        return mean

    def cycle(self, waveform: BiasWaveform) -> CycleSettings:
        """Return the cycle that runs a waveform.

        Raises:
            Unsupported: None does.
        """
        for cycle in self._settings.cycles:
            bias = cycle.bias
            if len(bias) == len(waveform.values) and np.allclose(bias, waveform.bias, atol=1e-6):
                if math.isclose(cycle.dwell, waveform.dwell, rel_tol=0.01):
                    return cycle
                raise Unsupported(
                    f"cycle {cycle.name!r} has this waveform with {cycle.dwell:g} s at each "
                    f"point, not {waveform.dwell:g} s"
                )
        names = ", ".join(repr(cycle.name) for cycle in self._settings.cycles) or "none"
        low, high = min(waveform.values), max(waveform.values)
        raise Unsupported(
            f"no spectroscopy cycle of the lab file runs this waveform ({len(waveform.values)} "
            f"points, {low:g} to {high:g} V): set one up in Studio, and say so (known: {names})"
        )

    def halt(self) -> None:
        """End what Studio measures, over the second connection."""
        for path in (IMAGING, SPECTRA):
            self._watching.call(f"{path}.stop")

    def _set_frame(self, scan: Scan) -> None:
        frame, line = scan.frame, self._acting
        settings: tuple[tuple[str, int | float], ...] = (
            ("points_per_line", frame.pixels[0]),
            ("lines_per_frame", frame.pixels[1]),
            ("scan_range_fast_axis", frame.size[0]),
            ("scan_range_slow_axis", frame.size[1]),
            ("frame_center_offset_x", frame.center[0]),
            ("frame_center_offset_y", frame.center[1]),
            ("rotation", self._rotation(scan)),
            ("line_rate", scan.line_rate),
        )
        for name, value in settings:
            line.put(f"{IMAGING}.{name}", value)
        line.put(f"{IMAGING}.scan_mode", SINGLE_FRAME, raw=True)
        line.put(f"{IMAGING}.slow_axis_scan_direction", UPWARD, raw=True)
        for name, value in settings:  # one may change another: ranges that are kept square
            line_value = line.numbers([f"{IMAGING}.{name}"])[0]
            if not math.isclose(line_value, value, rel_tol=1e-6, abs_tol=1e-13):
                raise InstrumentError(
                    f"Studio changed {name} from {value:g} to {line_value:g} while the others "
                    "were set; nothing was measured"
                )

    def _set_cycle(self, cycle: CycleSettings, at: tuple[float, float]) -> None:
        line = self._acting
        index = line.call(f"{SPECTRA}.cycle_index_by_name", cycle.name)
        if isinstance(index, bool) or not isinstance(index, int) or index < 0:
            raise InstrumentError(f"Studio has no cycle {cycle.name!r}: it says {index!r}")
        line.call(f"{SPECTRA}.select_cycle", index)
        for name, value in (
            ("selected_cycle", index),
            ("grid_rows", 1),
            ("grid_columns", 1),
            ("grid_center_offset_x", at[0]),
            ("grid_center_offset_y", at[1]),
        ):
            line.put(f"{SPECTRA}.{name}", value)

    def _rotation(self, scan: Scan) -> float:
        return self._settings.rotation_sign * math.degrees(scan.frame.angle)

    def _name_next(self) -> str:
        """Name the next file so that it can be told from every other."""
        tag = f"spm_auto_{uuid.uuid4().hex[:12]}"
        self._acting.put(f"{STORAGE}.file_basename", tag)
        return tag

    def _run(self, path: str, limit: float, action: Action) -> None:
        """Run a measurement to its end; whatever ends the wait, the measurement ends too."""
        action.check()
        try:
            said = self._acting.call(path, timeout=limit, meanwhile=halting(action, self.halt))
        except InstrumentError:
            if not action.is_emergency:
                with contextlib.suppress(InstrumentError):
                    self.halt()
            action.check()
            raise
        _log.info("%s: %s", path, said)
        action.check()

    def _stored(self, tag: str, kind: str, action: Action) -> Measurement:
        has = self._settings
        return await_measurement(has.data_folder, tag, kind, has.file_time, action)
