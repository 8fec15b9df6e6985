"""The style sheet: sizes and colours of plain Qt widgets from the tokens."""

from __future__ import annotations

from string import Template
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gui.theme import Tokens

SHEET = Template("""
QWidget { font-size: 13px; color: $text1; }
QMainWindow, QWidget#body { background: $window; }
QWidget#strip { background: $surface; }
QWidget#status { background: $window; }
QWidget#strip { border-bottom: 1px solid $hairline; }
QWidget#status { border-top: 1px solid $hairline; }
QWidget#rail { background: $rail; border-right: 1px solid $hairline; }
QWidget#form, QWidget#formBody { background: $window; }
QWidget#form { border-right: 1px solid $hairline; }
QWidget#content, QStackedWidget, QWidget#sheet { background: $surface; }
QFrame#line { background: $hairline; border: none; max-height: 1px; min-height: 1px; }
QLabel[role="title"] { font-size: 15px; font-weight: 600; }
QLabel[role="panel"], QLabel[role="section"] { font-size: 13px; font-weight: 600; }
QLabel[keyboard="here"] { text-decoration: underline; }
QLabel[role="unit"], QLabel[role="note"] { font-size: 11px; color: $text2; }
QLabel[role="label"] { color: $text2; }
QLabel[role="id"] { font-family: "$mono"; font-size: 11px; color: $text2; }
QLabel[role="strong"] { font-size: 11px; font-weight: 600; }
QLabel[role="attention"] { font-size: 11px; color: $attention; }
QLabel[role="fault"] { font-size: 11px; color: $fault; }
QLineEdit { qproperty-acceptDrops: false; }
QLineEdit, QAbstractSpinBox, QComboBox {
    background: $entry; border: 1px solid $border; border-radius: 4px; padding: 0 7px;
    min-height: 26px; max-height: 26px; selection-background-color: $ink;
    selection-color: $on_ink; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus { border: 1px solid $ink; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled {
    color: $text3; border-color: $hairline; background: $window; }
QAbstractSpinBox QLineEdit { border: none; padding: 0; background: transparent; }
QLineEdit[level="attention"], QComboBox[level="attention"] { border: 1px solid $attention_edge; }
QLineEdit[level="fault"], QAbstractSpinBox[level="fault"] {
    border: 1px solid $fault; }
QLineEdit[level="attention"]:focus, QComboBox[level="attention"]:focus,
QLineEdit[level="fault"]:focus, QAbstractSpinBox[level="fault"]:focus {
    border-width: 2px; padding: 0 6px; min-height: 24px; max-height: 24px; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox QAbstractItemView { background: $surface; border: 1px solid $border; outline: none;
    selection-background-color: $selected; selection-color: $text1; padding: 2px; }
QPushButton { background: $surface; border: 1px solid $border; border-radius: 4px;
    padding: 0 11px; min-height: 26px; font-weight: 500; }
QPushButton:hover { background: $selected; }
QPushButton:focus { border-color: $ink; outline: none; }
QPushButton:disabled { color: $text3; border-color: $hairline; }
QToolButton { background: transparent; border: 1px solid transparent; border-radius: 4px; }
QToolButton:hover { background: $selected; }
QToolButton:focus { border-color: $ink; }
QToolButton::menu-indicator { image: none; }
QMenu { background: $surface; border: 1px solid $border; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 12px; border-radius: 3px; }
QMenu::item:selected { background: $selected; }
QMenu::item:disabled { color: $text3; }
QMenu::separator { height: 1px; background: $hairline; margin: 4px; }
QToolTip { background: $surface; color: $text1; border: 1px solid $border; padding: 4px; }
QScrollArea { border: none; background: transparent; }
QScrollBar:vertical { background: transparent; width: 8px; margin: 0; }
QScrollBar::handle:vertical { background: $track; border-radius: 4px; min-height: 24px; }
QScrollBar::add-line, QScrollBar::sub-line { height: 0; width: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QListView { background: $surface; border: none; outline: none; }
QPlainTextEdit { background: $window; border: 1px solid $hairline; border-radius: 4px;
    font-family: "$mono"; font-size: 11px; }
QPlainTextEdit:focus { border-color: $ink; }
QFrame#toast, QFrame#verdict { background: $window; border: 1px solid $hairline;
    border-radius: 4px; }
QFrame#toast[level="error"], QFrame#bar { background: $fault_fill;
    border: 1px solid $fault_edge; border-radius: 4px; }
QFrame#toast[level="warning"], QFrame#bar { background: $attention_fill;
    border: 1px solid $attention_edge; border-radius: 4px; }
QFrame#guide { background: $surface; border: none; border-bottom: 1px solid $hairline; }
QFrame#bar { border-radius: 0; border-left: none; border-right: none; }
""")


def stylesheet(tokens: Tokens, mono_family: str) -> str:
    """The sheet with these tokens filled in."""
    return SHEET.substitute({**vars(tokens), "mono": mono_family})
