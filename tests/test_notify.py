"""Notifications reach whom they are meant for, tell no secret, and hold up nobody."""

import contextlib
import http.server
import json
import logging
import socket
import socketserver
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from spm_auto.errors import RecipeError
from spm_auto.lab import parse_lab
from spm_auto.notify import Counts, Notifier, NotifySettings
from spm_auto.settings import validate

LAB = {
    "schema_version": 1,
    "laboratory": "attic",
    "instrument": {"kind": "simulator", "sample": {"kind": "hopg"}},
}
SAVE = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_bytes(sys.stdin.buffer.read())"
HANG = "import time; time.sleep(600)"
MAIL: dict[str, Any] = {
    "host": "127.0.0.1",
    "sender": "stm@lab.example",
    "to": ["anna@lab.example", "berta@lab.example"],
    "starttls": False,
}


def settings(**table: Any) -> NotifySettings:
    return validate(NotifySettings, table, "lab.toml")


@contextlib.contextmanager
def telling(now: Callable[[], float] = time.monotonic, **table: Any) -> Iterator[Notifier]:
    """Give a notifier, and wait for all that it delivers."""
    notifier = Notifier(settings(**table), {"laboratory": "attic"}, now, wall=lambda: 86400.0)
    yield notifier
    assert notifier.close(30.0)


class Post:
    """An HTTP server on this computer that keeps what it is sent."""

    def __init__(self, code: int = 200, location: str = "") -> None:
        self.got: list[tuple[str, bytes]] = []
        post = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                post.got.append((self.path, body))
                self.send_response(code)
                if location:
                    self.send_header("Location", location)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_GET(self) -> None:
                post.got.append((self.path, b"GET"))
                self.send_error(405)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook/s3cr3t"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class Sink:
    """A mail server on this computer; or one that only ever says the first byte again."""

    def __init__(self, is_hanging: bool = False) -> None:
        self.commands: list[bytes] = []
        self.mail = b""
        self.is_hanging = is_hanging
        self.is_over = threading.Event()
        sink = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    sink.talk(self.rfile.readline, self.wfile.write)

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.port = int(self._server.server_address[1])
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()

    def talk(self, read: Callable[[], bytes], write: Callable[[bytes], int]) -> None:
        while self.is_hanging and not self.is_over.wait(0.05):
            write(b"2")  # never a whole line, and never silent for long
        write(b"220 sink\r\n")
        while line := read():
            self.commands.append(line.strip())
            if line.upper().startswith(b"DATA"):
                write(b"354 go on\r\n")
                while (line := read()) != b".\r\n":
                    self.mail += line
            write(b"221 bye\r\n" if line.upper().startswith(b"QUIT") else b"250 fine\r\n")

    def close(self) -> None:
        self.is_over.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def post() -> Iterator[Post]:
    with contextlib.closing(Post()) as post:
        yield post


@pytest.fixture
def sink() -> Iterator[Sink]:
    with contextlib.closing(Sink()) as sink:
        yield sink


def test_a_lab_file_that_says_nothing_of_it_tells_nobody() -> None:
    lab = parse_lab(LAB, "lab.toml", Path())
    before = threading.active_count()
    notifier = Notifier(lab.notify)
    notifier.tell("crash", "the tip is gone")
    assert threading.active_count() == before
    assert notifier.close()
    assert notifier.counts == Counts()


def test_a_lab_file_says_who_is_told() -> None:
    table = {**LAB, "notify": {"command": ["beep"], "mail": MAIL, "deadline": "3 s"}}
    notify = parse_lab(table, "lab.toml", Path()).notify
    assert notify.command == ("beep",)
    assert notify.mail is not None
    assert notify.mail.to == ("anna@lab.example", "berta@lab.example")
    assert notify.deadline == 3.0


def test_a_program_gets_the_alarm_on_its_standard_input(tmp_path: Path) -> None:
    with telling(command=[sys.executable, "-c", SAVE, str(tmp_path / "got")]) as notifier:
        notifier.tell("crash", "current of 5 nA", {"signal": 5e-9, "z": float("nan"), "n": 3})
    assert json.loads((tmp_path / "got").read_bytes()) == {
        "laboratory": "attic",
        "computer": socket.gethostname(),
        "time": "1970-01-02T00:00:00+00:00",
        "cause": "crash",
        "message": "current of 5 nA",
        "values": {"signal": 5e-9, "z": "nan", "n": 3},
        "left_out": 0,
    }
    assert notifier.counts == Counts(told=1)


def test_no_shell_looks_at_a_command_or_at_an_alarm(tmp_path: Path) -> None:
    evil = f"$(touch {tmp_path / 'a'}); touch {tmp_path / 'b'} | `touch {tmp_path / 'c'}`"
    code = "import pathlib, sys; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"
    with telling(command=[sys.executable, "-c", code, str(tmp_path / "got"), evil]) as notifier:
        notifier.tell("crash", evil)
    assert [path.name for path in tmp_path.iterdir()] == ["got"]
    assert (tmp_path / "got").read_text() == evil


def test_a_webhook_gets_the_alarm_as_json(post: Post) -> None:
    with telling(webhook=post.url) as notifier:
        notifier.tell("stale", "no vitals", {"seconds": 3.5})
    ((path, body),) = post.got
    assert path == "/hook/s3cr3t"
    assert json.loads(body)["values"] == {"seconds": 3.5}
    assert notifier.counts == Counts(told=1)


def test_a_webhook_that_is_a_secret_stays_out_of_the_lab_file(
    post: Post, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAB_HOOK", post.url)
    with telling(webhook_variable="LAB_HOOK") as notifier:
        notifier.tell("stale", "no vitals")
    assert len(post.got) == 1


@pytest.mark.parametrize("code", [301, 302, 303, 307, 308])
def test_a_webhook_that_sends_elsewhere_is_not_followed(post: Post, code: int) -> None:
    with contextlib.closing(Post(code, post.url)) as elsewhere:
        with telling(webhook=elsewhere.url) as notifier:
            notifier.tell("crash", "confidential")
        assert len(elsewhere.got) == 1
    assert post.got == []
    assert notifier.counts == Counts(failed=1)


def test_a_mail_says_what_happened_to_everybody_on_the_list(sink: Sink) -> None:
    with telling(mail={**MAIL, "port": sink.port}) as notifier:
        notifier.tell("crash", "the tip touched\nBcc: eve@evil.example", {"signal": 5e-9})
    assert notifier.counts == Counts(told=1)
    recipients = [line for line in sink.commands if line.lower().startswith(b"rcpt")]
    assert recipients == [b"rcpt TO:<anna@lab.example>", b"rcpt TO:<berta@lab.example>"]
    head, _, body = sink.mail.partition(b"\r\n\r\n")
    assert b"Subject: [spm-auto] crash: the tip touched Bcc: eve@evil.example" in head
    assert b"\r\nBcc:" not in head
    assert b'"signal": 5e-09' in body


def test_a_password_is_not_sent_where_nothing_is_encrypted(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("LAB_MAIL", "pass-word")
    log_in = {"user": "stm", "password_variable": "LAB_MAIL", "starttls": True}
    with telling(mail={**MAIL, **log_in, "port": sink.port}) as notifier:
        notifier.tell("crash", "the tip touched")
    assert notifier.counts == Counts(failed=1)
    assert sink.mail == b""
    assert not any(line.upper().startswith((b"AUTH", b"MAIL")) for line in sink.commands)
    assert "pass-word" not in caplog.text
    assert "STARTTLS" in caplog.text


@pytest.mark.parametrize("way", ["command", "mail", "webhook"])
def test_a_way_that_hangs_holds_up_neither_who_tells_nor_the_other_ways(
    way: str, tmp_path: Path
) -> None:
    with contextlib.closing(Sink(is_hanging=True)) as hanging:
        save = [sys.executable, "-c", SAVE, str(tmp_path / "got")]
        hangs: dict[str, dict[str, Any]] = {
            "command": {"command": [sys.executable, "-c", HANG]},
            "mail": {"command": save, "mail": {**MAIL, "port": hanging.port}},
            "webhook": {"command": save, "webhook": f"http://127.0.0.1:{hanging.port}/"},
        }
        with telling(deadline="500 ms", **hangs[way]) as notifier:
            begun = time.perf_counter()
            for number in range(3):
                notifier.tell("crash", f"number {number}")
            assert time.perf_counter() - begun < 0.2  # a lock, three times
    told = 3 if way != "command" else 0
    assert notifier.counts == Counts(told=told, failed=3)
    if told:
        assert json.loads((tmp_path / "got").read_bytes())["message"] == "number 2"


def test_an_end_does_not_wait_longer_than_it_is_told_to() -> None:
    with contextlib.closing(Sink(is_hanging=True)) as hanging:
        table = {"webhook": f"http://127.0.0.1:{hanging.port}/", "deadline": "20 s"}
        notifier = Notifier(settings(**table))
        for number in range(5):
            notifier.tell("crash", f"number {number}")
        assert not notifier.close(timeout=0.1)
        notifier.tell("crash", "too late")
    assert notifier.counts.left_out >= 5


def test_a_failure_is_logged_without_what_is_secret_and_counted(
    post: Post, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    with contextlib.closing(Post(code=500)) as broken:
        ways = {"command": [str(tmp_path / "missing")], "webhook": broken.url}
        with caplog.at_level(logging.WARNING), telling(**ways) as notifier:
            notifier.tell("crash", "the tip touched")
    assert notifier.counts == Counts(failed=2)
    assert "webhook: could not tell" in caplog.text
    assert "500" in caplog.text
    assert "command: could not tell" in caplog.text
    assert "s3cr3t" not in caplog.text


def test_only_the_causes_that_were_asked_for_are_told(post: Post) -> None:
    with telling(webhook=post.url, causes=["crash"]) as notifier:
        notifier.tell("stale", "not asked for")
        notifier.tell("crash", "asked for")
        notifier.tell("", "no cause")
    assert [json.loads(body)["cause"] for _, body in post.got] == ["crash"]


def test_a_storm_of_one_alarm_is_cut_and_hides_no_other(post: Post) -> None:
    now = [0.0]
    with telling(lambda: now[0], webhook=post.url, at_most=2) as notifier:
        for _ in range(20):
            notifier.tell("denied", "who is there")
        notifier.tell("crash", "the tip touched")
        now[0] = 3601.0
        notifier.tell("denied", "who is there")
    told = [json.loads(body) for _, body in post.got]
    assert [each["cause"] for each in told] == ["denied", "denied", "crash", "denied"]
    assert [each["left_out"] for each in told] == [0, 0, 18, 0]
    assert notifier.counts == Counts(told=4, left_out=18)


def test_no_number_of_alarms_and_causes_fills_the_memory() -> None:
    with contextlib.closing(Sink(is_hanging=True)) as hanging:
        table = {"webhook": f"http://127.0.0.1:{hanging.port}/", "deadline": "1 s"}
        notifier = Notifier(settings(**table, at_most=1000))
        for number in range(2000):
            notifier.tell(f"cause{number}", "m" * 10_000)
        assert notifier.counts.left_out >= 1800
        notifier.close(timeout=0.0)


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ({"webhook": "http://example.org/x"}, "https URL"),
        ({"webhook": "http://127.0.0.1.example.org/x"}, "https URL"),
        ({"webhook": "https://user:pass@example.org/x"}, "without a password"),
        ({"webhook": "file:///etc/passwd"}, "https URL"),
        ({"webhook": "https://"}, "https URL"),
        ({"webhook": "https://a.example", "webhook_variable": "HOOK"}, "exclude each other"),
        ({"command": "beep; rm -rf /"}, "command"),
        ({"mail": {**MAIL, "user": "stm"}}, "belong together"),
        ({"mail": {**MAIL, "password": "hunter2"}}, "unknown key"),
        ({"mail": {**MAIL, "user": "a", "password_variable": "B"}}, "encrypted only"),
        ({"mail": {**MAIL, "to": []}}, "to"),
        ({"mail": {**MAIL, "to": ["a@b.example\nBcc: c@d.example"]}}, "to"),
        ({"deadline": 5}, "no unit"),
        ({"deadline": "1 h"}, "deadline"),
        ({"at_most": 0}, "at_most"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(table: dict[str, Any], message: str) -> None:
    with pytest.raises(RecipeError, match=message):
        settings(**table)
