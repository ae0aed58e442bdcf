"""The table of chaos counts what it says."""

import pytest
from rows import FAULTS, Table


def test_the_table_has_thirty_rows() -> None:
    assert list(FAULTS) == list(range(1, 31))
    lines = list(Table().lines())
    assert len(lines) == 32
    assert all("not run" in line for line in lines[1:31])


def test_a_case_that_raises_is_counted_and_has_not_survived() -> None:
    table = Table()
    row = table(13, "out of range", "one wrong number")
    row.case(True)
    with pytest.raises(ZeroDivisionError), row.trial():
        assert 1 / 0
    row.figure("p99 41 ms")
    assert table.fallen == {13: 1}
    told = list(table.lines())[13]
    assert " ".join(told.split()) == "13 out of range one wrong number 2 1 p99 41 ms"


def test_a_row_is_not_counted_under_a_wrong_name() -> None:
    with pytest.raises(AssertionError, match="row 13 is 'out of range', and not 'drift'"):
        Table()(13, "drift", "an offset")
