"""The Gantt chart: rows, colours and units of what is drawn."""

import pytest

from spm_auto.plotting import Bar, plot_gantt, to_png


def test_each_resource_has_a_row_in_the_order_in_which_it_comes() -> None:
    bars = [
        Bar("steps", "overview", 0.0, 60.0, is_label=True),
        Bar("instrument", "scan", 0.0, 60.0),
        Bar("agent", "think", 60.0, 400.0, share=0.2),
        Bar("instrument", "spectrum", 60.0, 400.0),
    ]
    ax = plot_gantt(bars, "a run")
    assert [label.get_text() for label in ax.get_yticklabels()] == ["steps", "instrument", "agent"]
    assert ax.get_xlabel() == "instrument time (min)"
    assert ax.get_xlim() == (0.0, pytest.approx(400 / 60))
    assert [text.get_text() for text in ax.texts] == ["overview"]
    assert ax.get_title(loc="left") == "a run"
    (legend,) = ax.figure.legends
    assert [text.get_text() for text in legend.get_texts()] == ["scan", "think", "spectrum"]
    assert to_png(ax.figure).startswith(b"\x89PNG")


@pytest.mark.parametrize(("latest", "unit"), [(20.0, "s"), (600.0, "min"), (20_000.0, "h")])
def test_time_is_written_in_the_unit_that_suits(latest: float, unit: str) -> None:
    ax = plot_gantt([Bar("instrument", "scan", 0.0, latest)])
    assert ax.get_xlabel() == f"instrument time ({unit})"


def test_a_bar_is_as_low_as_its_share() -> None:
    ax = plot_gantt([Bar("agent", "think", 0.0, 9.0), Bar("agent", "think", 9.0, 10.0, share=0.5)])
    tall = [c.get_paths()[0].get_extents().height for c in ax.collections]
    assert tall[0] / tall[1] == pytest.approx(0.5)


def test_what_has_no_colour_of_its_own_gets_one_that_nothing_else_has() -> None:
    bars = [Bar("instrument", what, n, n + 1) for n, what in enumerate(("scan", "dance", "sing"))]
    ax = plot_gantt(bars)
    colours = {tuple(c.get_facecolor()[0]) for c in ax.collections}
    assert len(colours) == 3


def test_a_chart_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="there is nothing to draw"):
        plot_gantt([])
