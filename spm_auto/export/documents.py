"""A run as documents of bluesky's event model: what Tiled, databroker and their tools take in.

A line holds one document with its name, as bluesky's own `JSONLinesWriter` writes it. Streams:
``primary`` has an event for each spectrum, with what it was worth where an agent was told;
``force_curves`` one for each curve, ``images`` one for each scan, ``notes`` one for whatever a
human did and for each alarm. Arrays stand in the events; what is missing in them is null.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import NAMESPACE_OID, uuid5

import numpy as np

from ..data import (
    Alarm,
    FinishReason,
    ForceCurveAcquired,
    Intervention,
    JudgedCurve,
    Measurement,
    RecordedRun,
    SpectrumAcquired,
    write_whole,
)
from ..instrument import ScanImage
from .origin import flags_of, records_of_scan
from .records import plain

_STATUS = {FinishReason.COMPLETED: "success", FinishReason.CANCELLED: "abort"}  # else "fail"


@dataclass(frozen=True, slots=True)
class Datum:
    """One entry of an event.

    Attributes:
        value: A number, a text, or an array of numbers.
        source: What it is, in words.
        unit: Its SI unit; "1" for a pure number; empty for a text.
        dims: Names of an array's axes.
    """

    value: Any
    source: str
    unit: str = ""
    dims: tuple[str, ...] = ()

    def key(self) -> dict[str, Any]:
        """Describe it, as a descriptor does."""
        if isinstance(self.value, str):
            return {"source": self.source, "dtype": "string", "shape": []}
        shape = [*np.shape(self.value)]
        kind = {"dtype": "array", "dims": [*self.dims]} if shape else {"dtype": "number"}
        units = {"units": self.unit} if self.unit != "1" else {}
        return {"source": self.source, **kind, "shape": shape, "dtype_numpy": "<f8", **units}


Data = Mapping[str, Datum]


@dataclass(frozen=True, slots=True)
class Happening:
    """What becomes an event.

    Attributes:
        stream: Which stream it belongs to.
        utc: When it was written down [s since 1970, UTC].
        data: What was found.
        configuration: How, the same for all events of a descriptor.
    """

    stream: str
    utc: float
    data: Data
    configuration: Data = field(default_factory=dict)


def write_documents(path: Path | str, run: RecordedRun) -> Path:
    """Write a run as documents, one line each.

    The same run gives the same file. A run that has no end yet has no stop document.

    Args:
        path: The file; one that is there is replaced.
        run: The run.

    Raises:
        DataError: It cannot be written there.
    """
    lines = (
        json.dumps({"name": name, "doc": plain(document)}, allow_nan=False)
        for name, document in documents_of(run)
    )
    return write_whole(Path(path), "".join(f"{line}\n" for line in lines).encode("utf-8"))


def documents_of(run: RecordedRun) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield the documents of a run in order, each with its name; arrays are numpy's."""
    started = run.started
    yield (
        "start",
        {
            "uid": started.uid,
            "time": run.records[0].utc,
            "plan_name": started.title,
            "instrument": started.instrument,
            "seed": str(started.seed),  # it may have 64 bits
            "versions": {name.replace(".", "_"): text for name, text in started.versions.items()},
            "recipe": started.recipe,
            "lab": started.lab,
            "settings": json.dumps(plain(started.settings)),  # names of a document hold no dots
        },
    )
    descriptors: dict[str, str] = {}
    counts: dict[str, int] = {}
    for each in sorted(_happenings(run), key=lambda one: one.utc):
        described = json.dumps([each.stream, _keys(each.data), _configuration(each, 0.0)])
        if described not in descriptors:
            descriptors[described] = _uid(run, f"descriptor {len(descriptors)}")
            yield (
                "descriptor",
                {
                    "uid": descriptors[described],
                    "run_start": started.uid,
                    "time": each.utc,
                    "name": each.stream,
                    "data_keys": _keys(each.data),
                    "object_keys": {each.stream: [*each.data]},
                    "configuration": _configuration(each, each.utc),
                    "hints": {},
                },
            )
        counts[each.stream] = counts.get(each.stream, 0) + 1
        yield (
            "event",
            {
                "uid": _uid(run, f"{each.stream} {counts[each.stream]}"),
                "descriptor": descriptors[described],
                "seq_num": counts[each.stream],
                "time": each.utc,
                "data": {name: datum.value for name, datum in each.data.items()},
                "timestamps": dict.fromkeys(each.data, each.utc),
            },
        )
    if run.finished is not None:
        yield (
            "stop",
            {
                "uid": _uid(run, "stop"),
                "run_start": started.uid,
                "time": run.records[-1].utc,
                "exit_status": _STATUS.get(run.finished.reason, "fail"),
                "reason": run.finished.message,
                "num_events": counts,
            },
        )


def _uid(run: RecordedRun, what: str) -> str:
    return str(uuid5(NAMESPACE_OID, f"{run.started.uid} {what}"))


def _keys(data: Data) -> dict[str, Any]:
    return {name: datum.key() for name, datum in data.items()}


def _configuration(each: Happening, utc: float) -> dict[str, Any]:
    """Return the configuration of the stream's one object, as a descriptor has it."""
    return {
        each.stream: {
            "data": {name: datum.value for name, datum in each.configuration.items()},
            "timestamps": dict.fromkeys(each.configuration, utc),
            "data_keys": _keys(each.configuration),
        }
    }


def _happenings(run: RecordedRun) -> Iterator[Happening]:
    for image in run.scans:
        yield _image(run, image)
    taken = [r.utc for r in run.records if isinstance(r.event, SpectrumAcquired)]
    for utc, measurement in zip(taken, run.measurements, strict=True):
        yield _spectrum(utc, measurement)
    taken = [r.utc for r in run.records if isinstance(r.event, ForceCurveAcquired)]
    for utc, curve in zip(taken, run.judged_curves, strict=True):
        yield _curve(utc, curve)
    for record in run.records:
        match record.event:
            case Intervention(who=who, what=what, why=why):
                yield _note(record.utc, "intervention", who, what, why)
            case Alarm(message=message, cause=cause):
                yield _note(record.utc, "alarm", "spm_auto", message, cause)


def _image(run: RecordedRun, image: ScanImage) -> Happening:
    data = {
        f"{channel.name}_{way}": Datum(
            stack[index], f"{channel.name}, {way}", channel.unit, ("line", "pixel")
        )
        for index, channel in enumerate(image.channels)
        for way, stack in (("forward", image.forward), ("backward", image.backward))
    }
    frame = image.frame
    return Happening(
        "images",
        records_of_scan(run, image)[-1].utc,
        data | _times(image.start_time, image.end_time),
        {
            "center_x": Datum(frame.center[0], "middle of the frame", "m"),
            "center_y": Datum(frame.center[1], "middle of the frame", "m"),
            "width": Datum(frame.size[0], "extent along the fast axis", "m"),
            "height": Datum(frame.size[1], "extent along the slow axis", "m"),
            "angle": Datum(frame.angle, "turn of the fast axis", "rad"),
        },
    )


def _spectrum(utc: float, measurement: Measurement) -> Happening:
    spectrum, asked = measurement.spectrum, measurement.instruction
    data = {"bias": Datum(spectrum.bias, "bias of each point", "V", ("point",))}
    for channel, values in zip(spectrum.channels, spectrum.data, strict=True):
        data[channel.name] = Datum(values, channel.name, channel.unit, ("point",))
    data |= _place(spectrum.x, spectrum.y)
    data["x_setpoint"] = Datum(asked.x, "x asked for", "m")
    data["y_setpoint"] = Datum(asked.y, "y asked for", "m")
    data |= _times(spectrum.start_time, spectrum.end_time)
    data["flags"] = Datum(flags_of(measurement), "what is wrong with it")
    settings = {
        "dwell": Datum(asked.waveform.dwell, "time at each bias", "s"),
        "cycles": Datum(float(asked.waveform.cycles), "how often the waveform is run", "1"),
    }
    return Happening("primary", utc, data | _judged(measurement), settings)


def _curve(utc: float, judged: JudgedCurve) -> Happening:
    curve = judged.curve
    data = {"extension": Datum(curve.extension, "of the z piezo", "m", ("point",))}
    for way, stack in (("approach", curve.approach), ("retract", curve.retract)):
        for channel, values in zip(curve.channels, stack, strict=True):
            data[f"{channel.name}_{way}"] = Datum(values, way, channel.unit, ("point",))
    data |= _place(curve.x, curve.y) | _times(curve.start_time, curve.end_time)
    data["flags"] = Datum("; ".join(map(str, curve.flags)), "what is wrong with it")
    return Happening("force_curves", utc, data | _judged(judged))


def _note(utc: float, kind: str, who: str, what: str, why: str) -> Happening:
    said = {
        "kind": Datum(kind, "intervention or alarm"),
        "who": Datum(who, "who did or said it"),
        "what": Datum(what, "what was done or is wrong"),
        "why": Datum(why, "why"),
    }
    return Happening("notes", utc, said)


def _place(x: float, y: float) -> dict[str, Datum]:
    return {"x": Datum(x, "x read back", "m"), "y": Datum(y, "y read back", "m")}


def _times(start: float, end: float) -> dict[str, Datum]:
    return {
        "start_time": Datum(start, "instrument time", "s"),
        "end_time": Datum(end, "instrument time", "s"),
    }


def _judged(measured: Measurement | JudgedCurve) -> dict[str, Datum]:
    """Return what it was worth and why it was taken, where that is known."""
    scored, chosen = measured.scored, measured.chosen
    data: dict[str, Datum] = {}
    if scored is not None:
        data["reward"] = Datum(scored.value, f"scalarizer {scored.scalarizer}", scored.unit)
        data["reward_noise"] = Datum(scored.noise, "standard deviation of the reward", scored.unit)
    if chosen is not None:
        data["reason"] = Datum(chosen.reason, "why it was taken there")
        data["predicted"] = Datum(chosen.mean, "reward that was predicted", "1")
        data["predicted_deviation"] = Datum(chosen.deviation, "of the prediction", "1")
    return data
