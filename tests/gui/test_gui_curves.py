"""What is made of curves, without Qt: branches, slopes, means, fits, tables."""

import csv
import io
from dataclasses import replace

import made
import made_curves
import numpy as np
import pytest

from spm_auto.data import JudgedCurve, Measurement
from spm_auto.gui.curves.curve_csv import curves_as_csv
from spm_auto.gui.curves.curve_fits import FORMS, FitError, Parameter, fit_curve, per
from spm_auto.gui.curves.traces import (
    MOST_CURVES,
    branches,
    derivative,
    mean_of,
    remark,
    smoothed,
    thinned,
    trace,
)
from spm_auto.gui.run.run_model import RunModel
from spm_auto.instrument import BiasWaveform, FloatArray, QualityFlag

BIAS = BiasWaveform.triangle(8.0, 64).bias


def measured(n: int, flagged: tuple[int, ...] = ()) -> list[Measurement]:
    """Return so many noisy loops as a run has them."""
    model = RunModel()
    model.take(made.numbered([made.started(), *made_curves.loops(n, flagged)]))
    return model.spectra


def found(parameters: tuple[Parameter, ...], name: str) -> Parameter:
    """Return the parameter of this name."""
    return next(each for each in parameters if each.name == name)


def test_a_triangle_has_three_branches_and_a_ramp_has_one() -> None:
    parts = branches(BIAS)
    assert [(part.start, part.stop) for part in parts] == [(0, 17), (16, 49), (48, 64)]
    assert branches(np.linspace(-1, 1, 9)) == [slice(0, 9)]
    assert branches(np.zeros(3)) == [slice(0, 3)]


def test_the_slope_of_a_parabola_is_right_on_both_ways_and_at_the_turns() -> None:
    """Row 10: the derivative is taken on each way of the sweep by itself."""
    slope = derivative(BIAS, BIAS**2)
    inner = np.r_[1:16, 17:48, 49:63]
    assert slope[inner] == pytest.approx(2 * BIAS[inner])
    assert np.isfinite(slope).all()


def test_the_slope_is_unknown_where_the_bias_stands_still() -> None:
    assert np.isnan(derivative(np.ones(4), np.arange(4.0))).all()


def test_smoothing_leaves_a_parabola_as_it_is_and_lessens_noise() -> None:
    x = np.linspace(-1, 1, 101)
    assert smoothed(x, x**2, 9)[8:-8] == pytest.approx((x**2)[8:-8])
    noise = np.random.default_rng(0).standard_normal(101)
    assert smoothed(x, noise, 9).std() < 0.7 * noise.std()
    with pytest.raises(ValueError, match="odd number"):
        smoothed(x, noise, 4)


def test_mean_and_deviation_are_those_of_all_that_are_good() -> None:
    """Row 10: the mean leaves out what is flagged, and says how many."""
    traces = [trace(each, "response") for each in measured(30, flagged=(3, 7))]
    known = [each for each in traces if each is not None]
    mean = mean_of(known)
    assert mean is not None
    assert (mean.n_used, mean.n_wrong, mean.n_other) == (28, 2, 0)
    good = np.stack([each.y for each in known if not each.remark])
    assert mean.y == pytest.approx(good.mean(axis=0))
    assert mean.deviation == pytest.approx(good.std(axis=0, ddof=1), rel=1e-9, abs=0)


def test_a_mean_is_not_taken_over_different_biases() -> None:
    loops = measured(3)
    other = replace(loops[0], spectrum=made_curves.with_offset(loops[0].spectrum, 1.0))
    known = [t for each in (other, *loops[1:]) if (t := trace(each, "response")) is not None]
    mean = mean_of(known)
    assert mean is not None
    assert (mean.n_used, mean.n_other) == (2, 1)


def test_missing_points_do_not_spoil_a_mean() -> None:
    first, second = (trace(each, "response") for each in measured(2))
    assert first is not None
    assert second is not None
    first.y[5] = np.nan
    mean = mean_of([first, second])
    assert mean is not None
    assert mean.y[5] == second.y[5]
    assert np.isnan(mean.deviation[5])


def test_no_more_curves_are_drawn_than_can_be_told_apart_and_the_newest_always_is() -> None:
    known = [t for each in measured(500) if (t := trace(each, "response")) is not None]
    few = thinned(known)
    assert len(few) == MOST_CURVES
    assert few[-1] is known[-1]
    assert few[0] is known[0]


def test_what_is_wrong_is_said_in_words() -> None:
    model = RunModel()
    model.take(
        made.numbered(
            [made.started(), *made_curves.loops(6, flagged=(1,)), made_curves.doubted(1, 3)]
        )
    )
    said = [remark(each) for each in model.spectra]
    assert said == [
        "",
        f"{QualityFlag.SATURATED}, doubted: the tip had changed",
        "doubted: the tip had changed",
        "doubted: the tip had changed",
        "",
        "",
    ]


def test_a_loop_is_fitted_with_its_numbers_within_their_deviations() -> None:
    """Row 10: a fit gives its parameters with units and deviations."""
    loop = made_curves.loop(1)
    fit = fit_curve("loop", loop.bias, loop.channel("response"), ("V", "m"))
    for name, right, unit in (
        ("up at", made_curves.UP, "V"),
        ("down at", made_curves.DOWN, "V"),
        ("half height", made_curves.HEIGHT, "m"),
        ("middle", made_curves.OFFSET, "m"),
        ("width", 0.8, "V"),
        ("imprint", 0.5, "V"),
    ):
        parameter = found(fit.parameters, name)
        assert abs(parameter.value - right) < 4 * parameter.deviation
        assert 0 < parameter.deviation < 0.2 * abs(right)
        assert parameter.unit == unit
    assert fit.left == pytest.approx(2e-13, rel=0.3)
    assert fit.explained == pytest.approx(0.995, abs=0.005)
    assert "opening 3.99" in fit.words()


@pytest.mark.parametrize(
    ("form", "curve", "name", "right", "unit"),
    [
        ("line", lambda x: 2e-12 * x + 1e-12, "slope", 2e-12, "A/V"),
        ("parabola", lambda x: 3e-12 * x**2 - 1e-12, "curvature", 3e-12, "A/V2"),
        ("peak", lambda x: 5e-12 * np.exp(-((x - 0.3) ** 2) / 0.08), "at", 0.3, "V"),
        ("step", lambda x: 5e-12 * np.tanh((x + 0.2) / 0.1), "at", -0.2, "V"),
    ],
)
def test_each_form_is_found_again(
    form: str, curve: object, name: str, right: float, unit: str
) -> None:
    x = np.linspace(-1.0, 1.0, 120)
    assert callable(curve)
    y: FloatArray = curve(x) + 1e-13 * np.random.default_rng(2).standard_normal(120)
    parameter = found(fit_curve(form, x, y, ("V", "A")).parameters, name)
    assert parameter.value == pytest.approx(right, abs=5 * parameter.deviation)
    assert parameter.deviation < 0.05 * abs(right)
    assert parameter.unit == unit


def test_a_part_of_a_curve_is_fitted_alone() -> None:
    curve = made_curves.force_curve(0).curve
    judged = trace(JudgedCurve(0, curve), "force")
    assert judged is not None
    fit = fit_curve("line", judged.x, judged.y, ("m", "N"), (82e-9, 100e-9))
    assert found(fit.parameters, "slope").value == pytest.approx(0.5, rel=0.02)
    assert found(fit.parameters, "slope").unit == "N/m"
    assert fit.x.min() >= 82e-9


def test_noise_is_no_peak_no_step_and_no_loop() -> None:
    noise = np.random.default_rng(5).standard_normal(64)
    for form in ("peak", "step", "loop"):
        with pytest.raises(FitError, match=f"there is no {form}"):
            fit_curve(form, BIAS, noise, ("V", "A"))


@pytest.mark.parametrize("form", FORMS)
def test_what_cannot_be_fitted_is_refused_with_the_reason(form: str) -> None:
    with pytest.raises(FitError, match="at least"):
        fit_curve(form, BIAS[:4], BIAS[:4], ("V", "A"))
    with pytest.raises(FitError, match="same place"):
        fit_curve(form, np.ones(20), np.arange(20.0), ("V", "A"))
    nothing = np.full(64, np.nan)
    with pytest.raises(FitError, match="here are 0"):
        fit_curve(form, BIAS, nothing, ("V", "A"))


def test_a_loop_needs_both_ways() -> None:
    x = np.linspace(-1, 1, 40)
    with pytest.raises(FitError, match="only one of them"):
        fit_curve("loop", x, np.tanh(x), ("V", "A"))


def test_units_per_something_are_written_shortly() -> None:
    assert per("A", "V") == "A/V"
    assert per("A/V", "V") == "A/V2"
    assert per("A", "V", 2) == "A/V2"
    assert per("1", "V") == "1/V"
    assert per("N/m", "V") == "N/m/V"


def test_every_point_is_in_the_table_exactly() -> None:
    """Row 10: the curves can be taken along as CSV."""
    loops = measured(3, flagged=(1,))
    rows = list(csv.reader(io.StringIO(curves_as_csv(loops, "a run"))))
    assert rows[0] == ["# a run"]
    assert rows[1] == [
        "number", "x (m)", "y (m)", "start (s)", "remark", "bias (V)", "response (m)", "current (A)"
    ]  # fmt: skip
    assert len(rows) == 2 + 3 * 64
    values = np.array([[float(v) for v in row[5:]] for row in rows[2:]])
    assert np.array_equal(values[:64, 0], loops[0].spectrum.bias)
    assert np.array_equal(values[64:128, 1], loops[1].spectrum.channel("response"))
    assert rows[2 + 64][4] == str(QualityFlag.SATURATED)


def test_force_curves_are_in_a_table_down_and_up() -> None:
    curve = made_curves.force_curve(0).curve
    rows = list(csv.reader(io.StringIO(curves_as_csv([JudgedCurve(0, curve)]))))
    assert rows[0][5:] == ["way", "extension (m)", "force (N)"]
    assert [row[5] for row in rows[1:]] == ["down"] * 128 + ["up"] * 128
    assert float(rows[-1][7]) == curve.retract[0][-1]
