"""After the tests of other people's programs: the table client x calls x right."""

from typing import Any

from running import RESULTS


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if RESULTS:
        terminalreporter.section("clients: calls with the right value")
    for name, calls in RESULTS.items():
        right = sum(call.right for call in calls)
        terminalreporter.write_line(f"{name:<22} {right:>3} of {len(calls)}")
        for call in calls:
            if not call.right:
                terminalreporter.write_line(f"    {call.name}: {call.why}")
