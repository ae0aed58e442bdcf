"""What a pulse leaves behind."""

import numpy as np
import pytest
from agents_samples import make_spectrum

from spm_auto.agents.scalarizers import pulse_response

BIAS = np.r_[np.zeros(8), np.full(5, 6.0), np.zeros(8)]


def test_the_response_is_the_change_and_its_noise_is_the_scatter() -> None:
    rng = np.random.default_rng(1)
    found = []
    for _ in range(200):
        response = np.where(np.arange(21) < 8, -1.0, 1.0) + 0.1 * rng.standard_normal(21)
        response[8:14] = 7.0  # while the pulse lasts, and the readout one point longer
        found.append(pulse_response(make_spectrum(response, BIAS)))
    values = np.array([scalar.value for scalar in found])
    assert values.mean() == pytest.approx(2.0, abs=0.02)
    assert values.std() == pytest.approx(np.mean([scalar.noise for scalar in found]), rel=0.2)
    assert {scalar.unit for scalar in found} == {"m"}


@pytest.mark.parametrize(
    ("bias", "flag"),
    [
        (np.zeros(21), "no single pulse"),
        (np.r_[np.zeros(4), 1.0, np.zeros(4), 1.0, np.zeros(11)], "no single pulse"),
        (np.r_[0.0, np.full(10, 1.0), np.zeros(10)], "fewer than 2 points"),
    ],
)
def test_what_is_no_pulse_is_flagged(bias: np.ndarray, flag: str) -> None:
    response = np.sin(np.arange(21.0))
    assert flag in pulse_response(make_spectrum(response, bias)).flag
