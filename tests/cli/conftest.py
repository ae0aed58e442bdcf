"""The command line as a function."""

import sys

import pytest
from prompt import Command

from spm_auto import cli


@pytest.fixture
def command(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Give a function that runs the command line in this process: exit code, out, err."""

    def call(*words: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["spm-auto", *map(str, words)])
        with pytest.raises(SystemExit) as leaving:
            cli.main()
        said = capsys.readouterr()
        code = leaving.value.code
        return (code if isinstance(code, int) else 0), said.out, said.err

    return call
