"""Curves as CSV: every point of every chosen spectrum or force curve, in SI units."""

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from spm_auto.data import JudgedCurve
from spm_auto.instrument import Channel

from .traces import Judged, channels_of, place_of, remark


def curves_as_csv(judged: Sequence[Judged], title: str = "", made: float | None = None) -> str:
    """Return spectra, or force curves, as a table with a line for each point.

    Numbers are written so that reading them gives the same float back. What a curve does not have
    is empty; lines that begin with # are remarks.

    Args:
        judged: Which ones, all of one kind.
        title: Of the run.
        made: When the table is made [s since 1970]; None is not said.
    """
    channels = list(dict.fromkeys(c for each in judged for c in channels_of(each)))
    is_force = any(isinstance(each, JudgedCurve) for each in judged)
    text = io.StringIO()
    if title:
        text.write(f"# {' '.join(title.split())}\n")
    if made is not None:
        text.write(f"# made {datetime.fromtimestamp(made, UTC):%Y-%m-%dT%H:%M:%SZ}\n")
    table = csv.writer(text, lineterminator="\n")
    across = ["way", "extension (m)"] if is_force else ["bias (V)"]
    named = [each.name if each.unit == "1" else f"{each.name} ({each.unit})" for each in channels]
    table.writerow(["number", "x (m)", "y (m)", "start (s)", "remark", *across, *named])
    for each in judged:
        table.writerows(_rows(each, channels))
    return text.getvalue()


def _rows(judged: Judged, channels: Sequence[Channel]) -> list[list[object]]:
    x, y = place_of(judged)
    own = channels_of(judged)
    at = [own.index(channel) if channel in own else None for channel in channels]
    if isinstance(judged, JudgedCurve):
        curve = judged.curve
        begin = [judged.number + 1, x, y, curve.start_time, remark(judged)]
        return [
            [*begin, way, float(along), *("" if k is None else float(data[k, n]) for k in at)]
            for way, data in (("down", curve.approach), ("up", curve.retract))
            for n, along in enumerate(curve.extension)
        ]
    spectrum = judged.spectrum
    begin = [judged.number + 1, x, y, spectrum.start_time, remark(judged)]
    return [
        [*begin, float(bias), *("" if k is None else float(spectrum.data[k, n]) for k in at)]
        for n, bias in enumerate(spectrum.bias)
    ]
