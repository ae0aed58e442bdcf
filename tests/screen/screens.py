"""A screen that nobody sees, with a mouse and a keyboard, and the window on it."""

import io
import json
import os
import select
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

WIDTH, HEIGHT = 1600, 960
DRIVEN = Path(__file__).with_name("driven.py")
COLOURS = 256  # of a picture that is kept
MOST_TURNS = 40  # of the wheel
PATIENCE = 20.0  # [s] for something to appear


@dataclass(frozen=True, slots=True)
class Part:
    """Something that the window shows.

    Attributes:
        kind: Of what class it is, or "tab" or "action".
        name: Its name for people who do not see it.
        text: What stands on it.
        place: Left, top, width and height on the screen [pixels].
        is_enabled: Whether it can be used.
        role: What it says by its colour.
    """

    kind: str
    name: str
    text: str
    place: tuple[int, int, int, int]
    is_enabled: bool
    role: str

    @property
    def middle(self) -> tuple[int, int]:
        """Its middle on the screen."""
        left, top, width, height = self.place
        return left + width // 2, top + height // 2


class Screen:
    """A virtual screen.

    Attributes:
        display: Its name, such as ":91".
    """

    def __init__(self) -> None:
        read, write = os.pipe()
        size = f"{WIDTH}x{HEIGHT}x24"
        command = ["Xvfb", "-displayfd", str(write), "-screen", "0", size, "-nolisten", "tcp"]
        self._server = subprocess.Popen(command, pass_fds=(write,), stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as said:
            assert select.select([said], [], [], PATIENCE)[0], "there is no Xvfb"
            self.display = f":{said.readline().strip()}"
        self.environment = os.environ | {"DISPLAY": self.display, "QT_QPA_PLATFORM": "xcb"}

    def do(self, *words: object) -> None:
        """Move the mouse, click or type, as xdotool says it."""
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self.environment, check=True, timeout=PATIENCE)

    def photograph(self, path: Path) -> None:
        """Take a picture of everything, with few colours so that the file is small."""
        path.parent.mkdir(parents=True, exist_ok=True)
        picture = Image.fromarray(self.seen()).quantize(COLOURS, kmeans=3, dither=Image.Dither.NONE)
        picture.save(path, optimize=True)

    def seen(self) -> np.ndarray:
        """Return what is on the screen, shape (height, width, 3)."""
        command = ["import", "-window", "root", "-depth", "8", "ppm:-"]
        taken = subprocess.run(
            command, env=self.environment, check=True, timeout=PATIENCE, capture_output=True
        )
        with Image.open(io.BytesIO(taken.stdout)) as picture:
            return np.asarray(picture.convert("RGB"))

    def close(self) -> None:
        """Switch it off."""
        self._server.terminate()
        self._server.wait(PATIENCE)


class Window:
    """The window of an operator, on a screen.

    Args:
        screen: Where it is shown.
        folder: Where it keeps how it looks, and where it works.
        words: What stands after ``spm-auto``.

    Attributes:
        process: Its process.
        started: When it was started, as `time.monotonic` tells [s].
    """

    def __init__(self, screen: Screen, folder: Path, *words: object) -> None:
        self.screen, self.log = screen, folder / "window.log"
        self.started = time.monotonic()
        home = {"HOME": str(folder), "XDG_CONFIG_HOME": str(folder / "config")}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    str(DRIVEN),
                    *map(str, words),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=screen.environment | home,
                cwd=folder,
            )

    def parts(self, name: str = "*") -> list[Part]:
        """Return what is shown under a name, as words or as a class; all without one."""
        process = self.process
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(f"{name}\n".encode())
        process.stdin.flush()
        assert select.select([process.stdout], [], [], PATIENCE)[0], self.log.read_text()
        said = process.stdout.readline()
        assert said, self.log.read_text()
        return [_part(table) for table in json.loads(said)]

    def wait(
        self, name: str, seconds: float = PATIENCE, usable: bool = False, kind: str = ""
    ) -> Part:
        """Wait until something is shown, or can be used, and return it."""
        until = time.monotonic() + seconds
        while True:
            found = [
                part
                for part in self.parts(name)
                if (part.is_enabled or not usable) and kind in ("", part.kind)
            ]
            if found:
                return found[0]
            if time.monotonic() > until:
                shown = sorted({p.text or p.name for p in self.parts() if p.text or p.name})
                raise AssertionError(f"{name!r} is not shown; what is: {shown}")
            self.process.poll()
            select.select([], [], [], 0.1)

    def wait_for_words(self, words: str, seconds: float = PATIENCE) -> Part:
        """Wait until something that is shown begins with words, and return it."""
        until = time.monotonic() + seconds
        while True:
            for part in self.parts():
                if part.text.startswith(words):
                    return part
            if time.monotonic() > until:
                read = sorted({p.text for p in self.parts() if p.text})
                raise AssertionError(f"nothing begins with {words!r}; what is said: {read}")
            select.select([], [], [], 0.1)

    def click(self, name: str, seconds: float = PATIENCE, kind: str = "") -> None:
        """Click on something, once it can be used."""
        before = None
        while (part := self.wait(name, seconds, usable=True, kind=kind)) != before:
            before = part  # it may still be moved, as when the window has just been opened
            select.select([], [], [], 0.1)
        self.screen.do("mousemove", *part.middle, "click", 1)

    def scroll_to(self, name: str, over: Part) -> None:
        """Turn the mouse's wheel over something until something else can be seen."""
        for _ in range(MOST_TURNS):
            if self.parts(name):
                return
            self.screen.do("mousemove", *over.middle, "click", 5)
            select.select([], [], [], 0.05)
        raise AssertionError(f"{name!r} is not reached by scrolling")

    def type_into(self, name: str, text: str, kind: str = "QLineEdit") -> None:
        """Put a text into a field, in place of what stood there."""
        self.click(name, kind=kind)
        self.screen.do("key", "ctrl+a", "type", text)
        self.screen.do("key", "Tab")

    def press(self, keys: str) -> None:
        """Press keys, such as "ctrl+w"."""
        self.screen.do("key", keys)

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


def _part(table: dict[str, Any]) -> Part:
    return Part(**{**table, "place": tuple(table["place"])})
