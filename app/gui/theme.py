"""The look of the window: one set of tokens for light and one for dark, palette, fonts and pens."""

from __future__ import annotations

import re
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, Qt, pyqtSignal
from PyQt6.QtGui import (
    QBrush,
    QColor,
    QFont,
    QFontDatabase,
    QFontMetrics,
    QGuiApplication,
    QPalette,
    QPen,
)

from app.gui.stylesheet import stylesheet

if TYPE_CHECKING:
    from collections.abc import Iterator

    from PyQt6.QtWidgets import QApplication, QWidget

LABEL_PX, BODY_PX, TITLE_PX, VALUE_PX = 11, 13, 15, 22
MODES = ("light", "dark", "system")
STYLE = "fusion"
DOTS: ContextVar[float | None] = ContextVar("DOTS", default=None)
"""Dots that a pixel has in a picture which is being drawn; None: as many as on the screen."""
ID_TIME = re.compile(r"-\d{8}T\d{6}-(?=[0-9a-f]{6})")
"""Of an artefact's id, such as `twin-20260102T030405-9f3a1c`, what stands in its middle."""


@dataclass(frozen=True)
class Tokens:
    """Every colour of the window; the names follow the table in the drawings' README."""

    window: str
    rail: str
    surface: str
    entry: str
    hairline: str
    border: str
    grid: str
    axis: str
    selected: str
    track: str
    text1: str
    text2: str
    text3: str
    ink: str
    on_ink: str
    on_ink2: str
    stop: str
    attention: str
    attention_fill: str
    attention_edge: str
    fault: str
    fault_fill: str
    fault_edge: str
    field: str
    measured: str
    twin: str
    repeat: str
    repeat_alpha: int
    band_alpha: int
    negative: str


LIGHT = Tokens(
    window="#F4F5F6",
    rail="#EBEDEF",
    surface="#FFFFFF",
    entry="#FFFFFF",
    hairline="#E0E3E6",
    border="#B3BAC1",
    grid="#EDEFF1",
    axis="#AEB5BC",
    selected="#DBDFE3",
    track="#D5D9DD",
    text1="#1C2126",
    text2="#58616B",
    text3="#7A828B",
    ink="#282E35",
    on_ink="#FFFFFF",
    on_ink2="#C3C9D0",
    stop="#C5221F",
    attention="#855300",
    attention_fill="#FFF0CC",
    attention_edge="#DDAE4F",
    fault="#B3221C",
    fault_fill="#FCEBE9",
    fault_edge="#E2A29C",
    field="#0072B2",
    measured="#D55E00",
    twin="#009E73",
    repeat="#59626C",
    repeat_alpha=52,
    band_alpha=46,
    negative="#B0578D",
)
DARK = Tokens(
    window="#17191C",
    rail="#121416",
    surface="#1C1F23",
    entry="#121416",
    hairline="#2C3035",
    border="#525A62",
    grid="#262A2F",
    axis="#596169",
    selected="#30363C",
    track="#363B41",
    text1="#E3E6E9",
    text2="#A3ABB4",
    text3="#7C858F",
    ink="#E3E6E9",
    on_ink="#17191C",
    on_ink2="#4A5159",
    stop="#CF352E",
    attention="#F2D04B",
    attention_fill="#332B10",
    attention_edge="#7A671F",
    fault="#FF8F86",
    fault_fill="#3A1C1A",
    fault_edge="#8A3A34",
    field="#56B4E9",
    measured="#E69F00",
    twin="#1DB78A",
    repeat="#C3C9D0",
    repeat_alpha=46,
    band_alpha=60,
    negative="#CC79A7",
)


def colour(name: str, alpha: int = 255) -> QColor:
    """A token's colour, translucent where `alpha` is below 255."""
    made = QColor(name)
    made.setAlpha(alpha)
    return made


def pen(name: str, width: float = 1.0, *, dashed: bool = False, alpha: int = 255) -> QPen:
    """A cosmetic pen; `dashed` is the twin's 6-3.5 pattern. Widths stay at most 2 px.

    Qt draws a cosmetic pen in the screen's own dots, half as wide at 200 %: its scale is put in.
    """
    app = QGuiApplication.instance()
    screen = app.devicePixelRatio() if isinstance(app, QGuiApplication) else 1.0
    scale = DOTS.get() or screen
    made = QPen(QBrush(colour(name, alpha)), width * scale)
    made.setCosmetic(True)
    if dashed:
        made.setDashPattern([6 / max(width, 1), 3.5 / max(width, 1)])
    return made


def sans(pixels: int = BODY_PX, weight: int = 400) -> QFont:
    """The system's sans font with tabular digits where it has them."""
    return QFont(_sans(pixels, weight))


@cache
def _sans(pixels: int, weight: int) -> QFont:
    """Made once: a frame asks some thirty times, and the system each time takes longer."""
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.GeneralFont)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight(weight))
    if hasattr(font, "setFeature"):
        font.setFeature(QFont.Tag("tnum"), 1)
    return font


def mono(pixels: int = LABEL_PX, weight: int = 400) -> QFont:
    """The system's monospaced font: values and ids."""
    return QFont(_mono(pixels, weight))


@cache
def _mono(pixels: int, weight: int) -> QFont:
    font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
    font.setStyleHint(QFont.StyleHint.Monospace)
    font.setPixelSize(pixels)
    font.setWeight(QFont.Weight(weight))
    return font


MOST_ON_A_LINE = 2000  # characters: more than any screen has; a note has up to 64 kB


def elided(text: str, font: QFont, width: int) -> str:
    """The text on one line, cut with … where it is wider than `width` px.

    Of an artefact's id the time goes first: what begins it most have in common, its end none.
    """
    metrics = QFontMetrics(font)
    text = " ".join(text[:MOST_ON_A_LINE].splitlines())  # a folder's name may have a line break
    if metrics.horizontalAdvance(text) > width:
        text = ID_TIME.sub("…", text)
    cut = metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    return cut.replace("……", "…")  # behind the … of a time


class Theme(QObject):
    """The tokens in force; `changed` tells everything that paints by itself to do it again."""

    changed = pyqtSignal()

    def __init__(self, mode: str = "system") -> None:
        super().__init__()
        self.mode = mode
        self.tokens = LIGHT

    def apply(self, app: QApplication, mode: str | None = None) -> None:
        """Put palette and style sheet in force; plots take their colours at `changed`.

        `setColorScheme()` was measured to do nothing on offscreen and bare xcb, so the palette
        is our own. The old sheet is taken away first, and the style set only once: of a window
        of 3000 widgets a sheet in place of another took 1.5 s, without one in between 0.4 s.
        """
        self.mode = mode if mode in MODES else self.mode
        self.tokens = DARK if self._is_dark(app) else LIGHT
        app.setStyleSheet("")
        style = app.style()
        if style is None or style.name() != STYLE:
            app.setStyle(STYLE)
        app.setFont(sans())
        app.setPalette(qpalette(self.tokens))
        app.setStyleSheet(stylesheet(self.tokens, mono().family()))
        self.changed.emit()

    def follow(self, app: QApplication) -> None:
        """Change with the system, where the look is the system's and that has changed."""
        if (DARK if self._is_dark(app) else LIGHT) is not self.tokens:
            self.apply(app)

    @contextmanager
    def light_for(self, widget: QWidget) -> Iterator[None]:
        """Light within, for one widget that is drawn meanwhile: a sheet for all takes 0.4 s."""
        before = self.tokens
        if before is LIGHT:
            yield
            return
        self.tokens = LIGHT
        widget.setStyleSheet(stylesheet(LIGHT, mono().family()))
        self.changed.emit()
        try:
            yield
        finally:
            self.tokens = before
            widget.setStyleSheet("")
            self.changed.emit()

    def _is_dark(self, app: QApplication) -> bool:
        if self.mode != "system":
            return self.mode == "dark"
        hints = app.styleHints()
        return hints is not None and hints.colorScheme() == Qt.ColorScheme.Dark


def qpalette(tokens: Tokens) -> QPalette:
    """The Fusion palette of these tokens; no accent colour: what is chosen is ink."""
    role = QPalette.ColorRole
    palette = QPalette()
    for which, name in (
        (role.Window, tokens.window),
        (role.WindowText, tokens.text1),
        (role.Base, tokens.entry),
        (role.AlternateBase, tokens.window),
        (role.Text, tokens.text1),
        (role.PlaceholderText, tokens.text3),
        (role.Button, tokens.surface),
        (role.ButtonText, tokens.text1),
        (role.Highlight, tokens.ink),
        (role.HighlightedText, tokens.on_ink),
        (role.ToolTipBase, tokens.surface),
        (role.ToolTipText, tokens.text1),
        (role.Link, tokens.text1),
        (role.Mid, tokens.border),
        (role.Dark, tokens.border),
        (role.Light, tokens.hairline),
    ):
        palette.setColor(which, QColor(name))
    for which in (role.Text, role.WindowText, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, which, QColor(tokens.text3))
    return palette
