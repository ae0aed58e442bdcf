"""What was found is on the report's page: each finding in words, pictures where there are some."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from test_report import FRAME, SCAN, line, page_of, write

from spm_auto.data import Finding, ScanFinished, open_run
from spm_auto.report import pictures
from spm_auto.report.found import draw_found, found_rows, law_rows

PLACES = np.array([[1e-8 * k, 2e-8] for k in range(12)])
VALUES = np.arange(12.0)
BAND = np.linspace(0, 1e-7, 5)
ANALYSES: dict[str, dict[str, Any]] = {
    "walls": {
        "what": "walls",
        "image_time": 1.0,
        "lines": np.array([[0, 0], [1e-7, 0], [np.nan, np.nan], [0, 1e-8], [1e-7, 1e-8]], "f4"),
        "places": PLACES,
        "place_distance": VALUES * 1e-9,
    },
    "fit": {
        "what": "fit",
        "scalarizer": "coercive_bias",
        "unit": "V",
        "places": PLACES,
        "values": VALUES,
    },
    "statement": {
        "what": "statement",
        "scalarizer": "coercive_bias",
        "unit": "V",
        "structure": "walls",
        "structure_unit": "m",
        "shape": "step",
        "is_significant": True,
        "at_places": VALUES * 1e-8,
        "values": VALUES,
        "at": BAND,
        "curve": BAND,
        "low": BAND - 1,
        "high": BAND + 1,
    },
    "unmixing": {
        "what": "unmixing",
        "axis": np.linspace(-8, 8, 20),
        "axis_name": "bias",
        "axis_unit": "V",
        "unit": "m",
        "components": np.ones((2, 20), "f4"),
        "abundances": np.stack([VALUES, -VALUES], axis=1).astype("f4"),
        "explained": np.array([0.7, 0.2]),
        "places": PLACES,
    },
    "clusters": {
        "what": "clusters",
        "labels": (VALUES > 7).astype("i4"),
        "features": np.stack([VALUES, VALUES], axis=1).astype("f4"),
        "names": ["stiffness", "adhesion"],
        "units": ["N/m", "N"],
        "places": PLACES,
    },
}
TITLES = {
    "walls": ["domain walls"],
    "fit": ["coercive bias"],
    "statement": ["coercive bias and walls"],
    "unmixing": ["components", "component 1", "component 2"],
    "clusters": ["groups", "groups by their values"],
}


@pytest.fixture(autouse=True)
def _undrawn(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave out what takes long, turning figures into files, where no page is looked at."""
    if "page" not in request.node.name:
        monkeypatch.setattr(pictures, "to_data_uri", lambda _: "")


def scanned(folder: Path, *findings: Finding) -> Path:
    return write(folder, SCAN, line(0), line(1), line(2), ScanFinished(True), *findings)


@pytest.mark.parametrize("what", ANALYSES)
def test_an_analysis_has_a_row_and_pictures(what: str, tmp_path: Path) -> None:
    run = open_run(scanned(tmp_path, Finding("analysis", f"{what} were found", ANALYSES[what])))
    assert [picture.title for picture in draw_found(run)] == TITLES[what]
    assert found_rows(run)[0].message == f"{what} were found"


@pytest.mark.parametrize("what", ANALYSES)
def test_one_whose_values_are_not_all_there_stays_a_row(what: str, tmp_path: Path) -> None:
    run = open_run(scanned(tmp_path, Finding("analysis", "something else", {"what": what})))
    assert draw_found(run) == []
    assert [row.message for row in found_rows(run)] == ["something else"]


def test_frames_are_drawn_on_the_widest_scan_and_drift_as_a_curve(tmp_path: Path) -> None:
    frame = {"center": np.array(FRAME.center), "size": np.array([1e-7, 1e-7]), "angle": 0.1}
    drift = [{"offset": np.array([1e-9 * k, 0.0]), "time": 60.0 * k, "sd": 1e-10} for k in range(3)]
    findings = [Finding("frame", "zoom there", frame), Finding("frame", "no frame was wanted")]
    findings += [Finding("drift", f"drift {k}", values) for k, values in enumerate(drift)]
    run = open_run(scanned(tmp_path, *findings))
    assert [picture.title for picture in draw_found(run)] == ["frames", "drift"]
    assert [row.kind for row in found_rows(run)] == ["frame"] * 2 + ["drift"] * 3


def test_laws_are_a_table_and_a_curve_of_what_each_was_worth(tmp_path: Path) -> None:
    compared = [
        Finding("law", "compared", {"laws": ["log", "power"], "probabilities": np.array(shares)})
        for shares in ([0.5, 0.5], [0.9, 0.1])
    ]
    run = open_run(write(tmp_path, Finding("law", "begun", {}), *compared))
    assert [(row.law, row.probability) for row in law_rows(run)] == [
        ("log", "90 %"),
        ("power", "10 %"),
    ]
    assert [picture.title for picture in draw_found(run)] == ["laws"]


def test_a_page_with_a_finding_that_looks_like_html_shows_only_text(tmp_path: Path) -> None:
    attack = '<script>alert("1")</script>'
    values = {**ANALYSES["fit"], "scalarizer": attack, "unit": "<b>"}
    law = {"laws": ["log"], "probabilities": np.array([0.9])}
    scanned(tmp_path, Finding(attack, attack, values), Finding("law", "compared", law))
    page = page_of(tmp_path)
    assert "What was found" in page.said
    assert "90 %" in page.said
    assert "script" not in page.tags


def test_the_page_of_a_run_without_findings_has_no_such_section(tmp_path: Path) -> None:
    scanned(tmp_path)
    assert "What was found" not in page_of(tmp_path).said
