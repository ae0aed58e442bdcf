"""After the faults of the wires: how many cases there were, and how many were survived."""

from typing import Any

from test_wire_faults import CASES


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if CASES:
        terminalreporter.write_line(
            f"faults on the wire: {CASES['run']} cases, {CASES['struck']} struck, "
            f"{CASES['error']} ended with a typed error, {CASES['survived']} survived"
        )
