"""Plans of designs: a small one within the frame, a large one beside the window.

The disk is always asked beside it: a network share that hangs must not hold the window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from PyQt6.QtCore import QObject, QTimer, pyqtSignal

from app.gui.background import Latest
from app.gui.record_design import with_room
from models.errors import TwinrigError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.gui.record_design import Plan
    from app.gui.record_resume import Unfinished
    from app.gui.record_saved import NewDesign
    from app.session import Session


def may_begin(design: NewDesign | Unfinished | None, plan: Plan | None) -> bool:
    """Whether nothing is known against a design; a large one is refused when it begins."""
    if plan is not None:
        return plan.level != "fault"
    return design is not None and not design.is_quick


class Foresight(QObject):
    """`looked(plan, error)`: one of the two is None; only of the latest design that was asked."""

    looked = pyqtSignal(object, object)

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._beside = Latest()
        self._beside.done.connect(self._tell)
        self._told: Plan | None = None
        self._asked: Callable[[], Plan] | None = None
        self._begin = QTimer(self)  # behind the frame of this turn, which a thread would delay
        self._begin.setSingleShot(True)
        self._begin.timeout.connect(self._ask)

    def look(self, design: NewDesign | Unfinished) -> bool:
        """Make the plan of a design; False where it is told later."""
        spec, bench = self._session.spec, self._session.bench
        folder = self._session.library.folder
        self._told = None
        self.forget()
        if not design.is_quick:
            self._ask_soon(lambda: with_room(design.foreseen(spec, bench), folder))
            return False
        try:
            plan = design.foreseen(spec, bench)
        except TwinrigError as error:
            self.looked.emit(None, error)
        else:
            self._told = plan
            self.looked.emit(plan, None)
            self._ask_soon(lambda: with_room(plan, folder))
        return True

    def _ask_soon(self, task: Callable[[], Plan]) -> None:
        self._asked = task
        self._begin.start()

    def _ask(self) -> None:
        if self._asked is not None:
            self._beside.ask(self._asked)

    def _tell(self, plan: Plan | None, error: Exception | None) -> None:
        """What was found beside the window, where it is not what is told already."""
        if plan is None or plan is not self._told:
            self.looked.emit(plan, error)

    def forget(self) -> None:
        """No plan is wanted any more."""
        self._begin.stop()
        self._beside.forget()
