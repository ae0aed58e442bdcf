"""The page on security promises nothing that no test holds."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent


def test_each_promise_names_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "security.md").read_text("utf-8")
    promises = page.partition("## What is promised")[2].partition("\n## ")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ")][2:]
    named = set(re.findall(r"`(test_\w+)`", promises))
    files = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    there = set(re.findall(r"^ *def (test_\w+)\(", "\n".join(files), re.MULTILINE))
    assert named - there == set()
    assert len(rows) > 20
    assert [row for row in rows if "`test_" not in row.rpartition(" | ")[2]] == []
