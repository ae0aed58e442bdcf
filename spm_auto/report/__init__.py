"""The report: one self-contained HTML page of a run, made from its journal alone."""

from .html import REPORT_NAME, fill_page, write_report
from .tables import Fact, chosen_text, value_text

__all__ = ["REPORT_NAME", "Fact", "chosen_text", "fill_page", "value_text", "write_report"]
