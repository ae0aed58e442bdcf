"""What the command line shows of plans: tables, pictures, and JSON for scripts."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from .data import write_whole
from .display import print_json
from .plotting import Bar, plot_gantt, to_png
from .units import format as format_quantity
from .units import format_duration
from .workflow import (
    Happened,
    Measured,
    Operation,
    Outline,
    Plan,
    PlannedStep,
    Recipe,
    Resource,
    Span,
    outlines_of,
    where,
)

_SHOWN = 8  # operations of the critical path that are written out


def print_plan(
    plan: Plan, title: str, as_json: bool = False, measured: Measured | None = None
) -> None:
    """Print what a run is about to do, how long it will take, and what most of it goes to."""
    if as_json:
        print_json(plan_table(plan, measured))
        return
    table = _table(f"the plan: {title}", ("operation", "who"), ("times", "each", "in all", "share"))
    table.add_row("load", "instrument", "1", *_times(plan, 1, plan.load_seconds))
    for step in _flat(plan):
        _add_step(table, plan, step)
    table.add_row("all", "", "", "", _time(plan.elapsed), "100 %", style="bold")
    console = Console()
    console.print(table)
    console.print("critical path: " + " > ".join(_path(plan)), highlight=False, markup=False)
    slowest = plan.bottleneck
    console.print(
        f"bottleneck: {slowest.what} of {_named(slowest.path, slowest.kind)}, by the "
        f"{slowest.resource}, {slowest.share:.0%} of the time",
        highlight=False,
        markup=False,
    )
    if plan.elapsed > plan.seconds:
        said = f"instrument time {format_duration(plan.seconds)}"
        console.print(f"{said}; the rest is spent on waiting for the agent or a human")
    low, high = plan.bias
    console.print(f"bias between {format_quantity(low, 'V')} and {format_quantity(high, 'V')}")
    console.print(f"at most {format_quantity(plan.size, 'B', 3)} on disk")
    if any(math.isnan(o.seconds) for step in _flat(plan) for o in step.operations):
        console.print("nobody has measured the agent or the human yet: --measured RUN", style="dim")
    if measured is not None:
        console.print(_said(measured), highlight=False, markup=False)


def plan_table(plan: Plan, measured: Measured | None = None) -> dict[str, Any]:
    """Return a plan as plain values, for scripts."""
    table = asdict(plan)
    del table["spans"]
    return {
        **table,
        "seconds": plan.seconds,
        "n_spectra": plan.n_spectra,
        "size": plan.size,
        "critical_path": [asdict(each) for each in plan.critical_path],
        "bottleneck": asdict(plan.bottleneck),
        "measured": None if measured is None else asdict(measured),
    }


def print_comparison(plan: Plan, happened: Happened, title: str, as_json: bool = False) -> None:
    """Print what was planned beside what happened, step by step."""
    rows = list(_compared(plan, happened))
    if as_json:
        print_json({"steps": rows, "seconds": happened.seconds, "planned": plan.seconds})
        return
    numbers = ("planned", "takes", "done", "took", "ratio")
    table = _table(f"planned and done: {title}", ("operation",), numbers)
    last = None
    for row in rows:
        if row["step"] != last:
            table.add_row(escape(row["step"]), style="bold")
            last = row["step"]
        table.add_row(
            f"  {row['operation']}{_by(row['who'])}",
            str(row["planned_count"]),
            _time(row["planned"]),
            str(row["count"]),
            _time(row["seconds"]),
            _ratio(row["seconds"], row["planned"]),
        )
    ratio = _ratio(happened.seconds, plan.seconds)
    times = ("", _time(plan.seconds), "", _time(happened.seconds), ratio)
    table.add_row("all", *times, style="bold")
    Console().print(table)


def draw_plan(plan: Plan, title: str, path: Path) -> None:
    """Draw a plan as a Gantt chart, a PNG."""
    kinds = {step.path: step.kind for step in _flat(plan)}
    stretches = [(s.path, s.start, s.end) for s in _flat(plan) if s.end > s.start]
    _draw(_step_bars(stretches, kinds), plan.spans, f"{title}: as planned", path)


def draw_run(happened: Happened, title: str, path: Path) -> None:
    """Draw what really happened as a Gantt chart, a PNG."""
    stretches = [
        (where, account.start, account.end)
        for where, account in happened.accounts.items()
        if where and account.end > account.start
    ]
    bars = _step_bars(stretches, happened.kinds)
    _draw(bars, happened.spans, f"{title}: as it was", path)


def print_outline(recipe: Recipe, name: str, lab: str = "") -> None:
    """Say that a recipe is good, and what its steps are."""
    console = Console(soft_wrap=True, highlight=False, markup=False)
    within = f", and within the limits of {lab}" if lab else ""
    console.print(f"{name} is good{within}: {recipe.title}")
    for index, outline in enumerate(outlines_of(recipe)):
        for line in _outlined(outline, f"steps[{index}]", 1):
            console.print(line)


def _outlined(outline: Outline, place: str, depth: int) -> Iterator[str]:
    counts: dict[str, int] = {}
    for instruction in outline.instructions:
        name = type(instruction).__name__
        words = {"AcquireSpectrum": "spectra", "Scan": "scans", "AcquireForceCurve": "force curves"}
        word = words.get(name, name)
        counts[word] = counts.get(word, 0) + 1
    said = [f"{count} {word[:-1] if count == 1 and word == 'scans' else word}"
            for word, count in counts.items()]  # fmt: skip
    if outline.choices:
        said.append("chosen by an agent")
    if outline.waiting:
        said.append(f"waits {format_duration(outline.waiting)}")
    if outline.rounds > 1:
        said.append(f"{outline.rounds} rounds at most")
    if math.isfinite(outline.longest):
        said.append(f"ends after {format_duration(outline.longest)}")
    if math.isfinite(outline.spectra):
        said.append(f"ends after {outline.spectra:.0f} spectra")
    if math.isfinite(outline.exposure):
        said.append(f"ends after {format_quantity(outline.exposure, 'V s')}")
    if outline.asks:
        said.append(f"asks a human {outline.asks} times" if outline.asks > 1 else "asks a human")
    yield f"{'  ' * depth}{place} {outline.kind}" + (f": {', '.join(said)}" if said else "")
    for number, inner in enumerate(outline.inner):
        yield from _outlined(inner, f"{place}.steps[{number}]", depth + 1)


def _table(title: str, words: Sequence[str], numbers: Sequence[str]) -> Table:
    table = Table(title=escape(title), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for heading in words:
        table.add_column(heading, no_wrap=True)
    for heading in numbers:
        table.add_column(heading, justify="right", no_wrap=True)
    return table


def _add_step(table: Table, plan: Plan, step: PlannedStep) -> None:
    indent = "  " * (len(step.path) - 1)
    rounds = str(step.rounds) if step.rounds > 1 else ""
    lasts = step.end - step.start
    name = escape(_named(step.path[-1:], step.kind))
    row = (indent + name, "", rounds, "", _time(lasts))
    table.add_row(*row, _share(lasts, plan), style="bold")
    for operation in step.operations:
        beside = operation.resource is not Resource.INSTRUMENT
        table.add_row(
            f"{indent}  {operation.what}",
            operation.resource,
            str(operation.count),
            *_times(plan, operation.count, operation.seconds),
            style="dim" if beside else "",
        )


def _times(plan: Plan, count: int, seconds: float) -> tuple[str, str, str]:
    return _time(seconds / count if count else math.nan), _time(seconds), _share(seconds, plan)


def _time(seconds: float | None) -> str:
    if seconds is None or math.isnan(seconds):
        return "–"
    return format_duration(seconds) if seconds >= 1 else format_quantity(seconds, "s", 3)


def _share(seconds: float, plan: Plan) -> str:
    if math.isnan(seconds) or not plan.elapsed:
        return "–"
    return f"{seconds / plan.elapsed:.1%}".replace("%", " %")


def _ratio(seconds: float, planned: float | None) -> str:
    is_known = planned and math.isfinite(planned) and math.isfinite(seconds)
    return f"{seconds / planned:.3f}" if planned and is_known else "–"


def _by(who: str) -> str:
    return "" if who == Resource.INSTRUMENT else f", {who}"


def _flat(plan: Plan) -> Iterator[PlannedStep]:
    for top in plan.steps:
        yield from top.flat()


def _named(path: Sequence[int], kind: str) -> str:
    return f"{where(tuple(path))} {kind}" if path else "the start"


def _path(plan: Plan) -> Iterator[str]:
    """Write the critical path; what takes little of it is left out where it is long."""
    known = plan.critical_path
    ranked = sorted(known, key=lambda each: -each.seconds)[:_SHOWN]
    for each in known:
        if each in ranked:
            place = f"{where(each.path)} " if each.path else ""
            yield f"{place}{each.what} {format_duration(each.seconds)}"
    if len(known) > len(ranked):
        rest = sum(each.seconds for each in known) - sum(each.seconds for each in ranked)
        yield f"{len(known) - len(ranked)} more {format_duration(rest)}"


def _compared(plan: Plan, happened: Happened) -> Iterator[dict[str, Any]]:
    """Yield a row for each operation of each step that was planned or happened."""
    planned: dict[tuple[int, ...], tuple[str, tuple[Operation, ...]]] = {
        step.path: (step.kind, step.operations) for step in _flat(plan)
    }
    loading = Operation("load", Resource.INSTRUMENT, 1, plan.load_seconds)
    planned[()] = ("load", (loading,))
    for path in sorted({*planned, *happened.accounts}):
        kind, operations = planned.get(path, (happened.kinds.get(path, ""), ()))
        account = happened.accounts.get(path)
        expected = {(o.resource, o.what): o for o in operations}
        real = account.count if account is not None else {}
        for key in dict.fromkeys([*expected, *real]):
            operation = expected.get(key)
            seconds = account.seconds.get(key) if account is not None else None
            if key[1] == "position" and key not in real:  # it is part of the spectra then
                continue
            ways = expected.get((key[0], "position")) if key[1] == "spectrum" else None
            yield {
                "step": _named(path, kind),
                "operation": key[1],
                "who": str(key[0]),
                "planned_count": operation.count if operation else 0,
                "planned": None
                if operation is None
                else operation.seconds + (ways.seconds if ways else 0.0),
                "count": real.get(key, 0),
                "seconds": 0.0 if seconds is None else seconds,
            }


def _step_bars(
    stretches: Sequence[tuple[tuple[int, ...], float, float]], kinds: dict[tuple[int, ...], str]
) -> list[Bar]:
    rows = {1: "steps", 2: "inside"}
    return [
        Bar(rows.get(len(path), f"inside, {len(path) - 1}"), kinds.get(path, ""), start, end,
            is_label=True)
        for path, start, end in sorted(stretches, key=lambda each: (len(each[0]), each[1]))
    ]  # fmt: skip


def _draw(bars: list[Bar], spans: Sequence[Span], title: str, path: Path) -> None:
    order = list(Resource)
    for span in sorted(spans, key=lambda s: order.index(s.resource)):
        length = span.end - span.start
        if length > 0:
            share = min(span.busy / length, 1.0) if span.busy > 0 else 1.0
            bars.append(Bar(str(span.resource), span.what, span.start, span.end, share))
    figure = plot_gantt(bars, title).get_figure(root=True)
    assert figure is not None
    write_whole(path, to_png(figure))


def _said(measured: Measured) -> str:
    ratios = ", ".join(f"{what} {ratio:.3f}" for what, ratio in measured.ratios.items())
    return f"corrected by what was measured: {ratios}; ways {measured.ways:.2f} of those at random"
