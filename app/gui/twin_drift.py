"""The Twin page's comparison of a twin with its device: the button, the job, the latest word."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from app.drift_store import drift_words, latest_drift
from app.gui.background import Latest
from app.gui.job import JobSpec
from app.gui.twin_runs import warned
from app.gui.widgets.basic import label, set_role
from app.gui.widgets.offer import OfferButton
from app.operations.child import in_child
from app.operations.events import Result

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from PyQt6.QtWidgets import QLabel

    from app.gui.pages.page import Page
    from app.operations.events import Event


NEEDED = "tick one new, short recording"


class DriftPart:
    """What the page shows and does of comparisons; `running` while one runs."""

    def __init__(self, page: Page, chosen: Callable[[], Sequence[Path]]) -> None:
        self._page = page
        self.running = False
        self._header = ("", "")  # what stood there when the comparison began
        self.twin: Path | None = None
        self.note: QLabel = label("", "note", wrap=True)
        self.note.hide()
        self._warned: list[str] = []  # by the comparison that runs, or ran last with this twin
        self.button = OfferButton(page.theme, "Does the device still match?", NEEDED)
        self.button.clicked.connect(lambda: self.start(chosen()))
        page.form.widget(self.button)
        self.button.hide()
        self._latest = Latest(page)
        self._latest.done.connect(self._found)

    def show(self, twin: Path | None) -> None:
        """Show what the latest comparison of a twin says, once read; nothing without a twin."""
        if twin != self.twin:
            self._warned = []
        self.twin = twin
        self.button.setVisible(twin is not None)
        self._say("", "note")
        self._latest.forget()
        if twin is not None:
            self._latest.ask(lambda: latest_drift(twin))

    def _found(self, latest: dict[str, Any] | None, error: Exception | None) -> None:
        if error is not None:
            self._say(str(error), "fault")
        elif latest is not None:
            words = "\n".join((drift_words(latest), *self._warned))
            self._say(words, "fault" if latest["changed"] else "note")

    def _say(self, words: str, role: str) -> None:
        set_role(self.note, role)
        self.note.setText(words)
        self.note.setVisible(bool(words))

    def start(self, recordings: Sequence[Path]) -> None:
        """Compare the twin with the one ticked recording."""
        if self._page.running:  # whose events would be taken for the comparison's, or these for its
            return
        twin = self.twin
        if twin is None or len(recordings) != 1:
            self._page.shell.toast("tick the one new recording to compare this twin with", "info")
            return
        kwargs = {"twin": twin, "recording": recordings[0]}

        def run(stop: Callable[[], bool]) -> Iterator[Event]:
            return in_child("app.operations.compare.compare_device", kwargs, stop)

        name = recordings[0].name
        self.running = True  # the page is told at once that a job begins, and whose it is
        self.running = self._page.shell.run(
            JobSpec(self._page.key, "Comparing", name, run, hardware=False)
        )

    def begun(self) -> None:
        """Say that it runs, in the header and on the form's button, which waits for its end."""
        page, self._warned = self._page, []
        self._header = page.heading.text(), page.subheading.text()
        page.say("Comparing", "the twin with new repeats of its device · Stop ends it")
        page.form.primary.setEnabled(False)
        page.form.primary.say("Comparing", "the twin with its device")

    def take(self, events: Sequence[Event]) -> None:
        """Take the events of a comparison."""
        for event in events:
            self._warned += warned(event)
            if isinstance(event, Result):
                matches = bool(event.values["matches"])
                self._page.shell.toast(
                    str(event.values["verdict"]), "info" if matches else "warning"
                )

    def finished(self) -> None:
        """The comparison has ended."""
        self.running = False
        self._page.say(*self._header)
        self.show(self.twin)
