"""Laws of domain growth, the evidence for them, and what a further pulse would tell."""

import math

import numpy as np
import pytest

from spm_auto import plugins
from spm_auto.analysis import Grown, Law, Span, information, probabilities, weigh
from spm_auto.instrument import FloatArray

SPAN = Span((4.0, 12.0), (10e-3, 10.0), 160e-9)
TRUE = {  # parameters with which each law shows what it is
    "instant": (80e-9, 8e-9),
    "log_time": (80e-9, 6e-9, 8e-9),
    "activated": (80e-9, 60e-9, 10e-9),
    "power": (70e-9, 1.0, 0.2),
    "viscous": (80e-9, 7e-9, 0.3),
    "creep": (70e-9, 30.0),
}

LAWS: tuple[Law, ...] = tuple(plugins.load("laws", name) for name in TRUE)


def law(name: str) -> Law:
    found: Law = plugins.load("laws", name)
    return found


def world(name: str, n: int, seed: int, spread: float = 3e-9) -> Grown:
    """Draw what a law leaves at sites that differ a little."""
    rng = np.random.default_rng(seed)
    bias, duration = rng.uniform(4, 12, n), 10e-3 * 1000 ** rng.random(n)
    grown = law(name).diameter(np.array([TRUE[name]]), bias, duration, SPAN)[0]
    diameter = grown + spread * rng.standard_normal(n)
    return Grown(
        bias,
        duration,
        np.where(diameter < 20e-9, 0.0, diameter),
        np.full(n, 1e-9),
        np.full(n, 20e-9),
    )


@pytest.mark.parametrize("name", TRUE)
def test_every_law_passes_the_middle_and_grows_with_bias_and_time(name: str) -> None:
    values = np.array([TRUE[name]])
    at_middle = law(name).diameter(
        values, np.array([SPAN.middle_bias]), np.array([SPAN.middle_duration]), SPAN
    )
    lag = math.exp(-SPAN.middle_duration / 0.3) if name == "viscous" else 0.0
    assert at_middle[0, 0] == pytest.approx(TRUE[name][0] * (1 - lag))
    bias = np.linspace(4, 12, 9)
    assert (np.diff(law(name).diameter(values, bias, np.full(9, 1.0), SPAN)) >= 0).all()
    duration = np.geomspace(10e-3, 10, 9)
    assert (np.diff(law(name).diameter(values, np.full(9, 8.0), duration, SPAN)) >= 0).all()


def test_creep_solves_the_equation_that_it_is_named_after() -> None:
    # dd/dt = v exp(-g d / V): the field of the tip falls off as 1 / d
    d0, n = TRUE["creep"]
    times = np.linspace(0.5, 0.6, 2001)
    d = law("creep").diameter(np.array([[d0, n]]), np.full(2001, 6.0), times, SPAN)[0]
    speed = np.gradient(d, times)[1:-1]
    slope = np.polyfit(d[1:-1], np.log(speed), 1)[0]
    expected = -math.log1p(n) * SPAN.middle_bias / (d0 * 6.0)
    assert slope == pytest.approx(expected, rel=1e-3)


def test_the_sign_of_a_bias_does_not_matter_and_no_diameter_is_negative() -> None:
    values, one = np.array([[10e-9, 15e-9]]), np.ones(3)
    up = law("instant").diameter(values, np.array([4.0, 8.0, 12.0]), one, SPAN)
    down = law("instant").diameter(values, -np.array([4.0, 8.0, 12.0]), one, SPAN)
    assert (up == down).all()
    assert up.min() == 0.0


def gaussian_evidence(grown: Grown, spread: float) -> float:
    """Return the evidence of the linear law by brute force, for one spread of the sites."""
    d0, b = np.meshgrid(
        (np.arange(200) + 0.5) / 200 * SPAN.diameter,
        (np.arange(200) + 0.5) / 200 * SPAN.diameter / 8.0,
    )
    expected = d0[..., None] + b[..., None] * (grown.bias - 8.0)
    s = np.hypot(spread, grown.uncertainty)
    density = np.exp(-(((grown.diameter - expected) / s) ** 2) / 2) / (math.sqrt(2 * math.pi) * s)
    return float((0.98 * density + 0.02 * 0.5 / SPAN.diameter).prod(axis=-1).mean())


def test_the_evidence_is_the_mean_of_the_likelihood_over_the_prior() -> None:
    bias = np.array([5.0, 7.0, 9.0, 11.0])
    diameter = np.array([56e-9, 73e-9, 86e-9, 105e-9])
    grown = Grown(bias, np.ones(4), diameter, np.full(4, 1e-9), np.full(4, 20e-9))
    # the spread of sites is log-uniform between 1/200 and 1/5 of the largest diameter
    spreads = SPAN.diameter / 200 * 40 ** ((np.arange(12) + 0.5) / 12)
    brute = math.log(np.mean([gaussian_evidence(grown, s) for s in spreads.tolist()]))
    (found,) = weigh((law("instant"),), grown, SPAN, seed=5)
    assert found.log_evidence == pytest.approx(brute, abs=0.1)
    assert found.error < 0.1


@pytest.mark.parametrize("name", TRUE)
def test_the_law_that_made_the_data_is_found(name: str) -> None:
    shares = probabilities(weigh(LAWS, world(name, 40, seed=3), SPAN, seed=1))
    assert LAWS[int(shares.argmax())].name == name
    assert shares.max() > 0.95


def test_other_points_of_the_integrals_give_the_same_evidence() -> None:
    grown = world("power", 12, seed=8)
    first, second = weigh(LAWS, grown, SPAN, seed=1), weigh(LAWS, grown, SPAN, seed=2)
    apart = [a.log_evidence - b.log_evidence for a, b in zip(first, second, strict=True)]
    assert np.abs(apart).max() < 0.25
    again = weigh(LAWS, grown, SPAN, seed=1)
    assert [e.log_evidence for e in again] == [e.log_evidence for e in first]


def test_nothing_measured_leaves_all_laws_alike() -> None:
    shares = probabilities(weigh(LAWS, Grown.of(()), SPAN, seed=1))
    assert shares == pytest.approx(1 / len(LAWS))


def test_one_odd_site_does_not_decide() -> None:
    grown = world("log_time", 40, seed=2)
    diameter = grown.diameter.copy()
    diameter[7] = 0.0  # a defect: nothing has grown there
    spoilt = Grown(grown.bias, grown.duration, diameter, grown.uncertainty, grown.smallest)
    shares = probabilities(weigh(LAWS, spoilt, SPAN, seed=1))
    assert LAWS[int(shares.argmax())].name == "log_time"


def test_domains_that_are_not_seen_count_as_small_ones() -> None:
    bias = np.repeat([5.0, 6.0, 10.0, 11.0], 3)
    diameter = np.repeat([0.0, 0.0, 90e-9, 105e-9], 3)
    grown = Grown(bias, np.ones(12), diameter, np.full(12, 1e-9), np.full(12, 40e-9))
    (found,) = weigh((law("instant"),), grown, SPAN, seed=1)
    at_five = found.predict(np.array([5.0]), np.array([1.0]))
    assert np.quantile(at_five, 0.9) < 45e-9


def test_the_parameters_are_found_with_their_uncertainty() -> None:
    (found,) = weigh((law("log_time"),), world("log_time", 60, seed=4), SPAN, seed=1)
    for (mean, deviation), true in zip(found.parameters().values(), TRUE["log_time"], strict=True):
        assert abs(mean - true) < 3 * deviation
        assert deviation < 0.2 * true
    assert found.spread.mean() == pytest.approx(3e-9, rel=0.3)


def pulses() -> tuple[FloatArray, FloatArray]:
    bias, duration = np.meshgrid([4.0, 8.0, 12.0], [10e-3, 0.3, 10.0])
    return bias.ravel(), duration.ravel()


def test_information_is_never_more_than_what_is_not_known() -> None:
    evidences = weigh(LAWS, world("log_time", 5, seed=1), SPAN, seed=1)
    shares = probabilities(evidences)
    bits = information(evidences, *pulses(), 20e-9, 1e-9)
    assert (bits >= 0).all()
    assert (bits <= -(shares * np.log2(shares)).sum()).all()


def test_a_pulse_in_the_middle_tells_less_than_one_at_the_edge() -> None:
    # both laws were fitted where the pulses were, and part where none was
    two = (law("instant"), law("log_time"))
    middle = Grown.of([(8.0, 0.316, 80e-9, 1e-9, 20e-9)] * 6)
    bits = information(weigh(two, middle, SPAN, seed=1), *pulses(), 20e-9, 1e-9)
    bias, duration = pulses()
    at_middle = bits[(bias == 8.0) & (duration == 0.3)][0]
    assert at_middle < 0.2 * bits[duration == 10.0].max()


def test_information_is_what_the_probabilities_gain_on_average() -> None:
    two = (law("instant"), law("viscous"))
    before = Grown.of([(8.0, 10.0, 80e-9, 1e-9, 20e-9)] * 3)
    evidences = weigh(two, before, SPAN, seed=1)
    prior = probabilities(evidences)
    pulse = np.array([8.0]), np.array([30e-3])
    rng = np.random.default_rng(2)
    gained = []
    for _ in range(16):
        k = int(rng.integers(256))
        of = evidences[int(rng.random() > prior[0])]
        d = of.predict(*pulse)[k, 0] + of.spread[k] * rng.standard_normal()
        row = (8.0, 30e-3, d if d > 20e-9 else 0.0, 1e-9, 20e-9)
        after = probabilities(weigh(two, Grown.of([*rows_of(before), row]), SPAN, seed=1))
        gained.append(entropy(prior) - entropy(after))
    (bits,) = information(evidences, *pulse, 20e-9, 1e-9)
    error = np.std(gained) / math.sqrt(len(gained))
    assert abs(np.mean(gained) - bits) < 3 * error + 0.05


def rows_of(grown: Grown) -> list[tuple[float, float, float, float, float]]:
    columns = (grown.bias, grown.duration, grown.diameter, grown.uncertainty, grown.smallest)
    return [tuple(row) for row in np.column_stack(columns).tolist()]


def entropy(shares: FloatArray) -> float:
    some = shares[shares > 0]
    return float(-(some * np.log2(some)).sum())


@pytest.mark.parametrize(
    ("bias", "duration", "diameter", "said"),
    [
        ((8.0, 8.0), (1.0, 2.0), 1e-7, "the bias must run"),
        ((4.0, 8.0), (0.0, 2.0), 1e-7, "the duration must run"),
        ((4.0, 8.0), (1.0, 2.0), 0.0, "the largest diameter must be positive, got 0.0 m"),
    ],
)
def test_an_experiment_without_a_range_is_refused(
    bias: tuple[float, float], duration: tuple[float, float], diameter: float, said: str
) -> None:
    with pytest.raises(ValueError, match=said):
        Span(bias, duration, diameter)


def test_data_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(ValueError, match="diameter must be finite"):
        Grown.of([(8.0, 1.0, math.nan, 1e-9, 20e-9)])
