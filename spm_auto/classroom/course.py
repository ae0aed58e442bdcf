"""Course: what an instructor keeps to themselves, and what every student's sample is made of."""

import contextlib
import hashlib
import hmac
import json
import os
import re
import secrets
from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field

from ..errors import AccessError, LessonError
from ..keys import home
from ..server import check_rights, restrict
from ..settings import SchemaVersion, read_toml, validate

FILE = "course.toml"  # in the folder of one's own keys, for self-study
_SECRET = re.compile(r"[0-9a-f]{64}")
_OTHERS = 0o077  # rights of group and others
_SEED_BYTES = 7  # of a seed: too many to try


class Course(BaseModel):
    """A course: the samples of all its lessons and students follow from its secret.

    Attributes:
        schema_version: Version of this format.
        name: For people.
        secret: 32 random bytes as hexadecimal digits; whoever has them has every truth.
        same_for_all: Whether all students of a lesson get the same sample.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    schema_version: SchemaVersion
    name: str = Field(min_length=1, max_length=200)
    secret: str = Field(repr=False)
    same_for_all: bool = False

    def seed(self, lesson: str, student: str) -> int:
        """Return the seed of a student's sample in a lesson."""
        return int.from_bytes(self._digest("seed", lesson, student)[:_SEED_BYTES], "big")

    def tag(self, lesson: str, student: str) -> str:
        """Return what tells that an answer belongs to this sample, and nothing else."""
        return self._digest("tag", lesson, student)[:6].hex()

    def _digest(self, what: str, lesson: str, student: str) -> bytes:
        words = json.dumps([what, lesson, "" if self.same_for_all else student])
        return hmac.digest(bytes.fromhex(self.secret), words.encode(), hashlib.sha256)


def own_course_path() -> Path:
    """Return where the course of somebody who learns alone stands."""
    return home() / FILE


def new_course(path: Path, name: str, same_for_all: bool = False) -> Course:
    """Make a course with a new secret, in a file that only its owner may read.

    Args:
        path: Of the file.
        name: For people.
        same_for_all: Whether all students of a lesson get the same sample.

    Raises:
        LessonError: There is such a file, or it cannot be written: a lost secret is lost grades.
    """
    table = {"schema_version": 1, "name": name, "secret": secrets.token_hex(32)}
    course = validate(Course, {**table, "same_for_all": same_for_all}, str(path))
    lines = (
        "# SECRET: whoever reads this file can work out every answer of the course.",
        "schema_version = 1",
        f"name = {json.dumps(name, ensure_ascii=False)}",
        f'secret = "{course.secret}"',
        f"same_for_all = {str(same_for_all).lower()}",
    )
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(file, "w", encoding="utf-8", newline="\n") as stream:
                stream.write("\n".join((*lines, "")))
            _take_free_place(part, path)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError:
        raise LessonError(f"{path} exists already, and a course is never overwritten") from None
    except OSError as error:
        raise LessonError(f"{path} cannot be written: {error.strerror or error}") from error
    restrict(path)
    return course


def read_course(path: Path) -> Course:
    """Read a course file.

    Raises:
        LessonError: It is missing, no course, or others may read it; the secret is never quoted.
        RecipeError: Something else of it is wrong.
    """
    if not path.is_file():
        raise LessonError(f"{path}: there is no course; `spm-auto course new` makes one")
    try:
        check_rights(path, path.stat(), _OTHERS)
    except AccessError as error:
        raise LessonError(str(error)) from error
    table, _ = read_toml(path, "course")
    secret = table.get("secret")
    if not isinstance(secret, str) or not _SECRET.fullmatch(secret):
        raise LessonError(
            f"{path}: the secret must be 64 hexadecimal digits, as `spm-auto course new` makes them"
        )
    return validate(Course, table, path.name)


def own_course() -> Course:
    """Return the course of somebody who learns alone, made on first use; by one of several."""
    path = own_course_path()
    if not path.exists():
        with contextlib.suppress(LessonError):  # another one may just have made it
            return new_course(path, "self-study")
    return read_course(path)


def _take_free_place(part: Path, path: Path) -> None:
    """Give a whole file its name, which nothing must have yet."""
    if os.name == "nt":
        part.rename(path)  # refuses to replace a file there
    else:
        os.link(part, path)
