"""Records of runs with an agent that is asked about, overruled and judged anew; for tests."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import made

from spm_auto.data import (
    Event,
    Intervention,
    Judged,
    ModelFitted,
    SpectrumScored,
    Verdict,
)
from spm_auto.ear import RunView
from spm_auto.workflow import Ask, Question

RECIPE = """
schema_version = 1
title = "made"

[[steps]]
kind = "overview"

[[steps]]
kind = "explore"
agent = { kind = "gp", exploration = 1.5 }
budget = 12
approval = { every = 3 }
"""
PLACE = (1.5e-7, -1e-7)
ASKED = Question(
    3, Ask("point", "spectrum 7: measure at (150 nm, -100 nm)?", {"x": PLACE[0], "y": PLACE[1]})
)
FRAME_ASKED = Question(
    4, Ask("frame", "zoom there?", {"center": (1e-7, 0.0), "size": (2e-7, 3e-7)})
)
STEP_ASKED = Question(5, Ask("step", "Is this a place without scratches?"))


def run_events(n_spectra: int = 5) -> list[Event]:
    """Tell of a run whose recipe is known, and that goes on."""
    return [made.started(RECIPE), *made.run_events(n_spectra, is_over=False)[1:]]


def view(
    question: Question | None = None, approval: int | None = None, finished: str = ""
) -> RunView:
    """Return how such a run stands."""
    state = "paused" if question else "running"
    return RunView("made", state, False, approval, question, (), 1, finished)


def intervention(kind: str, values: Mapping[str, Any], why: str = "") -> Intervention:
    """Tell that Ada stepped in."""
    return Intervention("Ada", f"asked: {kind}", why, kind, values)


def judged(verdict: Verdict = Verdict.REJECTED) -> Judged:
    """Tell that Ada answered."""
    return Judged("point", "measure there?", verdict, "Ada", "a scratch")


def sparse(fit: ModelFitted, stride: int) -> ModelFitted:
    """Return the fit of an agent that may choose every so many-th pixel only."""
    keep = (fit.rows[:, 0] % stride == 1) & (fit.rows[:, 1] % stride == 1)
    return replace(fit, rows=fit.rows[keep], mean=fit.mean[keep], deviation=fit.deviation[keep])


def last(events: list[Event], kind: type) -> Any:
    """Return the newest event of a kind."""
    return next(event for event in reversed(events) if isinstance(event, kind))


def rejudged(events: list[Event], scalarizer: str) -> list[SpectrumScored]:
    """Tell that all spectra are judged by another scalarizer, with other values and unit."""
    return [
        replace(event, scalarizer=scalarizer, value=1e-12 * event.value, unit="m")
        for event in events
        if isinstance(event, SpectrumScored)
    ]
