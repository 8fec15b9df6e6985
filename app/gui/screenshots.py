"""A scripted tour: record, fit, train and deploy in small, a picture of each page, then quit."""

from __future__ import annotations

import sys
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PyQt6.QtCore import QObject, QTimer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from app.gui.window import Window

CHECK_MS = 50
SETTLE = 12
"""Checks to let pass before a picture, so that the last frame is drawn."""


class Tour(QObject):
    """Drives the window as a person would, and saves `PAGE.png` (and `PAGE-running.png`)."""

    def __init__(self, window: Window, folder: Path) -> None:
        super().__init__()
        self._window, self._folder = window, folder
        self._steps: Iterator[Callable[[], bool]] = iter(())
        self._until: Callable[[], bool] = lambda: True
        self._timer = QTimer(self)
        self._timer.setInterval(CHECK_MS)
        self._timer.timeout.connect(self._check)

    def start(self) -> None:
        """Begin once the window is usable."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._steps = self._script()
        self._timer.start()

    def _check(self) -> None:
        try:
            if self._until():
                self._until = next(self._steps)
        except StopIteration:
            self._timer.stop()
            self._window.shut_down()

    def _page(self, key: str) -> Any:
        self._window.open_page(key)
        return cast("Any", self._window.pages[key])

    def _picture(self, name: str) -> None:
        path = self._folder / f"{name}.png"
        self._window.grab().save(str(path))
        sys.stdout.write(f"{path}\n")
        sys.stdout.flush()

    def _idle(self) -> bool:
        return self._window.job is None

    def _at(self, middle: Callable[[Any], bool], page: Any) -> bool:
        return self._idle() or middle(page)

    @staticmethod
    def _checks(count: int) -> Callable[[], bool]:
        left = iter(range(count))
        return lambda: next(left, None) is None

    def _script(self) -> Iterator[Callable[[], bool]]:
        """Conditions to wait for; between them the tour acts."""
        yield lambda: self._window.session.bench is not None
        for key, values, middle in (
            ("record", {"count": 24, "steps": 100, "repeats": 12}, lambda p: p.live.done > 40),
            ("twin", {"iterations": 3200, "members": 4}, lambda p: p.live.real is not None),
            ("network", {"iterations": 300, "taps": "0, 3, 6"}, lambda p: p.live.state is not None),
            ("deploy", {}, lambda p: p.live.done > 15),
        ):
            page = self._page(key)
            page.set_form_values({**values, "layers": "12, 12, 12"})
            if key == "twin":
                page.choose(cast("Any", self._window.pages["record"]).recorded)
            yield self._checks(SETTLE)
            yield partial(_pressable, page)
            page.press()
            yield partial(self._at, middle, page)
            yield self._checks(SETTLE)
            self._picture(f"{key}-running")
            yield self._idle
            yield self._checks(SETTLE)
            self._picture(key)
        for key in ("bench", "monitor", "library", "welcome", "keys", "words", "settings", "log"):
            self._page(key)
            yield self._checks(3 * SETTLE)
            self._picture(key)


def _pressable(page: Any) -> bool:
    return bool(page.form.primary.isEnabled())
