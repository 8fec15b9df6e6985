"""Where a twin is weakest, and the button that leads to recording more there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.gui.widgets.basic import label
from app.gui.widgets.cost_button import CostButton

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from app.gui.pages.shell import Shell
    from app.gui.theme import Theme
    from app.gui.widgets.form import Form

COST = "planned on the Record page, for a twin"
FULL = "at the floor: it would hardly change it"


class Weakest:
    """A section of the form, there once a twin is shown; `held`: its longest hold, in steps."""

    def __init__(self, theme: Theme, form: Form, shell: Shell, held: Callable[[], int]) -> None:
        self._shell, self._held = shell, held
        self.words = label("", "note", wrap=True)
        self.button = CostButton(theme, "Record more where it is needed", COST)
        self.button.clicked.connect(self.lead)
        form.widget(self.words)
        form.widget(self.button)
        self.show(None)

    def show(self, validation: Mapping[str, Any] | None) -> None:
        """Say the gravest reason that the twin's verdict gives; nothing without a twin."""
        found = validation["verdict"] if validation else {}
        reasons = [str(reason) for reason in found.get("reasons", ())]
        self.words.setText(f"Weakest: {reasons[0]}" if reasons else "")
        self.words.setVisible(bool(reasons))
        self.button.setVisible(validation is not None)
        self.button.say("Record more where it is needed", FULL if found.get("at_floor") else COST)

    def lead(self) -> None:
        """Go to the Record page: the plan for a twin, its steps held as long as the twin's were."""
        self._shell.open_page("record")
        self._shell.fill_form("record", {"kind": "twin", "twin_holds": self._held()})
