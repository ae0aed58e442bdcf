"""Scale: the prefix of an axis is chosen once, and changes only when it must."""

from spm_auto.gui.common.scale import Scale
from spm_auto.gui.common.words import number_of


def test_a_prefix_is_chosen_by_what_is_shown_first_and_kept() -> None:
    """Row 6: the prefix of an axis does not jump."""
    scale = Scale("A")
    assert scale.fit(3e-11)
    assert scale.label("current") == "current (pA)"
    assert not scale.fit(4e-9)
    assert not scale.fit(5e-13)
    assert scale.label("current") == "current (pA)"
    assert scale.fit(2e-8)
    assert scale.label("current") == "current (nA)"


def test_a_unit_per_unit_has_its_prefix_in_front() -> None:
    scale = Scale("m/V")
    scale.fit(2e-12)
    assert scale.shown_unit == "pm/V"
    assert scale.factor == 1e-12


def test_what_has_no_prefix_gets_none() -> None:
    known = (("1", "ratio"), ("%", "ratio (%)"), ("a.u.", "ratio (a.u.)"), ("1/V", "ratio (1/V)"))
    for unit, label in known:
        scale = Scale(unit)
        assert not scale.fit(1e-6)
        assert scale.label("ratio") == label
    assert not Scale("V").fit(float("nan"))
    assert Scale("V").label("") == ""


def test_numbers_of_things_end_as_they_should() -> None:
    said = [number_of(n, word) for n, word in ((0, "line"), (1, "spectrum"), (2, "spectrum"))]
    assert said == ["no lines", "1 spectrum", "2 spectra"]
