"""What is true of a sample cannot be reached from the notebook that measures it: tried."""

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from spm_auto import plugins
from spm_auto.classroom import load_lesson, read_course

PRYING = Path(__file__).with_name("prying.py")


@pytest.mark.lessons
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.parametrize("name", plugins.names("lessons"))
def test_a_notebook_that_looks_everywhere_finds_neither_seed_nor_secret_nor_truth(
    name: str, tmp_path: Path
) -> None:
    home, out, here = tmp_path / "home", tmp_path / "out", tmp_path / "here"
    for folder in (out, here, tmp_path / "tmp"):
        folder.mkdir()
    subprocess.run(
        [sys.executable, str(PRYING), name, str(out)],
        check=True,
        cwd=here,
        timeout=240,
        env={**os.environ, "SPM_AUTO_HOME": str(home), "TMPDIR": str(tmp_path / "tmp")},
    )
    course, lesson = read_course(home / "course.toml"), load_lesson(name)
    seed = course.seed(name, "ada")
    found = (out / "found.bin").read_bytes()
    numbers = json.loads((out / "numbers.json").read_text())

    # it did look: its own key's file, the run's title, a number of the question
    assert b"SECRET key of spm_auto" in found
    assert b"prying" in found
    assert b"there is no" in found or b"outside" in found
    assert 9e-9 in numbers  # of a scan that was refused
    assert json.loads((out / "modules.json").read_text()) == []

    secret = bytes.fromhex(course.secret)
    forms = [course.secret.encode(), secret, secret.hex().upper().encode()]
    forms += [str(seed).encode(), f"{seed:x}".encode(), seed.to_bytes(7, "big")]
    forms += [seed.to_bytes(8, "big"), seed.to_bytes(8, "little")]
    assert [form for form in forms if form in found] == []

    others = lesson.truth(seed ^ 1)
    for question, truth in lesson.truth(seed).items():
        for value in truth if isinstance(truth, tuple) else (truth,):
            if isinstance(value, str) or value in np.ravel(others[question]):
                continue  # a word of the question itself, or what is so for everybody
            near = [each for each in numbers if math.isclose(each, value, rel_tol=1e-9)]
            assert near == [], question
            assert repr(value).encode() not in found, question
    said = [line.encode() for line in lesson.lab(seed).splitlines() if "kind" in line]
    assert b'kind = "simulator"' in said
    assert b'kind = "simulator"' not in found
    assert list((tmp_path / "tmp").iterdir()) == []  # nothing is left behind
    assert list(here.iterdir()) == []
