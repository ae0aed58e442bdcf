"""The report: one self-contained HTML page of a run, made from its journal alone."""

from .html import REPORT_NAME, write_report

__all__ = ["REPORT_NAME", "write_report"]
