"""The hypothesis step: pulses at fresh sites until one law of growth stands out."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from ohmic_runs import new_runner
from resuming import cut, resume, story

from examples.own_instrument import OhmicMicroscope
from spm_auto.analysis import integrating
from spm_auto.clock import Clock, InstantClock
from spm_auto.data import Alarm, Finding, FinishReason, ScanStarted, SpectrumAcquired, open_run
from spm_auto.errors import LimitExceeded, RecipeError
from spm_auto.instrument import (
    AcquireSpectrum,
    Capabilities,
    Channel,
    Scan,
    ScanLine,
    Spectrum,
)
from spm_auto.workflow import Step, parse_recipe

OVERVIEW = {
    "kind": "overview",
    "frame": {"center": ["0 nm", "0 nm"], "size": ["1.8 um", "1.8 um"], "pixels": [48, 48]},
    "line_rate": "10 Hz",
}
STEP = {
    "kind": "hypothesis",
    "biases": ["4 V", "6 V", "8 V"],
    "durations": ["10 ms", "1 s"],
    "laws": ["instant", "log_time"],
    "budget": 12,
    "size": "300 nm",
    "pixels": 24,
    "line_rate": "24 Hz",
    "amplitude": "",
}

GRID = np.linspace(-850e-9, 850e-9, 18).tolist()


class GrowingMicroscope(OhmicMicroscope):
    """A film that is poled downwards, but for what pulses leave: 10 nm a volt, and some a decade.

    Args:
        clock: Instrument time.
        per_decade: By how much a domain grows with each decade of time [m].
    """

    def __init__(self, clock: Clock, per_decade: float = 15e-9) -> None:
        super().__init__(clock)
        self._per_decade = per_decade
        self._domains: list[tuple[float, float, float]] = []  # x, y and diameter [m]
        self.fence = np.inf  # [m] of x, beyond which no pulse is allowed

    def leave(self, domains: list[tuple[float, float, float]]) -> None:
        """Put domains where others have left them: x, y and diameter [m]."""
        self._domains += domains

    @property
    def capabilities(self) -> Capabilities:
        return replace(super().capabilities, image_channels=(Channel("phase", "rad"),))

    def scan(self, instruction: Scan) -> Iterator[ScanLine]:
        for line in super().scan(instruction):
            x, y = instruction.frame.line_positions(line.index)
            phase = np.full((1, len(x)), np.pi)
            for at_x, at_y, diameter in self._domains:
                phase[0, np.hypot(x - at_x, y - at_y) < diameter / 2] = 0.0
            yield ScanLine(line.index, phase, phase, line.time)

    def acquire_spectrum(self, instruction: AcquireSpectrum) -> Spectrum:
        if instruction.x > self.fence:
            raise LimitExceeded("x", instruction.x, (-1e-6, self.fence), "m")
        ((bias,), dwell) = instruction.waveform.values, instruction.waveform.dwell
        diameter = 10e-9 * bias + self._per_decade * np.log10(dwell / 1e-3)
        self._domains.append((instruction.x, instruction.y, diameter))
        return super().acquire_spectrum(instruction)


@pytest.fixture(autouse=True)
def fewer_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """Sum the integrals over fewer points: two laws that differ much need no more."""
    monkeypatch.setattr(integrating, "POINTS", 9)


def steps(*tables: Mapping[str, Any]) -> tuple[Step, ...]:
    table = {"schema_version": 1, "title": "growth", "steps": [OVERVIEW, *tables]}
    return parse_recipe(table, "recipe.toml").steps


def run(
    folder: Path, *tables: Mapping[str, Any], per_decade: float = 15e-9, fence: float = np.inf
) -> list[Any]:
    """Carry out an overview and steps; return the events."""
    clock = InstantClock()
    microscope = GrowingMicroscope(clock, per_decade)
    microscope.fence = fence
    finished = new_runner(folder, microscope, clock).run(steps(*(tables or (STEP,))), seed=1)
    assert finished.reason == FinishReason.COMPLETED, finished.message
    return [record.event for record in open_run(folder).records]


def findings(events: list[Any]) -> list[Finding]:
    return [e for e in events if isinstance(e, Finding) and "probability" in e.values]


@pytest.mark.parametrize(("per_decade", "law"), [(15e-9, "log_time"), (0.0, "instant")])
def test_the_law_by_which_the_domains_grow_is_found(
    per_decade: float, law: str, tmp_path: Path
) -> None:
    last = findings(run(tmp_path, per_decade=per_decade))[-1]
    assert last.kind == "law"
    assert last.values["law"] == law
    assert last.values["probability"] >= 0.95
    assert last.values["probabilities"].sum() == pytest.approx(1.0)
    n = len(last.values["bias"])
    assert last.message.startswith(f"{law} is favoured ")
    assert f"after {n} pulses" in last.message
    assert n < 12


def test_what_it_says_holds_the_data_and_the_parameters(tmp_path: Path) -> None:
    values = findings(run(tmp_path, {**STEP, "until": 1.0, "choice": "turns"}))[-1].values
    expected = 10e-9 * values["bias"] + 15e-9 * np.log10(values["duration"] / 1e-3)
    half_a_pixel = 6.25e-9  # the film of this test is either up or down
    assert values["diameter"] == pytest.approx(expected, abs=half_a_pixel)
    assert values["parameters"]["c"] == pytest.approx(15e-9, abs=4e-9)
    assert values["parameter_spreads"]["c"] < 6e-9


def test_each_pulse_has_a_site_of_its_own_and_is_looked_at(tmp_path: Path) -> None:
    events = run(tmp_path)
    places = [(e.spectrum.x, e.spectrum.y) for e in events if isinstance(e, SpectrumAcquired)]
    looks = [e.instruction.frame.center for e in events if isinstance(e, ScanStarted)][1:]
    assert looks == places
    assert len(set(places)) == len(places)
    apart = [np.hypot(*np.subtract(a, b)) for a in places for b in places if a != b]
    assert min(apart) >= 300e-9 * 0.999


def test_a_run_cut_off_anywhere_ends_as_the_unbroken_one(tmp_path: Path) -> None:
    table = {**STEP, "budget": 5}
    run(tmp_path / "whole", table)
    whole = story(tmp_path / "whole")
    ends = [n for n, (name, _, _) in enumerate(whole) if name in ("Finding", "SpectrumAcquired")]
    for n in (ends[0], ends[2], ends[3] + 1, ends[-1]):
        folder, clock = cut(tmp_path / "whole", n, tmp_path / f"cut {n}", torn=3), InstantClock()
        microscope = GrowingMicroscope(clock)
        done = resume(folder, steps(table), microscope=microscope, clock=clock)
        assert done.finished is not None
        assert done.finished.reason == FinishReason.COMPLETED, done.finished.message
        assert story(folder) == whole, f"cut after {n} records ({whole[n - 1][0]})"


def test_a_budget_that_waits_for_the_probability_ends_the_step(tmp_path: Path) -> None:
    goal = {"kind": "finding", "of": "law", "name": "probability", "least": 0.8}
    patient = {**STEP, "until": 1.0}
    events = run(tmp_path, {"kind": "within", "budget": [goal], "steps": [patient]})
    shares = [e.values["probability"] for e in findings(events)]
    assert shares[-1] >= 0.8
    assert max(shares[:-1], default=0.0) < 0.8


def test_rounds_of_a_repetition_go_on_with_what_was_found(tmp_path: Path) -> None:
    goal = {"kind": "finding", "of": "law", "name": "probability", "least": 0.9}
    once = {**STEP, "budget": 1}
    events = run(tmp_path, {"kind": "repeat", "times": 12, "until": [goal], "steps": [once]})
    found = findings(events)
    assert [len(e.values["bias"]) for e in found] == list(range(1, len(found) + 1))
    assert found[-1].values["probability"] >= 0.9
    places = {(e.spectrum.x, e.spectrum.y) for e in events if isinstance(e, SpectrumAcquired)}
    assert len(places) == len(found)


def test_a_pulse_that_is_refused_does_not_end_the_step(tmp_path: Path) -> None:
    events = run(tmp_path, {**STEP, "budget": 6}, fence=0.0)
    refused = [e for e in events if isinstance(e, Alarm) and "was refused" in e.message]
    assert refused
    assert findings(events)


def test_a_film_that_has_no_room_for_a_pulse_ends_the_step_with_a_reason(tmp_path: Path) -> None:
    once = {**STEP, "until": 1.0, "spacing": "800 nm"}
    events = run(tmp_path, once, once)
    assert len(findings(events)) == 4
    said = [e.message for e in events if isinstance(e, Alarm)]
    assert said == ["no site is left that has had no pulse"] * 2


def test_other_ways_to_choose_take_pulses_in_turn_or_by_chance(tmp_path: Path) -> None:
    table = {**STEP, "budget": 6, "until": 1.0}
    in_turn = findings(run(tmp_path / "a", {**table, "choice": "turns"}))[-1].values
    pulses = list(zip(in_turn["bias"].tolist(), in_turn["duration"].tolist(), strict=True))
    assert pulses == [(v, t) for v in (4.0, 6.0, 8.0) for t in (0.01, 1.0)]
    by_chance = findings(run(tmp_path / "b", {**table, "choice": "chance"}))[-1].values
    assert set(by_chance["bias"].tolist()) <= {4.0, 6.0, 8.0}


def test_it_foresees_as_many_pulses_as_it_may_give_and_the_strongest() -> None:
    overview, step = steps(STEP)
    (scan,) = overview.preview(None)
    assert isinstance(scan, Scan)
    known = step.preview(scan)
    pulses = [each for each in known if isinstance(each, AcquireSpectrum)]
    assert len(pulses) == sum(isinstance(each, Scan) for each in known) == 12
    assert max(p.waveform.values[0] for p in pulses) == 8.0
    assert max(p.waveform.dwell for p in pulses) == 1.0
    assert step.notes_size(scan) > 12 * 512


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"laws": ["instant", "log_tim"]}, "did you mean 'log_time'"),
        ({"laws": ["instant", "instant"]}, "the same one is given twice: instant"),
        ({"biases": ["-4 V", "4 V"]}, "must all be positive or all be negative"),
        ({"biases": ["4 V"]}, "biases"),
        ({"durations": ["1 s", "0 s"]}, "durations"),
        ({"spacing": "100 nm"}, "sites 100 nm apart lie on one another's images"),
        ({"until": 0.4}, "until"),
        ({"size": "2 um"}, "an image of 2 um does not fit in an area of 1.8 um"),
    ],
)
def test_a_step_that_cannot_be_done_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(RecipeError, match=said):
        steps({**STEP, **change})


def test_a_step_without_an_image_before_it_is_refused() -> None:
    table = {"schema_version": 1, "title": "growth", "steps": [STEP]}
    with pytest.raises(RecipeError, match="a hypothesis step needs an overview step before it"):
        parse_recipe(table, "recipe.toml")


def test_an_image_without_the_channel_is_refused_when_it_is_met(tmp_path: Path) -> None:
    clock = InstantClock()
    table = {**STEP, "phase": "lift"}
    runner = new_runner(tmp_path, GrowingMicroscope(clock), clock)
    finished = runner.run(steps(table), seed=1)
    assert finished.reason == FinishReason.FAILED
    assert "no channel 'lift'; it has phase" in finished.message


def test_a_film_that_is_poled_nowhere_one_way_has_no_site(tmp_path: Path) -> None:
    clock = InstantClock()
    microscope = GrowingMicroscope(clock)
    microscope.leave([(x, y, 60e-9) for x in GRID for y in GRID])
    runner = new_runner(tmp_path, microscope, clock)
    assert runner.run(steps(STEP), seed=1).reason == FinishReason.COMPLETED
    said = [r.event.message for r in open_run(tmp_path).records if isinstance(r.event, Alarm)]
    assert said == ["there is no site for a pulse: nowhere is the film poled one way"]


def test_pulses_whose_domains_leave_the_image_are_given_no_more(tmp_path: Path) -> None:
    table = {**STEP, "until": 1.0, "budget": 8}
    events = run(tmp_path, table, per_decade=90e-9)  # 350 nm at 8 V for 1 s
    large = [e for e in events if isinstance(e, Alarm) and "is not whole" in e.message]
    pulses = [e.spectrum.bias[0] for e in events if isinstance(e, SpectrumAcquired)]
    assert 1 <= len(large) <= 3  # 8 V, 6 V and 4 V for a second, at most once each
    assert len(findings(events)) == len(pulses) - len(large) >= 5
