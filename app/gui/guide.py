"""A first run in two minutes on the virtual rig: a bar says what to press, a ring shows where."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, QPoint, QRectF, Qt, QTimer
from PyQt6.QtGui import QPainter
from PyQt6.QtWidgets import QApplication, QWidget

from app.gui.esc_key import EDITORS
from app.gui.theme import pen

if TYPE_CHECKING:
    from PyQt6.QtGui import QPaintEvent

    from app.gui.theme import Theme
    from app.gui.window import Window

FOLLOW_MS = 150
ROOM_PX = 3


@dataclass(frozen=True)
class Leg:
    """One page of the run: what to press there, what then happens, and the button that leads on."""

    page: str
    words: str
    meanwhile: str
    lead: str
    onward: str
    values: dict[str, Any] = field(default_factory=dict)


# The values of the forms are such that all four runs together take no more than a minute and a half
# of two minutes on two cores; the rest is the person's. Many sequences of few repeats: with 20 of
# 10 and 300 iterations the network scored 0.51, 0.54 and 0.14 on the device (three samples;
# persistence 0.49), with these 0.05 and 0.04, near to what was foreseen. Fewer than four repeats
# have no halves to score the twin by. What the fit takes longer the shorter test part gives back.
# Those beside the sizes are the forms' own first ones, which a second guided run would not find.
LEGS = (
    Leg(
        "record",
        "Record: the rig resets, applies a sequence of fields and reads the response after every "
        "step, many times over. Press the button at the form's foot; its time is a real rig's, "
        "this one is quicker.",
        "Recording. Grey are single repeats, the strong line is their mean: what differs between "
        "repeats is the device's noise, and the twin has to have it, too.",
        "fit_button",
        "Recorded. Press Fit a twin.",
        {
            "kind": "sequences", "family": "mixed", "count": 80, "steps": 60, "holds": 1,
            "repeats": 4, "reference": 0, "stop_at": 0,
        },
    ),
    Leg(
        "twin",
        "Twin: a neural stochastic differential equation learns the response and its noise. Press "
        "the button; this fit is short: some errors may stay above their floor.",
        "Fitting. Dashed green are the twin's own samples over repeats that the fit has not seen.",
        "train_button",
        "Fitted. The table holds each error against what two halves of the real repeats differ "
        "by. Press Train a network.",
        {
            "kind": "fit", "objective": "", "searched": False, "latent": 0, "hidden": 0,
            "members": 0, "minutes": 0, "iterations": 900, "origin": None, "recordings": [],
        },
    ),
    Leg(
        "network",
        "Network: twins are the nodes, weights between them are trained. Press the button.",
        "Training. Grey lines are methods that need no device at all: the network is held against "
        "them, whoever wins.",
        "deploy_button",
        "Trained, and scored as it should score on the device. Press Deploy.",
        {
            "kind": "train", "task": "mackey-glass", "options": "test=500", "cascade": False,
            "layers": "12, 12, 12", "wiring": "forward", "taps": "0", "more": "", "seeds": 1,
            "folds": 0, "iterations": 100, "origin": None, "further_twins": [], "layer_twins": {},
        },
    ),
    Leg(
        "deploy",
        "Deploy: every node is measured on the device, one after another. Press the button.",
        "Measuring node by node; foreseen and measured responses lie over one another.",
        "library_button",
        "That was the whole path. The verdict below was fixed before the run, and the Library "
        "keeps all four artefacts with where each comes from. Press Show in Library; Report there "
        "makes a page of it.",
        {"repeats": 1, "hours": 0.0, "more": ""},
    ),
)  # fmt: skip


class Ring(QWidget):
    """A frame around the widget to press; the mouse goes through it."""

    def __init__(self, parent: QWidget, theme: Theme) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.hide()

    def follow(self, target: QWidget | None) -> None:
        """Lie around a widget that is in view; hide without one."""
        parent = self.parentWidget()
        if target is None or parent is None or not target.isVisible():
            self.hide()
            return
        corner = target.mapTo(parent, QPoint(0, 0))
        rect = target.rect().translated(corner)
        self.setGeometry(rect.adjusted(-ROOM_PX - 2, -ROOM_PX - 2, ROOM_PX + 2, ROOM_PX + 2))
        self.show()
        self.raise_()

    def paintEvent(self, event: QPaintEvent | None) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(pen(self._theme.tokens.attention_edge, 3))
        painter.drawRoundedRect(QRectF(2, 2, self.width() - 4, self.height() - 4), 6, 6)


class Guide(QObject):
    """Four legs; what is pressed is pressed by the person, and it can be left at any time.

    Its values are lent to the forms: when it is left, and at the next start, what stood there is
    back, save where the person has typed another value meanwhile.
    """

    def __init__(self, window: Window) -> None:
        super().__init__(window)
        self._window = window
        self.at = 0
        self.target: QWidget | None = None
        self.ring = Ring(window.sheet, window.theme)
        self._timer = QTimer(self)
        self._timer.setInterval(FOLLOW_MS)
        self._timer.timeout.connect(self._follow)
        self._led_to: QWidget | None = None  # the last that was given the keyboard
        self._before: dict[str, dict[str, Any]] = {}  # what stood in the forms
        self._put: dict[str, dict[str, Any]] = {}  # what it wrote over that
        window.job_began.connect(self._began)
        window.job_ended.connect(self._ended)
        window.page_opened.connect(self._opened)

    @property
    def leg(self) -> Leg:
        """Where it is."""
        return LEGS[self.at]

    def begin(self) -> None:
        """Connect the virtual rig where that is still to do, and show the first leg.

        Where something runs, or the bench is a real one, it says so and ends.
        """
        window = self._window
        if window.job is not None:
            window.toast(
                f"{window.job.spec.title} goes on: begin the guided run once it is over, or stop "
                "it first (Ctrl+.)", "warning",
            )  # fmt: skip
            self.leave()
            return
        if not window.on_virtual_rig:
            window.toast(
                f"The guided run drives current: it is for the virtual rig, and this is "
                f"{window.session.spec.name}. Choose the virtual rig first.",
                "warning",
            )
            window.open_page("welcome")
            self.leave()
            return
        window.use_virtual()
        self._timer.start()
        window.open_page(self.leg.page)

    def leave(self) -> None:
        """Take bar and ring away, give the forms back what stood there; what runs goes on."""
        for key, values in self.borrowed().items():
            self._window.fill_form(key, values)
        self._timer.stop()
        self.ring.hide()
        self.ring.deleteLater()
        self._window.guide_bar.hide()
        self._window.guide = None
        for signal, slot in (
            (self._window.job_began, self._began),
            (self._window.job_ended, self._ended),
            (self._window.page_opened, self._opened),
        ):
            signal.disconnect(slot)
        self.deleteLater()

    def borrowed(self) -> dict[str, dict[str, Any]]:
        """Page → what stood in its form where the guide's own value stands now."""
        found = {}
        for key, put in self._put.items():
            before, now = self._before[key], self._window.pages[key].form_values()
            found[key] = {k: before[k] for k in put if now.get(k) == put[k] and k in before}
        return found

    def _lend(self, page: Any) -> None:
        """The guide's values into the form of this leg's page."""
        self._before.setdefault(self.leg.page, page.form_values())
        self._window.fill_form(self.leg.page, self.leg.values)
        now = page.form_values()
        self._put[self.leg.page] = {k: now.get(k) for k in self.leg.values}

    def _say(self, words: str, target: QWidget | None) -> None:
        self.target = target
        self._window.guide_bar.ask(
            f"{self.at + 1} of {len(LEGS)}. {words}", [("Leave the guided run", self.leave)]
        )
        self._led_to = None
        self._follow()

    def _follow(self) -> None:
        """Ring and keyboard go to what is to be pressed, as soon as it can be; once."""
        target, has = self.target, QApplication.focusWidget()
        self.ring.follow(target)
        if target is None or target is self._led_to or isinstance(has, EDITORS):
            return
        if target.isVisible() and target.isEnabled():
            target.setFocus(Qt.FocusReason.OtherFocusReason)
            self._led_to = target

    def _page(self) -> Any:
        return self._window.pages.get(self.leg.page)

    def _opened(self, key: str) -> None:
        """A page was opened: the next leg's where its turn has come."""
        if self._window.job is not None:
            return
        following = self.at + 1
        if following < len(LEGS) and key == LEGS[following].page and self._led():
            self.at = following
        if key == self.leg.page:
            page = self._page()
            self._lend(page)
            self._say(self.leg.words, page.form.primary)

    def _led(self) -> bool:
        """Whether this leg has its artefact: its button that leads on is there."""
        page = self._page()
        lead = getattr(page, self.leg.lead, None)
        return lead is not None and not lead.isHidden()

    def _began(self, page: str) -> None:
        if page == self.leg.page:
            self._say(self.leg.meanwhile, None)

    def _ended(self, page: str, status: str) -> None:
        if page != self.leg.page:
            return
        if status != "done":
            self._say(f"It ended early ({status}). {self.leg.words}", self._page().form.primary)
            return
        self._say(self.leg.onward, getattr(self._page(), self.leg.lead))
