"""BiasSpectroscopy: sweeps of the bias, in a line or in segments, and the bias sweeper."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spm_auto.errors import SpmError, Unsupported
from spm_auto.instrument import BiasWaveform, FloatArray, Spectrum
from spm_auto.wire.nanonis import Values

from .desk import Desk
from .recorder import check_name
from .spectra import FIXED, PARAMETERS, Measuring, table

LINEAR, SEGMENTS = "Linear", "MLS"
AXIS = "Bias calc (V)"
MOST = 1 << 20  # points
FIELDS = ("bias_start", "bias_end", "init_settle", "settle", "integrate", "steps", "lockin_run")


class BiasSpectroscopy:
    """The bias spectroscopy module; any thread may ask."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._measuring = Measuring(desk, "BiasSpectr")
        self.channels = list(desk.signals.spectra)
        self._mode = LINEAR
        self._base = "spectrum"
        self._segments: Values = {
            **{"bias_start": (-1.0,), "bias_end": (1.0,), "steps": (128,), "lockin_run": (1,)},
            **{"init_settle": (0.0,), "settle": (0.004,), "integrate": (0.004,)},
        }

    def commands(self) -> dict[str, Callable[[Values], Values | None]]:
        """Return who answers what."""
        return {
            "BiasSpectr.Open": lambda _: None,
            "BiasSpectr.Start": self._start,
            "BiasSpectr.Stop": lambda _: self._measuring.stop(),
            "BiasSpectr.StatusGet": lambda _: {"running": int(self._measuring.is_running)},
            "BiasSpectr.ChsSet": self._set_channels,
            "BiasSpectr.ChsGet": self._get_channels,
            "BiasSpectr.PropsGet": self._props,
            "BiasSpectr.MLSModeSet": self._set_mode,
            "BiasSpectr.MLSModeGet": lambda _: {"mode": self._mode},
            "BiasSpectr.MLSValsSet": self._set_segments,
            "BiasSpectr.MLSValsGet": lambda _: {
                **self._segments,
                "n": len(self._segments["steps"]),
            },
            "BiasSwp.Open": lambda _: None,
            "BiasSwp.Start": self._sweep,
        }

    def _set_channels(self, values: Values) -> None:
        signals = self._desk.signals
        chosen = signals.measured(values["channels"], signals.spectra, "a spectrum")
        self.channels = list(dict.fromkeys(chosen))

    def _get_channels(self, _: Values) -> Values:
        signals = self._desk.signals
        numbers = tuple(signals.number(signal) for signal in self.channels)
        return {"channels": numbers, "names": tuple(signals.names[i] for i in self.channels)}

    def _props(self, _: Values) -> Values:
        names = tuple(self._desk.signals.names[i] for i in self.channels)
        props = self._desk.panel.get("BiasSpectr.Props")
        return {**props, "channels": names, "params": PARAMETERS, "fixed_params": FIXED}

    def _set_mode(self, values: Values) -> None:
        known = {mode.lower(): mode for mode in (LINEAR, SEGMENTS)}
        if values["mode"].lower() not in known:
            raise ValueError(f"the mode is {LINEAR} or {SEGMENTS}, got {values['mode']!r}")
        self._mode = known[values["mode"].lower()]

    def _set_segments(self, values: Values) -> None:
        if not 1 <= values["n"] <= 1024 or min(values["steps"]) < 1 or sum(values["steps"]) > MOST:
            raise ValueError(f"{values['n']} segments of {values['steps']} steps cannot be run")
        new = {name: tuple(np.asarray(values[name]).tolist()) for name in FIELDS if name in values}
        self._segments = {**self._segments, **new}

    def _start(self, values: Values) -> Values:
        self._base = check_name(values.get("base", "")) or self._base
        return self._measuring.start(bool(values["get_data"]), self.measure)

    def measure(self) -> Values:
        """Sweep the bias where the probe stands and save it where that was asked for.

        Raises:
            InstrumentError: The microscope refuses it, or it was stopped.
        """
        props = self._desk.panel.get("BiasSpectr.Props")
        self._refuse(props)
        dwell, legs = self._segmented() if self._mode == SEGMENTS else self._linear(props)
        given, spectrum = self._run(legs, dwell, props["sweeps"], bool(props["backward"]))
        if props["autosave"]:
            self._save(spectrum)
        return {**given, "params": self._parameters(spectrum, dwell)}

    def _refuse(self, props: Values) -> None:
        advanced = self._desk.panel.get("BiasSpectr.AdvProps")
        if not advanced["z_hold"] or not advanced["reset_bias"]:
            raise Unsupported("the simulated microscope holds z, and goes back to its bias")
        timing = self._desk.panel.get("BiasSpectr.Timing")
        if props["z_offset"] or timing["z_offset"]:
            raise Unsupported("the simulated microscope sweeps where the loop left the tip")

    def _linear(self, props: Values) -> tuple[float, FloatArray]:
        limits = self._desk.panel.get("BiasSpectr.Limits")
        timing = self._desk.panel.get("BiasSpectr.Timing")
        biases = np.linspace(limits["start"], limits["end"], min(max(props["points"], 2), MOST + 1))
        return timing["settle"] + timing["integrate"], biases

    def _segmented(self) -> tuple[float, FloatArray]:
        given = self._segments
        dwells = {s + i for s, i in zip(given["settle"], given["integrate"], strict=True)}
        if max(dwells) - min(dwells) > 1e-6 * max(dwells):
            raise Unsupported("the simulated microscope dwells as long in each segment")
        ends = zip(given["bias_start"], given["bias_end"], given["steps"], strict=True)
        return max(dwells), np.concatenate([np.linspace(*segment) for segment in ends])

    def _run(
        self, biases: FloatArray, dwell: float, sweeps: int, backward: bool
    ) -> tuple[Values, Spectrum]:
        n = len(biases)
        if n * sweeps > MOST:
            raise ValueError(f"a spectrum has at most {MOST} points, got {n} in {sweeps} sweeps")
        whole = np.concatenate([biases, biases[::-1]]) if backward else biases
        spectrum = self._desk.station.sweep(BiasWaveform(tuple(whole.tolist()), dwell, sweeps))
        names, signals = [c.name for c in spectrum.channels], self._desk.signals
        rows = []
        for signal in self.channels:
            row = spectrum.data[names.index(signals.channels[signal].name)]
            is_off = signals.channels[signal].name == "didv" and not self._is_modulated
            rows.append((signal, np.full_like(row, np.nan) if is_off else row))
        there = [(signal, row[:n]) for signal, row in rows]
        back = [(signal, row[n:][::-1]) for signal, row in rows if backward]
        columns = tuple(signals.column(signal) for signal, _ in rows)
        data = np.stack([row for _, row in rows])
        saved = replace(spectrum, channels=columns, data=data)
        return table(signals, (AXIS, biases), there, back), saved

    @property
    def _is_modulated(self) -> bool:
        lockin_run = self._desk.panel.value("BiasSpectr.AdvProps", "lockin_run")
        return self._desk.probe.is_modulated or bool(lockin_run)

    def _parameters(self, spectrum: Spectrum, dwell: float) -> tuple[float, ...]:
        timing = self._desk.panel.get("BiasSpectr.Timing")
        try:
            z = self._desk.z.height
        except SpmError:
            z = np.nan
        n = len(spectrum.bias) // 2 if self._desk.panel.value("BiasSpectr.Props", "backward") else 0
        ends = spectrum.bias[0], spectrum.bias[n - 1]
        times = timing["settle"], dwell - timing["settle"]
        return (*ends, spectrum.x, spectrum.y, z, 0.0, *times, 1.0, np.nan)

    def _save(self, spectrum: Spectrum, base: str = "") -> None:
        self._desk.recorder.save_spectrum(base or self._base, spectrum, self._desk.z.bias)

    def _sweep(self, values: Values) -> Values:
        if values.get("z_ctrl") == 2:
            raise Unsupported("the simulated microscope sweeps with the Z controller off")
        props, limits = (self._desk.panel.get(f"BiasSwp.{n}") for n in ("Props", "Limits"))
        start, end = limits["lower"], limits["upper"]
        if not values.get("direction", 1):
            start, end = end, start
        base = check_name(values.get("base", "")) or "sweep"

        def measure() -> Values:
            biases = np.linspace(start, end, max(props["steps"], 2))
            given, spectrum = self._run(biases, props["period"] / 1e3, 1, backward=False)
            if props["autosave"]:
                self._save(spectrum, base)
            return given

        return self._measuring.start(bool(values["get_data"]), measure)
