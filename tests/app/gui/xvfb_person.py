"""A screen of its own (Xvfb), and somebody in front of it: looks, presses keys, clicks, waits."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtGui import QImage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HERE = Path(__file__).parent
ROOT = HERE.parents[2]
NEEDED = ("Xvfb", "xdotool", "import")
LIBRARIES = (  # of Qt's plugin for X11
    "xcb-cursor", "xcb-icccm", "xcb-keysyms", "xcb-shape", "xkbcommon-x11",
)  # fmt: skip
INSTALL = (
    "apt install xvfb xdotool imagemagick libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 "
    "libxcb-shape0 libxkbcommon-x11-0"
)
SCREEN = (1440, 900)
LOOK_S, ANSWER_S, PATIENCE_S = 0.1, 60.0, 180.0
SETTLE_S = 0.3  # before a picture: what was just said is laid out and painted
FEWEST_COLOURS = 12  # of a page with text and lines; a window that is not drawn has one or two


def missing() -> str:
    """What this computer lacks for a real window without a monitor; empty: nothing."""
    if not sys.platform.startswith("linux"):
        return "Xvfb is the X server of Linux and the BSDs"
    lacking = [name for name in NEEDED if shutil.which(name) is None]
    lacking += [name for name in LIBRARIES if find_library(name) is None]
    return f"not installed: {', '.join(lacking)} ({INSTALL})" if lacking else ""


@contextmanager
def screen() -> Iterator[str]:
    """An X server without a monitor; its display's name.

    Without `-noreset` it starts over when its last client leaves: the first `xdotool search`
    could come and go before the window, which then found no display.
    """
    ears, mouth = os.pipe()
    size = f"{SCREEN[0]}x{SCREEN[1]}x24"
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(mouth), "-screen", "0", size, "-nolisten", "tcp", "-noreset"],
        pass_fds=[mouth], stderr=subprocess.DEVNULL,
    )  # fmt: skip
    os.close(mouth)
    try:
        with os.fdopen(ears) as answered:
            number = answered.readline().strip()
        assert number, f"Xvfb did not start (exit code {server.poll()})"
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(20)


class Person:
    """Presses and types by the screen's means alone; what is seen is asked of the window."""

    def __init__(self, display: str, folder: Path, *options: str | Path) -> None:
        self.pictures = folder / "pictures"
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.library = folder / "library"
        home = {f"XDG_{name}_HOME": str(folder / name) for name in ("CONFIG", "DATA", "STATE")}
        self.settings = folder / "CONFIG" / "twinrig" / "window.json"
        self._trash = folder / "DATA" / "Trash"
        self._env = {**os.environ, "DISPLAY": display}
        self.errors = folder / "stderr.txt"
        with self.errors.open("w") as errors:
            self.process = subprocess.Popen(
                [sys.executable, HERE / "seen_window.py", "--library", self.library, *options],
                cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=errors, text=True,
                env={**self._env, **home, "PYTHONPATH": str(ROOT), "QT_QPA_PLATFORM": "xcb"},
            )  # fmt: skip
        self._ears = selectors.DefaultSelector()
        self._ears.register(self._pipe("stdout"), selectors.EVENT_READ)

    def _pipe(self, name: str) -> Any:
        pipe = getattr(self.process, name)
        assert pipe is not None
        return pipe

    # looking

    def _ask(self, asked: dict[str, Any]) -> Any:
        self._pipe("stdin").write(json.dumps(asked) + "\n")
        self._pipe("stdin").flush()
        if not self._ears.select(ANSWER_S):
            raise AssertionError(f"the window gave no answer to {asked} within {ANSWER_S} s")
        line = self._pipe("stdout").readline()
        assert line, f"the window is gone: {self.errors.read_text()[-2000:]}"
        return json.loads(line)

    def look(self) -> dict[str, Any]:
        """What the window shows now."""
        state: dict[str, Any] = self._ask({"state": True})
        return state

    def find(self, name: str) -> dict[str, Any] | None:
        """The control of this name that can be pressed, or the one that can't; None: not seen."""
        found = self._ask({"widget": name})
        able = [one for one in found if one["enabled"]] or found
        return able[0] if able else None

    def wait(
        self, what: str, reached: Callable[[dict[str, Any]], Any], longest_s: float = PATIENCE_S
    ) -> dict[str, Any]:
        """Look until it is so."""
        end_s, seen = time.monotonic() + longest_s, dict[str, Any]()
        while time.monotonic() < end_s:
            seen = self.look()
            if reached(seen):
                return seen
            time.sleep(LOOK_S)
        self.picture("waited-in-vain")
        raise AssertionError(f"waited in vain for: {what}; seen: {json.dumps(seen, indent=1)}")

    def wait_for(self, name: str, longest_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until a control of this name is in view and can be pressed."""
        end_s = time.monotonic() + longest_s
        while time.monotonic() < end_s:
            one = self.find(name)
            if one is not None and one["enabled"] and one["whole"]:
                return one
            time.sleep(LOOK_S)
        self.picture("waited-in-vain")
        raise AssertionError(f"no {name!r} to press: {self.find(name)}; {self.look()}")

    def picture(self, name: str) -> Path:
        """What is on the screen, as a file; it must be drawn."""
        path = self.pictures / f"{name}.png"
        time.sleep(SETTLE_S)
        self.look()  # answered between two turns of the window's event loop
        subprocess.run(["import", "-window", "root", path], env=self._env, check=True, timeout=60)
        image = QImage(str(path)).scaled(360, 225)
        colours = {image.pixel(x, y) for x in range(0, 360, 2) for y in range(225)}
        assert (image.width(), image.height()) == (360, 225)
        assert len(colours) >= FEWEST_COLOURS, f"{path} shows {len(colours)} colours"
        return path

    def trashes(self) -> list[str]:
        """What lies in the trash: the user's own, or that of the library's drive."""
        drive = self.library
        while not drive.is_mount():
            drive = drive.parent
        places = (self._trash, drive / f".Trash-{os.getuid()}", drive / ".Trash" / f"{os.getuid()}")
        return [one.name for place in places for one in (place / "files").glob("*")]

    # pressing

    def _do(self, *words: str | int) -> None:
        command = ["xdotool", *map(str, words)]
        subprocess.run(command, env=self._env, check=True, timeout=60, capture_output=True)

    def come(self) -> None:
        """Wait for the window and give it the keyboard, as a window manager would."""
        command = ["xdotool", "search", "--onlyvisible", "--name", "^Twinrig"]
        end_s, found = time.monotonic() + PATIENCE_S, list[str]()
        while not found:
            assert self.process.poll() is None, f"no window: {self.errors.read_text()[-2000:]}"
            assert time.monotonic() < end_s, "no window came"
            time.sleep(LOOK_S)
            said = subprocess.run(command, env=self._env, check=False, capture_output=True)
            found = said.stdout.decode().split()
        self._do("windowfocus", "--sync", found[0])

    def keys(self, *combinations: str) -> None:
        """Press keys, each by xdotool's name of it: `ctrl+3`, `Tab`."""
        self._do("key", "--clearmodifiers", "--delay", 30, *combinations)

    def click(self, name: str, across: float = 0.5, down_px: int | None = None) -> None:
        """Click a control: at a share of its width, in the middle or so far from its top."""
        x, y, wide, high = self.wait_for(name)["place"]
        down = high // 2 if down_px is None else down_px
        self._do("mousemove", "--sync", round(x + across * wide), y + down, "click", 1)

    def space(self, name: str) -> None:
        """Go to a control by Tab, and press it by Space."""
        self.wait_for(name)
        for _ in range(120):
            if (self.find(name) or {}).get("focus"):
                self.keys("space")
                return
            self.keys("Tab")
        raise AssertionError(f"Tab never came to {name!r}")

    def type(self, name: str, text: str) -> None:
        """Type into an entry, over what is there, and leave it by Tab."""
        self.click(name, 0.4)
        self._do("key", "--clearmodifiers", "ctrl+a")
        self._do("type", "--delay", 15, text)
        self.keys("Tab")

    def write(self, text: str) -> None:
        """Type where the cursor is."""
        self._do("type", "--delay", 15, text)

    def run(self, longest_s: float = PATIENCE_S) -> dict[str, Any]:
        """Wait until what was pressed has begun and is over."""
        self.wait("a run begins", lambda s: s["job"])
        return self.wait("the run is over", lambda s: not s["job"], longest_s)

    def leave(self) -> int:
        """Quit by the keyboard; the exit code."""
        self.keys("ctrl+q")
        return self.process.wait(60)

    def end(self) -> None:
        """Whatever happened: the process is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(20)
        self._ears.close()
        for name in ("stdin", "stdout"):
            self._pipe(name).close()


@contextmanager
def person(folder: Path, *options: str | Path) -> Iterator[Person]:
    """Somebody before a fresh window on a screen of its own."""
    with screen() as display:
        one = Person(display, folder, *options)
        try:
            one.come()
            yield one
        finally:
            one.end()
