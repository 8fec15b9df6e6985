"""The secondary button of a page: what a press does, and its cost or what refuses it under it."""

from __future__ import annotations

from app.gui.widgets.offer import OfferButton


class CostButton(OfferButton):
    """`role` `fault` or `attention` colours the second line."""

    LEAST_PX, WEIGHT = 96, 600

    def say(self, text: str, note: str, *, role: str = "") -> None:
        """Show text and cost."""
        self.role = role
        super().say(text, note)

    @property
    def cost(self) -> str:
        """The second line."""
        return self.note
