"""Every page of a window of 1280 × 720 on a screen at any scale: what has no room, as JSON."""

from __future__ import annotations

import json
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

from PyQt6.QtGui import QFont, QFontMetricsF
from PyQt6.QtWidgets import (
    QApplication,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QScrollArea,
    QWidget,
)
from test_accessible import KEYS, too_large

from app.gui.leaving import leave
from app.gui.theme import BODY_PX, LABEL_PX, Theme, sans
from app.gui.widgets.basic import Elided
from app.gui.widgets.cost_button import CostButton
from app.gui.widgets.form import PrimaryButton
from app.gui.widgets.legend import Legend
from app.gui.widgets.offer import OfferButton
from app.gui.widgets.segments import Segments
from app.gui.window import Window
from app.library.library import Library
from app.session import Session
from instruments.bench_file import read_bench

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SIZE = (1280, 720)
SHOWS = {"twin": "twin", "network": "net", "deploy": "net", "library": "rec"}  # where there is one
ROUNDING_PX = 2.0  # a text's advance has a pixel of white at either end
CONNECTED_WITHIN_S, SETTLE_S, TURNS = 120.0, 0.15, 60


def wide(text: str, font: QFont) -> float:
    """Width of the longest line."""
    return max(QFontMetricsF(font).horizontalAdvance(line) for line in text.split("\n"))


def texts(widget: QWidget) -> Iterator[tuple[str, float, float]]:
    """Each text of a control, the width that it takes, and the width that it has."""
    room = float(widget.contentsRect().width())
    if isinstance(widget, QLabel):
        if not widget.wordWrap() and not isinstance(widget, Elided):
            yield widget.text(), wide(widget.text(), widget.font()), room
    elif isinstance(widget, (PrimaryButton, CostButton)):
        edge = 32 if isinstance(widget, PrimaryButton) else 24
        yield widget.text(), wide(widget.text(), sans(BODY_PX, 600)), room - edge
        yield widget.cost, wide(widget.cost, sans(LABEL_PX)), room - edge
    elif isinstance(widget, OfferButton):
        yield widget.text(), wide(widget.text(), sans(BODY_PX, 500)), room - 24
        yield widget.note, wide(widget.note, sans(LABEL_PX)), room - 24
    elif isinstance(widget, QPushButton):
        yield widget.text(), wide(widget.text(), widget.font()), room
    elif isinstance(widget, Legend):
        yield widget.accessibleName() or "legend", widget.sizeHint().width(), room
    elif isinstance(widget, Segments):
        for (text, _), (left, right) in zip(widget._items, pairwise(widget.edges()), strict=True):
            yield text, wide(text, sans(BODY_PX, 600)), right - left - 4
    elif isinstance(widget, QLineEdit) and not widget.text():
        yield widget.placeholderText(), wide(widget.placeholderText(), widget.font()), room - 4
    elif isinstance(widget, QComboBox):
        yield widget.currentText(), wide(widget.currentText(), widget.font()), room - 24


def cut(page: QWidget) -> list[str]:
    """Texts in view that are wider than their place, and forms that scroll."""
    found = []
    for widget in page.findChildren(QWidget):
        if not widget.isVisible():
            continue
        if isinstance(widget, QLabel) and widget.wordWrap():
            high, room_px = widget.heightForWidth(widget.width()), widget.height()
            if high > room_px + ROUNDING_PX:
                found.append(f"{widget.text()!r} takes {high} px of {room_px} in height")
        for text, needed, room in texts(widget):
            if text and needed > room + ROUNDING_PX and text not in widget.toolTip():
                name = type(widget).__name__
                found.append(f"{name} {text!r} takes {needed:.0f} px of {room:.0f}")
    for area in page.form.findChildren(QScrollArea):  # type: ignore[attr-defined]
        bar = area.verticalScrollBar()
        if area.isVisible() and bar is not None and bar.maximum() > 0:
            found.append(f"the form scrolls by {bar.maximum()} px")
    return found


def main(library: Path, pictures: Path) -> None:
    """Print the device's pixel ratio, the picture's size, and what has no room, by page.

    Of a page where something has none there is a picture.
    """
    application = QApplication(sys.argv[:1])
    theme = Theme("light")
    theme.apply(application)
    window = Window(Session(read_bench("virtual"), Library(library)), theme)
    window.resize(*SIZE)
    window.show()

    def until(reached: Callable[[], bool], longest_s: float) -> bool:
        end_s = time.monotonic() + longest_s
        while not reached() and time.monotonic() < end_s:
            application.processEvents()
            time.sleep(0.005)
        return reached()

    window.link.connect_bench()
    assert until(lambda: "channel.Y" in window.top.cells, CONNECTED_WITHIN_S)
    found = {}
    artefacts = {one.kind: one.path for one in reversed(Library(library).artefacts())}
    for key in KEYS:
        window.open_page(key, artefacts.get(SHOWS.get(key, "")))
        page = window.pages[key]
        assert until(lambda page=page: page.whole, CONNECTED_WITHIN_S)
        until(lambda: False, SETTLE_S)
        for _ in range(TURNS):  # of the event loop: on a busy computer few fit into that time
            application.processEvents()
            time.sleep(0.001)
        found[key] = [*too_large(page), *cut(page)]
        if found[key]:
            window.grab().save(str(pictures / f"{key}.png"))
    found["around it"] = cut_around(window)
    picture = window.grab()
    said = {
        "ratio": picture.devicePixelRatio(),
        "picture": [picture.width(), picture.height()],
        "window": [window.width(), window.height()],
        "found": found,
    }
    sys.stdout.write(json.dumps(said) + "\n")
    sys.stdout.flush()
    window.shut_down()
    until(lambda: window._closed, CONNECTED_WITHIN_S)
    window.link.wait(10)


def cut_around(window: Window) -> list[str]:
    """The same of strip, rail and status line."""
    found = []
    for part in (window.top, window.rail, window.status):
        for widget in (w for w in part.findChildren(QWidget) if w.isVisible()):
            for text, needed, room in texts(widget):
                if text and needed > room + ROUNDING_PX:
                    found.append(f"{text!r} takes {needed:.0f} px of {room:.0f}")
    return found


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
    leave(0)
