"""A plot's own menu: copy it, or save what it shows as PNG, SVG or CSV."""

from __future__ import annotations

import re
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PyQt6.QtCore import (
    QBuffer,
    QByteArray,
    QIODevice,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PyQt6.QtGui import QPainter, QPixmap
from PyQt6.QtSvg import QSvgGenerator
from PyQt6.QtWidgets import QApplication, QFileDialog, QMenu

from app.disk import write_bytes
from app.gui.background import Latest
from app.gui.theme import DOTS, LIGHT, colour
from app.gui.widgets.file_dialog import beside, in_documents
from app.gui.widgets.lines import whole
from app.gui.widgets.picture import flash, on_paper, picture, render

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.gui.widgets.legend import Key
    from app.gui.widgets.panel import Panel

SHARP = 2.0  # a PNG has twice the pixels of the screen
FORMATS = (("png", "PNG picture"), ("svg", "SVG drawing"), ("csv", "CSV table"))


def plot_menu(panel: Panel) -> QMenu:
    """The menu of a panel; the saving ones ask for a place without holding up the window."""
    menu = QMenu(panel)
    menu.addAction("Copy plot", partial(copy_plot, panel))
    menu.addSeparator()
    for suffix, words in FORMATS:
        menu.addAction(f"Save as {suffix.upper()}", partial(ask_place, panel, suffix, words))
    return menu


def show_menu(panel: Panel, at: QPoint) -> None:
    """Open the menu at a place of the plot: right press, or the menu key."""
    menu = plot_menu(panel)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    menu.popup(panel.view.mapToGlobal(at))


def copy_plot(panel: Panel) -> None:
    """Put the plot on the clipboard as a picture, with a flash."""
    clipboard = QApplication.clipboard()
    if clipboard is not None:
        clipboard.setPixmap(_pixels(panel, panel.devicePixelRatioF()))
    flash(panel, panel.theme.tokens.selected)


def ask_place(panel: Panel, suffix: str, words: str) -> None:
    """Ask where to; not modal, so that Stop works behind it."""
    dialog = QFileDialog(
        panel,
        "Save the plot",
        str(in_documents(f"{file_name(panel)}.{suffix}")),
        f"{words} (*.{suffix})",
    )
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    beside(dialog, lambda path: save_plot(panel, Path(path)))


def file_name(panel: Panel) -> str:
    """A name for the file: the run's id and the plot's title."""
    run = panel.shown_run
    title = re.sub(r"\W+", "-", panel.title.text().lower()).strip("-")
    return "-".join(part for part in (run, title) if part) or "plot"


def save_plot(panel: Panel, path: Path) -> None:
    """Write what a panel shows, beside the window; the suffix says how.

    What the disk refuses stands in the plot's head until the next time.
    """
    maker = {".svg": svg_of, ".csv": csv_of}.get(path.suffix.lower(), png_of)
    content, writer = maker(panel), Latest(panel)
    writer.done.connect(partial(_told_saved, panel))
    writer.ask(partial(write_bytes, path, content))


def _told_saved(panel: Panel, _: object, error: Exception | None) -> None:
    if error is None:
        flash(panel, panel.theme.tokens.selected)
    else:
        panel.unit.setText(f"not saved: {error}")


@contextmanager
def _drawn_at(panel: Panel, dots: float) -> Iterator[None]:
    """Lines are as wide beside the words as on the screen: Qt draws them in dots of the picture."""
    before = DOTS.set(dots)
    panel.restyle()
    try:
        yield
    finally:
        DOTS.reset(before)
        panel.restyle()


def _pixels(panel: Panel, dots: float) -> QPixmap:
    """The panel as a picture, a pixel of the screen as so many dots."""
    with _drawn_at(panel, dots):
        return picture(panel, panel.theme, dots)


def png_of(panel: Panel) -> bytes:
    """The panel with its head and run id, at twice the screen's pixels."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    _pixels(panel, SHARP).save(buffer, "PNG")
    return bytes(content.data())


def svg_of(panel: Panel) -> bytes:
    """The panel as a drawing whose lines and words stay lines and words."""
    content = QByteArray()
    buffer = QBuffer(content)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    generator = QSvgGenerator()
    generator.setOutputDevice(buffer)
    size = QSize(panel.width(), panel.height())
    generator.setSize(size)
    generator.setViewBox(QRect(0, 0, size.width(), size.height()))
    generator.setTitle(f"{panel.title.text()} {panel.shown_run}".strip())
    painter = QPainter(generator)
    curves = [item.curve for item, _, style in panel.items if style["kind"] == "curve"]
    dots = [item for item, _, style in panel.items if style["kind"] == "dots"]
    with _drawn_at(panel, 1.0), on_paper(panel, panel.theme), whole(curves, dots):
        painter.fillRect(panel.rect(), colour(LIGHT.surface))
        render(panel, painter)
    painter.end()
    buffer.close()
    return bytes(content.data())


def csv_of(panel: Panel) -> bytes:
    """Every line, point and band of the panel as columns, in the units that are shown.

    Lines may have different lengths: each has its own column of x, in front of its y. Of a map each
    channel is a column.
    """
    columns = [column for item in drawn(panel) for column in _columns(*item, panel)]
    columns += _of_maps(panel)
    longest = max((len(values) for _, values in columns), default=0)
    head = [f"# {panel.title.text()}, {panel.unit.text()}".rstrip(", ")]
    if panel.shown_run:
        head.append(f"# {panel.shown_run}")
    if places := panel.plot.getAxis("bottom").places:
        head.append(f"# x: {'; '.join(f'{k} is {name}' for k, name in enumerate(places))}")
    head.append(",".join(_quoted(name) for name, _ in columns))
    lines = [
        ",".join(f"{values[row]:.9g}" if row < len(values) else "" for _, values in columns)
        for row in range(longest)
    ]
    return ("\n".join([*head, *lines]) + "\n").encode("utf-8")


def drawn(panel: Panel) -> list[tuple[str, tuple[Any, ...]]]:
    """What a panel draws: a name, and x, y (a band: x, low, high) of each item in view.

    It is called as in the panel's legend, and where that has no word for it by its colour.
    """
    out: list[tuple[str, tuple[Any, ...]]] = []
    names: dict[str, int] = {}
    told: dict[tuple[str, str], int] = {}
    for item, token, style in panel.items:
        if style["kind"] in ("limit", "map"):
            continue
        word = _word(panel.legend.keys, token, style, told)
        if not item.isVisible():
            continue
        names[word] = names.get(word, 0) + 1
        out.append(
            (word if names[word] == 1 else f"{word} {names[word]}", _data(item, style, panel))
        )
    return out


def _word(
    keys: Sequence[Key], token: str, style: dict[str, Any], told: dict[tuple[str, str], int]
) -> str:
    """What a legend calls an item; `told`: how many of a colour and kind were called so far."""
    kind = style["kind"]
    line = "repeats" if style.get("repeats") else "dash" if style.get("dashed") else "line"
    signs = {"curve": (line,), "dots": ("dot", "ring"), "bars": ("box", "band")}.get(kind, (kind,))
    own = [key for key in keys if key.token == token]
    alike = [key.text for key in own if key.kind in signs]
    if alike:
        number = told.get((token, signs[0]), 0)
        told[token, signs[0]] = number + 1
        return alike[min(number, len(alike) - 1)]
    if own:
        of_dots = kind == "curve" and own[0].kind in ("dot", "ring")
        return f"{own[0].text} {'interval' if of_dots else kind}"
    words = "repeats" if style.get("repeats") else token
    return words if kind == "curve" else f"{words} {kind}"


def _data(item: Any, style: dict[str, Any], panel: Panel) -> tuple[Any, ...]:
    """What an item shows; on a logarithmic axis all but lines are drawn by their logarithms."""
    kind = style["kind"]
    if kind == "curve":
        return tuple(item.getOriginalDataset())
    if kind == "band":
        low, high = (curve.getData() for curve in item.curves)
        placed: tuple[Any, ...] = (low[0], low[1], high[1])
    elif kind == "bars":
        placed = (item.opts["x"], item.opts["height"])
    else:
        placed = tuple(item.getData())
    across, up = (panel.plot.getAxis(side).logMode for side in ("bottom", "left"))
    return tuple(
        10.0 ** np.asarray(values, dtype=float) if log and values is not None else values
        for values, log in zip(placed, (across, up, up), strict=False)
    )


def _columns(name: str, data: Any, panel: Panel) -> list[tuple[str, Any]]:
    """The x and the y's of one item; an empty one has no columns."""
    kept = [np.asarray(values, dtype=float).ravel() for values in data if values is not None]
    if len(kept) < 2 or not all(len(values) for values in kept):
        return []
    ends = ("",) if len(kept) == 2 else (" low", " high")
    x_name = panel.x_label.text() if panel.run_id is not None else "x"
    named = [(f"{name}{end}", values) for end, values in zip(ends, kept[1:], strict=True)]
    return [(f"{x_name} of {name}", kept[0]), *named]


def _of_maps(panel: Panel) -> Iterator[tuple[str, Any]]:
    """The steps, and the row of each channel, of a map in view."""
    for item, _, style in panel.items:
        if style["kind"] == "map" and item.isVisible():
            yield "step", np.arange(item.image.shape[1])
            yield from ((f"channel {k}", row) for k, row in enumerate(item.image, 1))


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(c in text for c in ',"\n') else text
