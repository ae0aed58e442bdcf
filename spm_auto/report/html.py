"""The page: facts, pictures and tables of a run put into the template ``page.html``."""

import json
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any

from ..data import FILE_NAME, RecordedRun, open_run, write_whole
from ..units import format as format_quantity
from .curves import draw_curves
from .found import draw_found, found_rows, law_rows
from .pictures import draw
from .tables import decisions, facts, resumptions, timing

REPORT_NAME = "report.html"


def write_report(folder: Path) -> Path:
    """Write ``report.html`` beside a run's journal.

    The page needs nothing else: no network, no other file. It can be made of a run that was
    cancelled, failed or killed, too.

    Args:
        folder: The run's folder.

    Returns:
        The page.

    Raises:
        DataError: There is no run in the folder, or the page cannot be written there.
    """
    text = render(open_run(folder / FILE_NAME))
    return write_whole(folder / REPORT_NAME, text.encode("utf-8"))


def render(run: RecordedRun) -> str:
    """Return the page of a run as HTML."""
    settings = {key: value for key, value in run.started.settings.items() if value}
    return fill_page(
        files(__package__).joinpath("page.html").read_text(encoding="utf-8"),
        run=run,
        outcome=run.finished.reason.value if run.finished else "unfinished",
        message=run.finished.message if run.finished else run.damage,
        date=datetime.fromtimestamp(run.records[0].utc, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        facts=facts(run),
        pictures=draw(run) + draw_curves(run) + draw_found(run),
        found=found_rows(run),
        laws=law_rows(run),
        is_rated=run.best is not None,
        timing=timing(run),
        resumptions=resumptions(run),
        decisions=decisions(run),
        settings=json.dumps(settings, indent=2, default=str),
        versions=dict(run.started.versions),
        parameters=_parameters(run),
    )


def fill_page(template: str, **values: Any) -> str:
    """Return a page in the looks of the report as HTML.

    Args:
        template: The page with places for its values and for ``style``, in the language of jinja2.
        values: What belongs there; text is shown, never obeyed.
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(autoescape=True, undefined=StrictUndefined)
    style = files(__package__).joinpath("style.css").read_text(encoding="utf-8")
    page: str = environment.from_string(template).render(style=style, **values)
    return page


def _parameters(run: RecordedRun) -> dict[str, Any]:
    if not run.fits:
        return {}
    last = run.fits[-1]
    return {name: format_quantity(value, "1", 3) for name, value in last.parameters.items()}
