"""‹ and › in a plot's header: one thing after another is shown."""

from __future__ import annotations

from PyQt6.QtWidgets import QPushButton


def step_buttons(noun: str) -> tuple[QPushButton, QPushButton]:
    """The button for the one before, and for the next."""
    made = QPushButton("‹"), QPushButton("›")
    for button, words in zip(made, ("before", "next"), strict=True):
        button.setFixedSize(28, 24)
        button.setToolTip(f"Show the {noun} {words} this one")
        button.setAccessibleName(f"{noun[0].upper()}{noun[1:]} {words} this one")
    return made
