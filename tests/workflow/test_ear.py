"""The ear of a run: who may speak to it, what it does, and what it refuses without harm."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq
from bench import PATIENCE, Bench
from by_hand import SCAN, SPECTRUM, StepByHand, doing

from spm_auto.agents import ForbidRegion, ForcePoint, Prefer, Rescalarize
from spm_auto.data import FinishReason, Judged, RunFinished, Verdict
from spm_auto.ear import FILE_NAME, Ear, RunClient, read_place
from spm_auto.ear.place import write_place
from spm_auto.errors import AccessError, ConnectionLost, NoReply, SpmError
from spm_auto.server import new_identity
from spm_auto.workflow import Ask, StepContext, StepGenerator

POINT = Ask("point", "measure there?", {"x": 1e-7, "y": 0.0})
_TICK = 0.002  # [s]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path / "run")


@pytest.fixture
def ear(bench: Bench) -> Iterator[Ear]:
    with Ear(bench.runner, bench.folder, "ohmic contacts") as ear:
        yield ear


@pytest.fixture
def client(bench: Bench, ear: Ear) -> Iterator[RunClient]:
    with RunClient.connect(bench.folder, "Ada") as client:
        yield client


def asking(*asks: Ask) -> tuple[StepByHand, list[Any]]:
    """Make a step that asks, and keeps what it is answered."""
    answers: list[Any] = []

    def script(_: StepContext) -> StepGenerator:
        for ask in asks:
            answers.append((yield ask))
        yield SPECTRUM
        return None

    return StepByHand(script=script), answers


def until(bench: Bench, happens: Callable[[], bool]) -> None:
    """Wait until something is so, while the run goes on."""
    for _ in range(int(PATIENCE / _TICK)):
        if happens() or bench.runner.wait(_TICK):
            break
    assert happens()


def ended(bench: Bench) -> RunFinished:
    assert bench.runner.wait(PATIENCE)
    assert bench.runner.finished is not None
    return bench.runner.finished


def test_a_question_is_answered_through_the_socket(bench: Bench, client: RunClient) -> None:
    step, answers = asking(POINT)
    bench.runner.start([step], seed=1)
    until(bench, lambda: bench.runner.question is not None)
    view = client.state()
    assert (view.title, view.state) == ("ohmic contacts", "paused")
    assert view.question is not None
    assert view.question.ask.question == "measure there?"
    assert view.question.ask.values == {"x": 1e-7, "y": 0.0}
    said = client.answer(Verdict.EDITED, "it is nicer", {"x": 2e-7}, view.question.number)
    assert said == "measure there?"
    assert ended(bench).reason == FinishReason.COMPLETED
    expected = Judged("point", "measure there?", Verdict.EDITED, "Ada", "it is nicer", {"x": 2e-7})
    assert answers == [expected]
    assert expected in [record.event for record in bench.recorded.records]


def test_an_answer_to_another_question_and_one_that_does_not_fit_are_refused(
    bench: Bench, client: RunClient
) -> None:
    with pytest.raises(SpmError, match="asks nothing just now"):
        client.answer(Verdict.APPROVED)
    step, _ = asking(POINT, replace(POINT, question="and there?"))
    bench.runner.start([step], seed=1)
    until(bench, lambda: bench.runner.question is not None)
    for verdict, values, said in (
        (Verdict.EDITED, {}, "needs values"),
        (Verdict.APPROVED, {"x": 1.0}, "has no values"),
        (Verdict.EDITED, {"bias": 1.0}, "'bias' cannot be edited here"),
        (Verdict.EDITED, {"x": float("nan")}, "x cannot be nan"),
        (Verdict.EDITED, {"x": "far"}, "x cannot be 'far'"),
        (Verdict.EDITED, {"x": True}, "x cannot be True"),
    ):
        with pytest.raises(SpmError, match=said):
            client.answer(verdict, "", values)
    client.answer(Verdict.APPROVED, number=1)
    until(bench, lambda: bench.runner.question is not None)
    with pytest.raises(SpmError, match=r"question 1 was answered already; now .* and there"):
        client.answer(Verdict.APPROVED, number=1)
    client.answer(Verdict.APPROVED, number=2)
    assert ended(bench).reason == FinishReason.COMPLETED


def test_who_wants_to_be_asked_no_more_takes_back_the_question(
    bench: Bench, client: RunClient
) -> None:
    step, answers = asking(POINT, replace(POINT, kind="step", is_needed=True))
    bench.runner.start([step], seed=1)
    until(bench, lambda: bench.runner.question is not None)
    client.set_approval(0, "time for bed")
    until(bench, lambda: len(answers) == 1 and bench.runner.question is not None)
    assert answers == [None]
    assert client.state().approval == 0
    client.answer(Verdict.APPROVED)  # what is needed is asked all the same
    assert ended(bench).reason == FinishReason.COMPLETED
    kinds = [event.kind for event in bench.recorded.interventions]
    assert kinds == ["set_approval"]


@pytest.mark.parametrize("how", ["cancel", "emergency_stop"])
def test_stopping_ends_the_wait_for_an_answer(how: str, bench: Bench, client: RunClient) -> None:
    step, answers = asking(POINT)
    bench.runner.start([step], seed=1)
    until(bench, lambda: bench.runner.question is not None)
    if how == "cancel":
        client.cancel("wrong sample")
    else:
        client.emergency_stop("it smokes")
        assert "emergency stop" in bench.microscope.calls
    reason = FinishReason.CANCELLED if how == "cancel" else FinishReason.EMERGENCY
    assert ended(bench).reason == reason
    assert answers == []
    (event,) = bench.recorded.interventions
    assert (event.kind, event.who) == (how, "Ada")
    assert event.why in ("wrong sample", "it smokes")


def test_pause_and_resume_and_a_note_meanwhile_are_on_record(
    bench: Bench, client: RunClient
) -> None:
    client.pause("lunch")
    bench.runner.start([doing(SCAN, SPECTRUM)], seed=1)
    until(bench, lambda: bench.shown.names.count("RunPaused") == 1)
    client.annotate("the room is 22 degrees warm")
    until(bench, lambda: bench.shown.names.count("Intervention") == 2)
    assert client.state().is_held
    client.resume("back")
    assert ended(bench).reason == FinishReason.COMPLETED
    said = [(event.kind, event.who, event.why) for event in bench.recorded.interventions]
    assert said == [("pause", "Ada", "lunch"), ("annotate", "Ada", ""), ("resume", "Ada", "back")]
    order = [name for name in bench.shown.names if name in ("Intervention", "RunPaused")]
    assert order == ["Intervention", "RunPaused", "Intervention", "Intervention"]


def test_what_agents_are_asked_is_kept_for_them(bench: Bench, client: RunClient) -> None:
    wanted = [
        ForcePoint(1e-7, 0.0, -3.0),
        ForbidRegion((0.0, 1e-8), size=(1e-8, 2e-8)),
        Prefer(3, (1e-7, 0.0)),
        Rescalarize("peak"),
    ]
    for each in wanted:
        client.steer(each, "a hunch")
    assert client.state().waiting == tuple(map(str, wanted))


@pytest.mark.parametrize(
    ("kind", "values", "said"),
    [
        ("force_point", {"x": "far", "y": 0.0}, "x: "),
        ("force_point", {"x": True, "y": 0.0}, "x: "),
        ("force_point", {"x": 1.0}, "y: "),
        ("force_point", {"x": float("inf"), "y": 0.0}, "finite"),
        ("forbid_region", {"center": (0.0, 0.0)}, "radius"),
        ("forbid_region", {"center": (0.0,), "radius": 1.0}, "center"),
        ("forbid_region", {"center": (0.0, 0.0), "radius": 1.0, "__class__": 1}, "__class__: "),
        ("rescalarize", {"scalarizer": "os.system"}, "there is no scalarizer 'os.system'"),
        ("rescalarize", {"scalarizer": 5}, "scalarizer: "),
        ("set_exploration", {"weight": -1.0}, "not negative"),
        ("prefer", {"better": 1.5, "worse": 2}, "better"),
        ("explode", {}, "no intervention 'explode'"),
    ],
)
def test_what_no_agent_could_do_is_refused_at_once(
    kind: str, values: dict[str, Any], said: str, bench: Bench, ear: Ear
) -> None:
    reply = spoken(ear, {**GOOD, "word": "steer", "value": {"kind": kind, "values": values}})
    assert said in reply["error"][1]
    assert bench.runner.waiting == ()


GOOD = {"v": 1, "n": 1, "word": "state", "who": "Eve", "why": "", "value": {}}
BAD = [
    b"",
    b"\xc1",
    b"\x00" * 50_000,
    b"\x91" * 40_000,
    msgpack.packb("pause"),
    msgpack.packb({1: 2}, strict_types=True),
    *(
        msgpack.packb({**GOOD, **changed})
        for changed in (
            {"v": 2},
            {"v": True},
            {"n": "one"},
            {"word": "__init__"},
            {"word": ["pause"]},
            {"word": "pause", "who": ""},
            {"word": "pause", "who": "x" * 300},
            {"word": "pause", "why": 5},
            {"word": "annotate", "value": {"text": 5}},
            {"word": "annotate", "value": {"text": "x" * 20_000}},
            {"word": "set_approval", "value": {"every": -1}},
            {"word": "set_approval", "value": {"every": 1.5}},
            {"word": "answer", "value": {"verdict": "maybe"}},
            {"word": "answer", "value": {"verdict": "edited", "values": [1]}},
            {"word": "steer", "value": {}},
            {"value": None},
        )
    ),
]


def spoken(ear: Ear, *frames: Any) -> dict[str, Any]:
    """Say something to a run as a program of its own would, and return what comes back."""
    place = ear.place
    with zmq.Context() as context, context.socket(zmq.DEALER) as socket:
        socket.linger = 0
        socket.set_string(zmq.CURVE_SECRETKEY, place.secret)
        socket.set_string(zmq.CURVE_PUBLICKEY, place.caller)
        socket.set_string(zmq.CURVE_SERVERKEY, place.public)
        socket.connect(place.address)
        packed = [each if isinstance(each, bytes) else msgpack.packb(each) for each in frames]
        socket.send_multipart(packed)
        assert socket.poll(int(1000 * PATIENCE))
        answer: dict[str, Any] = msgpack.unpackb(socket.recv())
        return answer


def test_bad_messages_are_refused_without_harm(bench: Bench, ear: Ear) -> None:
    for message in BAD:
        assert spoken(ear, message)["error"], message[:40]
    assert spoken(ear, GOOD, b"more")["error"][1] == "a message is one frame"
    assert bench.runner.waiting == ()
    assert (bench.runner.is_held, bench.runner.approval) == (False, None)
    assert spoken(ear, GOOD)["value"]["state"] == "idle"
    assert bench.run(doing(SPECTRUM)).reason == FinishReason.COMPLETED
    assert bench.recorded.interventions == ()


def test_the_file_is_for_its_owner_only_and_gone_with_the_run(bench: Bench) -> None:
    path = bench.folder / FILE_NAME
    with Ear(bench.runner, bench.folder):
        assert json.loads(path.read_text("utf-8"))["process"] == os.getpid()
        if os.name == "posix":
            assert path.stat().st_mode & 0o777 == 0o600
            path.chmod(0o644)
            with pytest.raises(AccessError, match="others may read it; run: chmod go-rwx"):
                RunClient.connect(bench.folder, "Ada")
            path.chmod(0o600)
        assert read_place(bench.folder).secret not in repr(read_place(bench.folder))
    assert not path.exists()
    with pytest.raises(AccessError, match="no run listens here"):
        RunClient.connect(bench.folder, "Ada")


def test_what_a_killed_run_has_left_says_so_and_is_replaced(bench: Bench) -> None:
    with Ear(bench.runner, bench.folder) as ear:
        left = ear.place
    write_place(bench.folder, left)
    with pytest.raises(ConnectionLost, match=r"has died; `spm-auto resume .*run` goes on with it"):
        RunClient.connect(bench.folder, "Ada")
    with Ear(bench.runner, bench.folder), RunClient.connect(bench.folder, "Ada") as client:
        assert client.state().state == "idle"


def test_another_key_is_not_let_in(bench: Bench, ear: Ear) -> None:
    stranger = new_identity("stranger")
    place = replace(ear.place, caller=stranger.public, secret=stranger.secret)
    with pytest.raises(ConnectionLost):
        RunClient(place, bench.folder, "Eve")


def test_what_nobody_foresaw_is_told_and_the_ear_goes_on(
    bench: Bench, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever withdraws next must be heard."""

    def broken(*_: object) -> None:
        raise OSError("the cable is out")

    monkeypatch.setattr(bench.runner, "pause", broken)
    monkeypatch.setattr(bench.runner, "interrupt", broken)
    for word in (client.pause, client.interrupt):
        with pytest.raises(SpmError, match="OSError: the cable is out"):
            word("now")
    client.emergency_stop("it smokes")
    assert bench.microscope.calls == ["emergency stop"]


def test_keys_that_are_none_are_an_error_of_ours(bench: Bench, ear: Ear) -> None:
    for fault in ({"public": "none"}, {"secret": "\ud800" * 40}, {"address": "\ud800"}):
        write_place(bench.folder, replace(ear.place, **fault))
        with pytest.raises(ConnectionLost):
            RunClient.connect(bench.folder, "Ada")


def test_a_call_has_a_deadline(
    bench: Bench, client: RunClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("spm_auto.ear.client.STOPPING", 0.05)
    answered = threading.Event()

    def slowly() -> None:
        assert answered.wait(PATIENCE)

    bench.microscope.first["emergency stop"] = slowly
    bench.runner.start([asking(POINT)[0]], seed=1)
    with pytest.raises(NoReply, match=r"did not answer .emergency_stop."):
        client.emergency_stop()
    assert client.state().state in ("loading", "running", "paused")  # nothing waits behind it
    answered.set()
    assert ended(bench).reason == FinishReason.EMERGENCY


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"address": 5}', "\x00" * 5000, '{"version": 2}'],
    ids=["empty", "list", "nothing", "number", "large", "version"],
)
def test_a_file_that_says_nothing_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / FILE_NAME
    path.write_text(text, "utf-8")
    path.chmod(0o600)
    with pytest.raises(AccessError, match=FILE_NAME):
        RunClient.connect(tmp_path, "Ada")


def test_a_step_that_asks_where_nobody_answers_is_refused_before_anything_moves(
    bench: Bench,
) -> None:
    class Asking(StepByHand):
        def needs_answers(self, every: int | None) -> bool:
            return True

    finished = bench.run(Asking(script=lambda _: iter(())))
    assert finished.reason == FinishReason.FAILED
    assert "steps[0]: the step 'by hand' asks a human, and nobody can answer" in finished.message
    assert bench.microscope.calls == ["close"]


def test_the_tip_can_be_withdrawn_when_the_run_is_over(bench: Bench, client: RunClient) -> None:
    bench.run(doing(SPECTRUM))
    with pytest.raises(SpmError, match="the run is over: completed"):
        client.cancel()
    client.emergency_stop("it is still down")
    assert bench.microscope.calls[-1] == "emergency stop"
    assert client.state().finished == "completed"
