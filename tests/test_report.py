"""The report: one self-contained page that says what a run did, however it ended."""

import base64
import html
import json
import math
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure
from ohmic_runs import EXPLORE, OVERVIEW, new_runner, recipe, run_quickly

from examples.own_instrument import OhmicMicroscope
from spm_auto.clock import InstantClock
from spm_auto.data import (
    FILE_NAME,
    Alarm,
    Event,
    FinishReason,
    Journal,
    LineAcquired,
    LoadFinished,
    ModelFitted,
    PointChosen,
    ProbePositioned,
    Record,
    RunFinished,
    RunStarted,
    ScanFinished,
    ScanStarted,
    SpectrumAcquired,
    SpectrumScored,
    open_run,
)
from spm_auto.errors import DataError
from spm_auto.instrument import (
    AcquireSpectrum,
    BiasWaveform,
    Channel,
    FloatArray,
    Load,
    PositionProbe,
    QualityFlag,
    Scan,
    ScanFrame,
    ScanLine,
    Spectrum,
)
from spm_auto.report import REPORT_NAME, pictures, write_report
from spm_auto.report.tables import decisions, facts, timing
from spm_auto.workflow import Runner

STARTED = RunStarted("uid-1", "by hand", "", "", "bench", 7, {"spm_auto": "9.9"})
FRAME = ScanFrame((0.0, 0.0), (4e-7, 3e-7), (4, 3))
CURRENT = (Channel("current", "A"),)
SCAN = ScanStarted(Scan(FRAME), CURRENT)
PIXELS = np.argwhere(np.ones(FRAME.shape)).astype(np.int32)
FIT = ModelFitted(1, FRAME, np.arange(12) * 1e-9, np.full(12, 2e-9), PIXELS, {}, "gp")
INSTRUCTION = AcquireSpectrum(1e-7, 0.5e-7, BiasWaveform((0.0, 1.0, 2.0), 1.0))


def line(index: int) -> LineAcquired:
    values = np.arange(4.0)[None] + index
    return LineAcquired(ScanLine(index, values, values, 0.0))


def spectrum(start: float, *flags: QualityFlag, end: float | None = None) -> SpectrumAcquired:
    bias = INSTRUCTION.waveform.bias
    end = start + 3.0 if end is None else end
    return SpectrumAcquired(
        INSTRUCTION, Spectrum(1e-7, 0.5e-7, bias, CURRENT, bias[None] ** 2, start, end, flags)
    )


def score(value: float, start: float, flag: str = "") -> SpectrumScored:
    return SpectrumScored(0, "peak", value, math.nan, flag, 1e-7, 0.5e-7, math.nan, start, "A")


def write(folder: Path, *events: Event, started: RunStarted = STARTED) -> Path:
    """Write a journal by hand; a second passes after each event."""
    clock = InstantClock()
    with Journal(folder / FILE_NAME, clock.now, lambda: 1.7e9 + clock.now()) as journal:
        for event in (started, *events):
            journal.append(event)
            clock.wait(1.0)
    return folder


def figures(folder: Path) -> list[Figure]:
    """Draw the pictures of a report, and keep the figures."""
    kept: list[Figure] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pictures, "to_data_uri", lambda figure: kept.append(figure) or "")
        pictures.draw(open_run(folder))
    return kept


def labels(folder: Path) -> list[str]:
    """Return all titles and names of axes in the pictures of a report."""
    said = []
    for figure in figures(folder):
        for axes in [*figure.axes, *(c for a in figure.axes for c in a.child_axes)]:
            said += [axes.get_title(loc="left"), axes.get_xlabel(), axes.get_ylabel()]
    return said


def points_on(figure: Figure) -> list[tuple[float, ...]]:
    """Return where a picture has points, in the coordinates that it is drawn in."""
    drawn = [np.asarray(shown.get_offsets()) for shown in figure.axes[0].collections]
    return [tuple(place) for places in drawn for place in places.tolist()]


class Page(HTMLParser):
    """A page taken apart: what it loads, where it leads, and what it says."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sources: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        loading = ("src", "href", "data", "action", "srcset", "poster")
        self.sources += [value or "" for name, value in attrs if name in loading]

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def said(self) -> str:
        """The text of the page, white space in one."""
        return " ".join(" ".join(self.words).split())


def page_of(folder: Path) -> Page:
    return Page(write_report(folder).read_text(encoding="utf-8"))


def test_a_report_is_one_file_that_needs_no_other(tmp_path: Path) -> None:
    run_quickly(tmp_path)
    path = write_report(tmp_path)
    assert path == tmp_path / REPORT_NAME
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert page.sources
    assert all(source.startswith("data:image/") for source in page.sources)
    assert not {"script", "link", "iframe", "object"} & set(page.tags)
    style = "".join(re.findall(r"<style>.*?</style>", text, re.DOTALL))
    assert "url(" not in style
    assert "@import" not in style
    for source in page.sources:  # nor do the pictures lead anywhere
        kind, _, data = source.partition(",")
        if "svg" in kind:
            picture = base64.b64decode(data).decode()
            assert not re.findall(r'(?:href|src)="(?!#)[^"]+"', picture)


def test_a_report_says_title_outcome_and_every_decision(tmp_path: Path) -> None:
    run_quickly(tmp_path, title="Ohmic contacts, by chance")
    page = page_of(tmp_path)
    run = open_run(tmp_path)
    assert "Ohmic contacts, by chance" in page.said
    assert "completed" in page.said
    assert "ohmic sample · seed 1" in page.said
    rows = decisions(run)
    assert len(rows) == 4
    for row in rows:
        assert row.place in page.said
        assert row.measured in page.said
        assert row.reason == "at random"
    assert [row.is_best for row in rows].count(True) == 1
    assert page.said.count("at random") == 4
    assert run.started.uid in page.said


def test_a_report_has_a_picture_of_each_thing_that_there_is(tmp_path: Path) -> None:
    steps = recipe(OVERVIEW, {**EXPLORE, "agent": {"kind": "gp", "initial": 2}}).steps
    run_quickly(tmp_path, steps)
    page = page_of(tmp_path)
    for title in ("conductance", "prediction", "uncertainty", "learning curve", "best 1: spectrum"):
        assert title in page.said


def test_alarms_and_the_message_of_the_end_are_on_the_page(tmp_path: Path) -> None:
    end = RunFinished(FinishReason.FAILED, "the tip is gone")
    page = page_of(write(tmp_path, Alarm("a jump of 3 nm"), end))
    assert "a jump of 3 nm" in page.said
    assert "failed" in page.said
    assert "the tip is gone" in page.said


def test_what_looks_like_html_is_shown_and_not_obeyed(tmp_path: Path) -> None:
    attack = '<script>alert("1")</script>'
    started = RunStarted(
        "uid", attack, f"# {attack}", attack, attack, 7, {attack: attack}, {"operator": attack}
    )
    path = write(tmp_path, Alarm(attack), RunFinished(FinishReason.FAILED, attack), started=started)
    text = write_report(path).read_text(encoding="utf-8")
    assert "<script" not in text.lower()
    assert html.escape(attack, quote=False).replace('"', "&#34;") in text
    assert "script" not in Page(text).tags


def test_a_channel_with_a_wild_name_is_only_text(tmp_path: Path) -> None:
    wild = (Channel('<img src="x">', "A"),)
    page = page_of(
        write(
            tmp_path, ScanStarted(Scan(FRAME), wild), line(0), line(1), line(2), ScanFinished(True)
        )
    )
    assert all(source.startswith("data:image/") for source in page.sources)


def test_a_run_without_scans_agent_or_spectra_has_a_page(tmp_path: Path) -> None:
    page = page_of(write(tmp_path, RunFinished(FinishReason.CANCELLED, "enough")))
    assert "cancelled" in page.said
    assert "enough" in page.said
    assert page.sources == []


def test_a_run_without_an_agent_says_who_asked_for_its_spectra(tmp_path: Path) -> None:
    grid = {"kind": "grid", "points": [2, 2], "waveform": EXPLORE["waveform"]}
    run_quickly(tmp_path, recipe(OVERVIEW, grid).steps)
    page = page_of(tmp_path)
    assert page.said.count("asked for by the recipe or script") == 4
    assert "spectrum 1" in page.said


def test_spectra_without_an_overview_have_a_page(tmp_path: Path) -> None:
    page = page_of(write(tmp_path, spectrum(1.0), score(2.0, 1.0), spectrum(10.0)))
    assert "learning curve" in page.said
    assert "unfinished" in page.said


def test_a_scan_cancelled_before_its_first_line_has_a_page(tmp_path: Path) -> None:
    page = page_of(write(tmp_path, SCAN, ScanFinished(False), RunFinished(FinishReason.CANCELLED)))
    assert "0 lines" in page.said


def test_a_run_cancelled_in_mid_scan_has_a_page(tmp_path: Path) -> None:
    clock = InstantClock()
    microscope = OhmicMicroscope(clock)
    runners: list[Runner] = []

    def cancel(record: Record) -> None:
        if isinstance(record.event, LineAcquired):
            runners[0].cancel()

    runner = new_runner(tmp_path, microscope, clock, listeners=(cancel,))
    runners.append(runner)
    runner.run(recipe(OVERVIEW).steps, seed=1)
    page = page_of(tmp_path)
    assert "cancelled" in page.said
    assert re.search(r"\b1 lines?\b", page.said)


def test_a_run_killed_in_mid_record_has_a_page_that_says_so(tmp_path: Path) -> None:
    journal = write(tmp_path, SCAN, line(0), line(1)) / FILE_NAME
    journal.write_bytes(journal.read_bytes()[:-3])
    page = page_of(tmp_path)
    assert "unfinished" in page.said
    assert "a torn record at byte" in page.said


def test_a_flagged_spectrum_is_shown_with_its_reason_and_is_not_the_best(tmp_path: Path) -> None:
    write(
        tmp_path, spectrum(1.0), score(2.0, 1.0), spectrum(10.0, QualityFlag.SATURATED),
        score(math.nan, 10.0, "saturated"),
    )  # fmt: skip
    one, two = decisions(open_run(tmp_path))
    assert (one.is_best, one.flag, one.measured) == (True, "", "2 A")
    assert (two.is_best, two.flag, two.measured) == (False, "saturated", "–")
    assert "not used: saturated" in page_of(tmp_path).said


def test_after_a_flagged_spectrum_the_pictures_still_have_their_unit(tmp_path: Path) -> None:
    flagged = replace(score(math.nan, 1.0, "saturated"), unit="1")  # nothing says what it would be
    write(
        tmp_path, SCAN, line(0), ScanFinished(False), spectrum(1.0), flagged,
        spectrum(10.0), score(2e-9, 10.0), FIT,
    )  # fmt: skip
    assert "peak (nA)" in labels(tmp_path)
    assert labels(tmp_path).count("nA") == 2  # prediction and uncertainty


def test_what_was_predicted_of_a_flagged_spectrum_has_its_unit(tmp_path: Path) -> None:
    flagged = replace(score(math.nan, 10.0, "saturated"), unit="1")
    choice = PointChosen(flagged.candidate, 1e-7, 0.5e-7, math.nan, "why not", 1e-9, 1e-10, 0.0, -1)
    write(tmp_path, spectrum(1.0), score(2e-9, 1.0), choice, spectrum(10.0), flagged)
    assert decisions(open_run(tmp_path))[1].predicted == "1 nA ± 100 pA"


def test_the_map_of_an_exploration_is_named_for_its_own_scalarizer(tmp_path: Path) -> None:
    later = replace(score(3.0, 10.0), scalarizer="coercive_bias", unit="V")
    write(
        tmp_path, SCAN, line(0), ScanFinished(False), spectrum(1.0), score(2e-9, 1.0), FIT,
        spectrum(10.0), later,
    )  # fmt: skip
    said = labels(tmp_path)
    assert "predicted peak" in said
    assert "coercive bias (V)" in said
    assert "best coercive bias" in {fact.name for fact in facts(open_run(tmp_path))}


def test_points_are_drawn_on_the_frame_that_they_lie_on(tmp_path: Path) -> None:
    elsewhere = ScanStarted(Scan(ScanFrame((9e-7, 9e-7), (4e-7, 3e-7), (4, 3), 0.5)), CURRENT)
    write(
        tmp_path, SCAN, line(0), ScanFinished(False), spectrum(1.0), score(2e-9, 1.0), FIT,
        elsewhere, line(0), ScanFinished(False),
    )  # fmt: skip
    overview, earlier, _, prediction = figures(tmp_path)[:4]
    assert points_on(overview) == []
    assert points_on(earlier) == [(1e-7, 0.5e-7)] * 2
    assert points_on(prediction) == [(1e-7, 0.5e-7)] * 2  # the point, and the ring about it
    assert "the ring marks the best" not in page_of(tmp_path).said


def test_earlier_scans_are_shown_too(tmp_path: Path) -> None:
    write(tmp_path, *3 * (SCAN, line(0), line(1), ScanFinished(False)))
    page = page_of(tmp_path)
    assert "Earlier scans" in page.said
    assert "scan 1 of 3" in page.said
    assert "scan 2 of 3" in page.said
    assert "scan 3 of 3" not in page.said  # it is the overview


def test_a_topography_is_levelled_for_the_eye_and_the_caption_says_so(tmp_path: Path) -> None:
    height = replace(SCAN, channels=(Channel("height", "m"),))
    write(tmp_path, height, line(0), line(1), ScanFinished(False))
    assert "a plane subtracted" in page_of(tmp_path).said


def test_a_bias_window_that_the_agent_chose_stands_with_its_place(tmp_path: Path) -> None:
    scored = score(2.0, 1.0)
    choice = PointChosen(scored.candidate, 1e-7, 0.5e-7, 8.5, "why not", 1.0, 0.1, 0.0, -1)
    write(tmp_path, choice, spectrum(1.0), scored)
    assert decisions(open_run(tmp_path))[0].place == "100 nm, 50 nm; 8.5 V"


def test_so_do_the_length_of_a_pulse_and_how_often_it_was_averaged(tmp_path: Path) -> None:
    scored = score(2.0, 1.0)
    choice = PointChosen(scored.candidate, 1e-7, 0.5e-7, 8.5, "why not", 1.0, 0.1, 0.0, -1)
    write(tmp_path, replace(choice, duration=0.02, averages=4), spectrum(1.0), scored)
    place = decisions(open_run(tmp_path))[0].place
    assert place == "100 nm, 50 nm; 8.5 V; 20 ms; 4 averaged"


def test_the_bias_that_is_best_at_each_place_is_a_map_where_there_are_several(
    tmp_path: Path,
) -> None:
    several = replace(FIT, bias=np.where(np.arange(12) < 5, 4.0, 8.0))
    write(tmp_path, several)
    assert "best bias" in page_of(tmp_path).said


@pytest.mark.parametrize("bias", [None, np.full(12, np.nan), np.full(12, 8.0)])
def test_one_bias_needs_no_map(tmp_path: Path, bias: FloatArray | None) -> None:
    write(tmp_path, replace(FIT, bias=bias))
    assert "best bias" not in page_of(tmp_path).said


def test_spectra_that_nothing_rated_are_not_called_the_best(tmp_path: Path) -> None:
    write(tmp_path, spectrum(1.0))
    said = page_of(tmp_path).said
    assert "Spectra" in said
    assert "Best spectra" not in said


def test_a_place_is_not_said_finer_than_a_picometre(tmp_path: Path) -> None:
    taken = spectrum(1.0)
    write(tmp_path, replace(taken, spectrum=replace(taken.spectrum, x=-4e-23)))
    assert decisions(open_run(tmp_path))[0].place == "0 m, 50 nm"


def test_facts_at_a_glance_carry_their_units(tmp_path: Path) -> None:
    write(tmp_path, SCAN, line(0), ScanFinished(False), spectrum(1.0), score(2e-9, 1.0))
    shown = {fact.name: (fact.value, fact.note) for fact in facts(open_run(tmp_path))}
    assert shown == {
        "best peak": ("2 nA", "at (100 nm, 50 nm)"),
        "spectra": ("1", "0 flagged"),
        "scans": ("1", "1 lines"),
        "instrument time": ("5.0 s", "5.0 s on the wall clock"),
    }


def test_the_timing_table_says_where_the_time_went(tmp_path: Path) -> None:
    write(
        tmp_path, LoadFinished(Load()), SCAN, line(0), line(1), ScanFinished(False),
        ProbePositioned(PositionProbe(0.0, 0.0), 0.0, 0.0), spectrum(6.5, end=7.0),
    )  # fmt: skip
    spent = {row.what: (row.count, row.total) for row in timing(open_run(tmp_path))}
    # events are a second apart; the spectrum began half a second after the move before it
    assert spent == {
        "load and tune": (1, 1.0),
        "scans": (1, 3.0),
        "moves": (2, 1.5),
        "spectra": (1, 0.5),
    }
    shares = [row.share for row in timing(open_run(tmp_path))]
    assert sum(shares) == pytest.approx(6.0 / 7.0)


def test_settings_are_kept_on_the_page(tmp_path: Path) -> None:
    runner = new_runner(tmp_path, recipe="budget = 4", lab='laboratory = "x"', settings={"a": "b"})
    runner.finish()
    page = page_of(tmp_path)
    assert "budget = 4" in page.said
    assert 'laboratory = "x"' in page.said
    assert json.dumps({"a": "b"})[1:-1] in page.said
    assert '"bias": [' in page.said  # the limits in force


def test_a_folder_without_a_run_is_refused_and_stays_empty(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="there is no run here"):
        write_report(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_takes_no_file_is_said_in_one_line(tmp_path: Path) -> None:
    write(tmp_path)
    (tmp_path / REPORT_NAME).mkdir()
    with pytest.raises(DataError, match=rf"{REPORT_NAME}: cannot be written: "):
        write_report(tmp_path)


def test_a_report_whose_writing_breaks_off_leaves_the_one_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_quickly(tmp_path)
    page = write_report(tmp_path)
    before = page.read_bytes()

    def half(self: Path, data: bytes) -> int:
        with self.open("wb") as file:
            file.write(data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", half)
    with pytest.raises(DataError, match="No space left on device"):
        write_report(tmp_path)
    assert page.read_bytes() == before
    assert not list(tmp_path.glob("*.part"))
