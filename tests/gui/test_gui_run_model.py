"""RunModel: what a run has said, put together without Qt."""

import subprocess
import sys
from dataclasses import replace

import made
import numpy as np
import pytest

from spm_auto.data import (
    EMERGENCY,
    Alarm,
    Event,
    FinishReason,
    Intervention,
    Judged,
    RunFinished,
    SpectrumAcquired,
    SpectrumScored,
    Verdict,
)
from spm_auto.gui.run import run_model
from spm_auto.gui.run.last_tip import last_tip
from spm_auto.gui.run.run_model import KEPT_SCANS, Part, RunModel
from spm_auto.gui.run.sayings import saying
from spm_auto.instrument import AcquireSpectrum, BiasWaveform, Load, PositionProbe
from spm_auto.workflow import instructions_to_text


def test_a_whole_run_is_put_together() -> None:
    model = RunModel()
    changed = model.take(made.run_records(5))
    assert changed & Part.SCAN
    assert changed & Part.FIT
    assert changed & Part.SPECTRA
    assert model.scan is not None
    assert model.scan.is_complete
    assert model.scan.is_over
    assert len(model.spectra) == 5
    assert model.spectra[2].chosen is not None
    assert model.best is model.spectra[4]
    assert model.learning.coverage(1.0) == (5, 5)
    assert model.finished is not None
    assert model.pending is None
    assert model.limits == made.LIMITS


def test_the_order_of_feeding_does_not_matter() -> None:
    records = made.run_records(3)
    whole, parts = RunModel(), RunModel()
    whole.take(records)
    for record in records:
        parts.take([record])
    assert [s.text for s in whole.sayings] == [s.text for s in parts.sayings]
    assert whole.learning.values == parts.learning.values


def test_lines_that_have_not_come_are_nan() -> None:
    model = RunModel()
    model.take(made.numbered([made.started(), *made.scan_events(n_lines=10)]))
    assert model.scan is not None
    assert model.scan.forward is not None
    known = ~np.isnan(model.scan.forward[0]).all(axis=1)
    assert known.sum() == 10
    assert model.scan.last_line == 9
    assert not model.scan.is_over


def test_images_of_long_ago_are_let_go_of() -> None:
    model = RunModel()
    model.take(
        made.numbered(
            [made.started(), *(e for _ in range(KEPT_SCANS + 3) for e in made.scan_events())]
        )
    )
    held = [scan for scan in model.scans if scan.forward is not None]
    assert len(held) == KEPT_SCANS
    assert model.scans[0].image() is None


def test_large_images_are_let_go_of_sooner(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_model, "KEPT_BYTES", 3 * 2 * 3 * 32 * 40 * 8)  # room for three
    model = RunModel()
    for _ in range(5):
        model.take(made.numbered([made.started(), *made.scan_events()]))
    assert [scan.forward is not None for scan in model.scans] == [False, False, True, True, True]
    monkeypatch.setattr(run_model, "KEPT_BYTES", 0)
    model.take(made.numbered([*made.scan_events()]))
    assert [scan.forward is not None for scan in model.scans[-3:]] == [False, True, True]


def test_the_model_knows_nothing_of_qt() -> None:
    code = "import sys, spm_auto.gui.run.run_model; print('PyQt6' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "False"


def test_the_probe_stands_where_the_newest_line_or_spectrum_left_it() -> None:
    model = RunModel()
    assert model.probe is None
    model.take(made.numbered([made.started(), *made.scan_events(n_lines=5)]))
    assert model.probe == tuple(map(float, made.FRAME.to_sample(4, 0)))
    model.take(made.numbered([*made.scan_events(n_lines=0)], first=10))
    assert model.probe == tuple(map(float, made.FRAME.to_sample(4, 0)))
    model.take(made.numbered([*made.chosen_events(1, start=3.0)], first=11))
    assert model.probe == (model.spectra[0].spectrum.x, model.spectra[0].spectrum.y)


def test_a_spectrum_that_is_scored_again_keeps_its_place_in_the_learning() -> None:
    model = RunModel()
    records = made.run_records(4, is_over=False)
    model.take(records)
    first = next(r.event for r in records if isinstance(r.event, SpectrumScored))
    model.take(made.numbered([replace(first, value=9.0)], first=len(records)))
    assert model.learning.values[0] == 9.0
    assert len(model.learning.values) == 4
    assert model.best is model.spectra[0]


def test_spectra_of_the_same_waveform_have_one_in_common() -> None:
    model = RunModel()
    model.take(made.run_records(3))
    first, *others = [m.instruction.waveform for m in model.spectra]
    assert all(each is first for each in others)
    assert first == made.BiasWaveform.triangle(8.0, 64)


def test_the_log_says_what_was_asked_for_by_hand() -> None:
    text = instructions_to_text([PositionProbe(1e-7, 0.0), PositionProbe(2e-7, 0.0), Load("film")])
    asked = Judged("by_hand", "?", Verdict.EDITED, "Ada", "a try", {"instructions": text})
    said = saying(made.numbered([asked])[0])
    assert said is not None
    assert said.text == "by hand: 2 x PositionProbe, Load (a try)"
    assert said.who == "Ada"
    ended = saying(made.numbered([Judged("by_hand", "?", Verdict.APPROVED, "Ada")])[0])
    assert ended is not None
    assert ended.text == "nothing more by hand"


_ENDED = RunFinished(FinishReason.EMERGENCY, "the run was stopped")
_ASKED = Intervention("Ada", "withdraw the tip", "", EMERGENCY)
_UNSURE = replace(_ASKED, what="withdraw the tip, which is NOT confirmed")


@pytest.mark.parametrize(
    ("events", "said"),
    [
        ([], ""),
        ([RunFinished(FinishReason.CANCELLED, "the run was stopped")], ""),
        ([_ASKED, _ENDED], "withdrawn when the run ended, at "),
        ([_ENDED], "withdrawn when the run ended, at "),
        ([_UNSURE, _ENDED], "NOT confirmed to be withdrawn, at "),
        ([_UNSURE, _ASKED, _ENDED], "withdrawn when the run ended, at "),
        ([Alarm("3 nA; ordered up, which is NOT confirmed: deaf", "signal"), _ENDED], "NOT conf"),
    ],
)
def test_the_journal_says_of_the_tip_what_is_known_after_an_emergency(
    events: list[Event], said: str
) -> None:
    model = RunModel()
    model.take(made.numbered([made.started(), *events]))
    assert last_tip(model).startswith(said)
    assert bool(last_tip(model)) == bool(said)


def test_exposure_is_bias_times_duration_of_all_cycles() -> None:
    model = RunModel()
    waveform = BiasWaveform((0.0, 2.0, -2.0), dwell=0.5, cycles=3)
    taken = SpectrumAcquired(AcquireSpectrum(0.0, 0.0, waveform), made.spectrum(0.0, 0.0, 1.0))
    model.take(made.numbered([made.started(), taken]))
    assert model.exposure == pytest.approx(4.0 * 0.5 * 3)
