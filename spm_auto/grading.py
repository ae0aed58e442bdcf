"""The command line of lessons: what there is, hosting, and what an answer is worth."""

import json
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from .errors import LessonError

if TYPE_CHECKING:  # what --help must not wait for
    from .classroom import Course

app = typer.Typer()
lesson_app = typer.Typer(help="Host a lesson for students.", no_args_is_help=True)
course_app = typer.Typer(help="Make a course, which graded lessons need.", no_args_is_help=True)

LessonName = Annotated[
    str, typer.Argument(metavar="LESSON", help="The lesson; `spm-auto lessons` has them.")
]
CourseFile = Annotated[
    Path | None,
    typer.Option("--course", metavar="FILE", help="The course; your own, for self-study, without."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for scripts.")]


@app.command()
def lessons(as_json: AsJson = False) -> None:
    """List the lessons that are installed."""
    from . import plugins

    found = sorted(
        (plugins.load("lessons", name) for name in plugins.names("lessons")),
        key=lambda each: each.number,
    )
    if as_json:
        typer.echo(
            json.dumps([{"number": e.number, "name": e.name, "title": e.title} for e in found])
        )
        return
    for each in found:
        typer.echo(f"{each.number}. {each.name}: {each.title}")


@app.command()
def grade(
    lesson: LessonName,
    answer: Annotated[Path, typer.Argument(metavar="ANSWER", help="What was handed in.")],
    course: CourseFile = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="Print the truth beside it, for instructors.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Mark what a student has handed in against the truth of the sample, which stays hidden."""
    from .classroom import AnswerSheet, load_lesson
    from .classroom import grade as mark_sheet
    from .classroom import reveal as truth_of

    chosen, kept = load_lesson(lesson), _course(course)
    sheet = AnswerSheet.read(answer)
    marks = mark_sheet(kept, chosen, sheet)
    truth = truth_of(kept, chosen, sheet.student) if reveal else {}
    rows: list[dict[str, Any]] = [
        {"question": each.question, "points": each.points, "most": each.most, "said": each.said}
        | ({"answer": sheet.answers[each.question], "truth": truth[each.question]} if truth else {})
        for each in marks.marks
    ]
    if as_json:
        said = {"lesson": lesson, "student": sheet.student, "attempt": sheet.attempt}
        typer.echo(json.dumps({**said, "points": marks.points, "most": marks.most, "marks": rows}))
        return
    typer.echo(f"{chosen.title}: {sheet.student}, attempt {sheet.attempt}")
    for row in rows:
        typer.echo(f"  {row['points']:g} of {row['most']:g}  {row['question']}: {row['said']}")
        if truth:
            typer.echo(f"        answer {row['answer']}, truth {row['truth']}")
    typer.echo(f"  {marks.points:g} of {marks.most:g} points")


@course_app.command("new")
def new(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="Where; keep it to yourself.")],
    name: Annotated[str, typer.Option("--name", help="Of the course, for people.")],
    same_for_all: Annotated[
        bool, typer.Option("--same-for-all", help="Give all students the same sample.")
    ] = False,
) -> None:
    """Make a course: a secret of which the samples of all its students are made."""
    from .classroom import new_course

    new_course(path, name, same_for_all)
    typer.echo(f"{path}: whoever reads it can work out every answer; keep it, and a copy of it")


@lesson_app.command("host")
def host(
    lesson: LessonName,
    student: Annotated[
        list[str], typer.Option("--student", help="Who gets a microscope; several times for more.")
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for what is to be given away.")
    ] = None,
    course: CourseFile = None,
    address: Annotated[
        str, typer.Option("--host", help="Address of this computer, as students reach it.")
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option("--port", min=0, max=65000, help="The first of three for each student."),
    ] = 0,
    alone: Annotated[bool, typer.Option("--alone", hidden=True)] = False,
) -> None:
    """Serve a lesson's microscope to each student, until Ctrl-C."""
    from . import classroom

    if alone:
        _host_alone(lesson, student[0], out or Path(), course)
        return
    chosen, kept = classroom.load_lesson(lesson), _course(course)
    ending = threading.Event()
    folder = out or Path("lessons") / lesson

    def told(name: str, given: Path) -> None:
        typer.echo(f"{name}: give away the folder {given}; there: attend({lesson!r}, at=FOLDER)")

    try:
        classroom.host(kept, chosen, tuple(student), folder, ending, told, (address, port))
    except KeyboardInterrupt:
        typer.echo("ended")


def _host_alone(lesson: str, student: str, given: Path, course: Path | None) -> None:
    """Serve the microscope of whoever started this process, until they close its input."""
    from . import classroom

    chosen = classroom.load_lesson(lesson)
    kept = classroom.own_course() if course is None else classroom.read_course(course)
    with classroom.hosted(kept, chosen, student, given, given / classroom.KEPT):
        sys.stdin.buffer.read()
    classroom.clear(given)  # as the notebook does, if it has not been killed


def _course(path: Path | None) -> "Course":
    from .classroom import own_course_path, read_course

    if path is None and not own_course_path().exists():
        raise LessonError(
            "there is no course of your own yet, which `attend` makes; name one with --course"
        )
    return read_course(path or own_course_path())
