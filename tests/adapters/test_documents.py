"""A run as documents of the event model: valid, complete, the same each time, with its arrays."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import event_model
import numpy as np
import pytest

from spm_auto.data import (
    Alarm,
    FinishReason,
    ForceCurveAcquired,
    Intervention,
    Record,
    RecordedRun,
    RunFinished,
    open_run,
)
from spm_auto.export import documents_of, export
from spm_auto.instrument import AcquireForceCurve, Channel, ForceCurve

STORED = Path(__file__).parent.parent / "files" / "journal-1.spmj"


def read(path: Path) -> list[tuple[str, dict[str, Any]]]:
    """Read a file of documents, each held against event-model's own schema."""
    found = []
    for line in path.read_text("utf-8").splitlines():
        entry = json.loads(line, parse_constant=lambda text: pytest.fail(f"{text} is no JSON"))
        name, document = entry["name"], entry["doc"]
        event_model.schema_validators[event_model.DocumentNames[name]].validate(document)
        found.append((name, document))
    return found


class Arrays(event_model.DocumentRouter):
    """What a consumer makes of documents: the arrays of each stream, as they are described."""

    def __init__(self) -> None:
        super().__init__()
        self.streams: dict[str, list[dict[str, Any]]] = {}
        self._described: dict[str, Any] = {}

    def descriptor(self, doc: dict[str, Any]) -> None:
        self._described[doc["uid"]] = doc

    def event(self, doc: dict[str, Any]) -> None:
        described = self._described[doc["descriptor"]]
        keys = described["data_keys"]
        assert doc["data"].keys() == keys.keys() == doc["timestamps"].keys()
        event = {
            name: np.array(value, keys[name].get("dtype_numpy", str))
            for name, value in doc["data"].items()
        }
        assert {name: [*array.shape] for name, array in event.items()} == {
            name: key["shape"] for name, key in keys.items()
        }
        self.streams.setdefault(described["name"], []).append(event)


def filled(documents: list[tuple[str, dict[str, Any]]]) -> dict[str, list[dict[str, Any]]]:
    arrays = Arrays()
    with event_model.Filler({}, inplace=False) as filler:
        for name, document in documents:
            arrays(*filler(name, document))
    return arrays.streams


@pytest.fixture
def stored() -> RecordedRun:
    return open_run(STORED)


def test_the_documents_of_a_run_are_valid_and_hold_its_images_and_spectra(
    stored: RecordedRun, tmp_path: Path
) -> None:
    (path,) = export(stored, "event-model", tmp_path)
    documents = read(path)
    streams = filled(documents)
    name, start = documents[0]
    assert (name, start["uid"]) == ("start", stored.started.uid)
    assert len(streams["primary"]) == len(stored.spectra) > 0
    for event, spectrum in zip(streams["primary"], stored.spectra, strict=True):
        assert np.array_equal(event["bias"], spectrum.bias)
        for channel, values in zip(spectrum.channels, spectrum.data, strict=True):
            assert np.array_equal(event[channel.name], values, equal_nan=True)
        assert (float(event["x"]), float(event["y"])) == (spectrum.x, spectrum.y)
    for event, image in zip(streams["images"], stored.scans, strict=True):
        for channel in image.channels:
            there = event[f"{channel.name}_forward"]
            assert np.array_equal(there, image.channel(channel.name), equal_nan=True)
    rewards = [m.scored.value for m in stored.measurements if m.scored]
    told = [float(event["reward"]) for event in streams["primary"] if "reward" in event]
    assert np.array_equal(told, rewards, equal_nan=True)


def test_exporting_twice_gives_the_same_documents(stored: RecordedRun, tmp_path: Path) -> None:
    (first,) = export(stored, "event-model", tmp_path / "a")
    (second,) = export(stored, "event-model", tmp_path / "b")
    assert first.read_bytes() == second.read_bytes()


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        (FinishReason.COMPLETED, "success"),
        (FinishReason.CANCELLED, "abort"),
        (FinishReason.FAILED, "fail"),
        (FinishReason.EMERGENCY, "fail"),
    ],
)
def test_the_stop_document_says_how_the_run_ended(
    stored: RecordedRun, reason: FinishReason, status: str
) -> None:
    ended = replace(stored, finished=RunFinished(reason, "so it was"))
    (*_, (name, stop)) = documents_of(ended)
    assert (name, stop["exit_status"], stop["reason"]) == ("stop", status, "so it was")
    assert stop["num_events"]["primary"] == len(stored.spectra)


def test_a_run_without_an_end_has_no_stop_document(stored: RecordedRun) -> None:
    names = [name for name, _ in documents_of(replace(stored, finished=None))]
    assert "event" in names
    assert "stop" not in names


def test_what_is_missing_is_null_and_reads_back_as_missing(
    stored: RecordedRun, tmp_path: Path
) -> None:
    image = stored.scans[0]
    torn = image.forward.copy()
    torn[:, -1] = math.nan
    run = replace(stored, scans=(replace(image, forward=torn), *stored.scans[1:]))
    (path,) = export(run, "event-model", tmp_path)
    event = filled(read(path))["images"][0]
    last = event[f"{image.channels[0].name}_forward"]
    assert np.isnan(last[-1]).all()
    assert np.array_equal(last[:-1], image.forward[0][:-1])


def test_force_curves_alarms_and_what_humans_did_are_events_too(stored: RecordedRun) -> None:
    ramp, force = np.linspace(0.0, 1e-7, 5), Channel("force", "N")
    curve = ForceCurve(1e-8, 2e-8, ramp, (force,), ramp[None] * 2, ramp[None] * 3, 1e6, 1e6 + 1)
    happened = [
        ForceCurveAcquired(AcquireForceCurve(1e-8, 2e-8, points=5), curve),
        Intervention("ada", "the tip looks worn", "streaks"),
        Alarm("no disk left", "room"),
    ]
    last = stored.records[-1]
    more = [Record(last.number + 1 + n, last.utc, last.time, e) for n, e in enumerate(happened)]
    documents = list(documents_of(replace(stored, records=(*stored.records, *more))))
    for name, document in documents:
        kind = event_model.DocumentNames[name]
        event_model.schema_validators[kind].validate(document)
    streams = filled(documents)
    (event,) = streams["force_curves"]
    assert np.array_equal(event["extension"], ramp)
    assert np.array_equal(event["force_approach"], ramp * 2)
    assert np.array_equal(event["force_retract"], ramp * 3)
    said = [(str(note["kind"]), str(note["who"]), str(note["why"])) for note in streams["notes"]]
    assert said == [("intervention", "ada", "streaks"), ("alarm", "spm_auto", "room")]
