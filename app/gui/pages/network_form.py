"""The form of the Network page: task, twin, layout, training or the comparison table."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PyQt6.QtCore import QObject, pyqtSignal
from PyQt6.QtWidgets import QLineEdit, QMenu, QPushButton, QSizePolicy, QWidget

from app.gui.network_asks import TABLE, TRAIN, Ask, Layout, TableAsk, TrainAsk
from app.gui.widgets.basic import Choice, Segments, Tick, WholeEntry, row

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from app.session import Artefact, Session

LAYERS = re.compile(r"^\s*\d+\s*(,\s*\d+\s*)*$")
MOST_NODES = 4096
FIRST_TASK = "mackey-glass"
KINDS = (("Train", TRAIN), ("Compare kinds", TABLE))
WHOLE = ("iterations", "seed", "seeds", "folds")
TEXTS = ("layers", "wiring", "taps")


class TwinsButton(QPushButton):
    """A menu of twins, any number of them ticked: the ensemble beside the first one."""

    changed = pyqtSignal()

    def __init__(self) -> None:
        super().__init__()
        self.setAccessibleName("Further twins of the same device")
        self.setMenu(QMenu(self))
        self.setFixedHeight(28)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setToolTip("Noise is drawn through all of them; the interval holds their bias")
        self.chosen: list[Path] = []
        self._say()

    def offer(self, found: Sequence[Artefact]) -> None:
        """Twins to tick; those that are ticked stay where they are still there."""
        menu = self.menu()
        if menu is None:
            return
        menu.clear()
        paths = [artefact.path for artefact in found]
        self.chosen = [path for path in self.chosen if path in paths]
        for artefact in found:
            action = menu.addAction(artefact.id)
            if action is None:
                continue
            action.setCheckable(True)
            action.setChecked(artefact.path in self.chosen)
            action.toggled.connect(lambda on, path=artefact.path: self._toggle(path, on))
        self._say()

    def _toggle(self, path: Path, on: bool) -> None:
        self.chosen = [p for p in self.chosen if p != path] + ([path] if on else [])
        self._say()
        self.changed.emit()

    def _say(self) -> None:
        self.setText(f"{len(self.chosen)} more" if self.chosen else "none")


class NetworkForm(QObject):
    """Rows of the page's form; `changed` when any value has changed."""

    changed = pyqtSignal()

    def __init__(self, theme: Theme, form: Form) -> None:
        super().__init__(form)
        self._form, self._theme = form, theme
        self._rows: list[tuple[str, QWidget]] = []
        self.options_of: dict[str, dict[str, Any]] = {}
        self.defaults = ""
        self._task_rows()
        self._network_rows()
        self._training_rows()
        self._choose(TRAIN)
        for name in WHOLE:
            getattr(self, name).valueChanged.connect(self._tell)
        for name in (*TEXTS, "options"):
            getattr(self, name).textChanged.connect(self._tell)
        self.cascade.toggled.connect(self._tell)
        self.ensemble.changed.connect(self._tell)
        for choice in (self.twin, self.measure):
            choice.currentIndexChanged.connect(self._tell)
        self.task.currentIndexChanged.connect(self._task_chosen)

    def _text(self, value: str, name: str) -> QLineEdit:
        made = QLineEdit(value)
        made.setAccessibleName(name)
        return made

    def _task_rows(self) -> None:
        self.task_note = self._form.section("Task")
        self.task = Choice(self._theme, ((FIRST_TASK, FIRST_TASK),), "Task")
        self.options = self._text("", "Options of the task")
        self._form.row("Task", self.task)
        self._form.row("Options", self.options)

    def _network_rows(self) -> None:
        self.note = self._form.section("Network")
        self.twin = Choice(self._theme, (), "Twin")
        self.layers = self._text("16, 16, 16", "Layers")
        self.wiring = self._text("forward", "Wiring")
        self.wiring.setToolTip("forward, skip, or such as 2:in,1 3:2,1@4")
        self.taps = self._text("0", "Taps: delays in steps")
        self.taps.setToolTip("Layers and read-out see their sources as they were so many steps ago")
        self.ensemble = TwinsButton()
        self.taps.setFixedWidth(60)
        self._form.row("Twin", self.twin)
        self._form.row("Further twins", self.ensemble)
        self._form.row("Layers", self.layers)
        self._form.row("Wiring, taps", row(self.wiring, self.taps))

    def _training_rows(self) -> None:
        self._form.section("Work")
        self.kind = Segments(self._theme, KINDS, "What to do")
        self.kind.chosen.connect(self._choose)
        self._form.widget(self.kind)
        self.iterations = WholeEntry(3000, 0, 1_000_000, "", "Iterations")
        self.seed = WholeEntry(1, 0, 2**31 - 1, "", "First seed")
        self.seeds = WholeEntry(1, 1, 1000, "", "Seeds, side by side")
        self.cascade = Tick(self._theme, "Cascade: layer by layer first")
        self.folds = WholeEntry(0, 0, 100, "", "Folds of the task")
        self.folds.setSpecialValueText("none")
        self.measure = Choice(self._theme, (("foreseen only", False),), "Where they are deployed")
        self._form.row("Iterations", self.iterations)
        self._form.row("Seeds, first", row(self.seeds, self.seed))
        self._add(TABLE, "Folds", self.folds)
        self._add(TABLE, "Measure", self.measure)
        self._form.widget(self.cascade)

    def _add(self, kind: str, name: str, control: QWidget) -> None:
        self._rows.append((kind, self._form.row(name, control)))

    def _choose(self, kind: str) -> None:
        for which, widget in self._rows:
            widget.setVisible(which == kind)
        self.changed.emit()

    def _tell(self, *_: Any) -> None:
        self.changed.emit()

    # what is offered

    def offer_tasks(self, found: Mapping[str, tuple[str, dict[str, Any]]]) -> None:
        """Every task's first line and its options with their defaults."""
        self.options_of = {name: options for name, (_, options) in found.items()}
        self.task.offer([(name, name) for name in found])
        for index, (words, _) in enumerate(found.values()):
            self.task.setItemData(index, words, 3)  # Qt.ItemDataRole.ToolTipRole
        self._show_task()

    def _task_chosen(self, *_: Any) -> None:
        self.options.clear()  # another task has others
        self._show_task()
        self._tell()

    def _show_task(self) -> None:
        """The options and their defaults, in the empty entry."""
        name = str(self.task.currentData())
        options = self.options_of.get(name, {})
        words = ", ".join(f"{key}={value}" for key, value in options.items())
        path = "path of a JSON header" if name == "file" else "none"
        self.options.setPlaceholderText(words or path)
        self.defaults = words
        self.options.setToolTip(words)
        tip = self.task.itemData(self.task.currentIndex(), 3)
        self.task.setToolTip(str(tip or ""))

    def offer_twins(self, found: Sequence[Artefact]) -> None:
        """Twins of the library; one that was handed over stays chosen."""
        chosen = self.twin.currentData()
        self.twin.offer([(artefact.id, artefact.path) for artefact in found])
        if chosen is not None and not self.twin.choose(chosen):
            self.choose_twin(chosen)
        self.ensemble.offer(found)

    def choose_twin(self, path: Path) -> None:
        """Choose a twin, also one that the library has not told yet."""
        if not self.twin.choose(path):
            self.twin.addItem(path.name, path)
            self.twin.choose(path)

    # what is asked for

    @property
    def task_text(self) -> str:
        """Name and options as a training takes them."""
        options = self.options.text().strip()
        return f"{self.task.currentData()}{':' if options else ''}{options}"

    def nodes(self) -> tuple[int, ...] | None:
        """Nodes of each layer; None where the entry reads otherwise."""
        text = self.layers.text()
        if not LAYERS.match(text):
            return None
        layers = tuple(int(part) for part in text.split(","))
        return layers if min(layers) >= 1 and sum(layers) <= MOST_NODES else None

    def layout_asked(self) -> Layout:
        """Wiring, taps, further twins, cascade."""
        more = tuple(path for path in self.ensemble.chosen if path != self.twin.currentData())
        return Layout(self.wiring.text(), self.taps.text(), more, self.cascade.isChecked())

    def offer_places(self, session: Session) -> None:
        """Where the networks of the comparison table can be measured."""
        spec = session.spec
        places: list[tuple[str, bool]] = [("foreseen only", False)]
        if spec.virtual is not None or session.bench is not None:
            places.append((f"on {spec.name}", True))
        self.measure.offer(places)

    def ask(self, session: Session, bench_file: str) -> Ask | None:
        """What is asked for; None where a twin or the layers are missing."""
        twin, layers = self.twin.currentData(), self.nodes()
        if twin is None or layers is None:
            return None
        common = (
            self.task_text, Path(twin), layers, self.iterations.value(), self.seed.value(),
            self.seeds.value(),
        )  # fmt: skip
        if self.kind.value != TABLE:
            return TrainAsk(*common, self.layout_asked())
        virtual = session.spec.virtual
        place = (bench_file or "virtual") if self.measure.currentData() else None
        in_pool = virtual is not None and virtual.device is not None
        return TableAsk(
            *common, self.folds.value(), self.layout_asked(), place, in_pool, session.bench
        )

    # settings

    def values(self) -> dict[str, Any]:
        """What comes back at the next start; twins do not."""
        return {
            "task": self.task.currentData(),
            "options": self.options.text(),
            "kind": self.kind.value,
            "cascade": self.cascade.isChecked(),
            **{name: getattr(self, name).text() for name in TEXTS},
            **{name: getattr(self, name).value() for name in WHOLE},
        }

    def set_values(self, values: dict[str, Any]) -> None:
        """Put values back; what doesn't fit is left alone."""
        task = values.get("task")
        if isinstance(task, str) and not self.task.choose(task):
            self.task.addItem(task, task)  # the list of tasks is still being read
            self.task.choose(task)
        for name in (*TEXTS, "options"):
            if isinstance(values.get(name), str):
                getattr(self, name).setText(values[name])
        for name in WHOLE:
            if isinstance(values.get(name), int):
                getattr(self, name).setValue(values[name])
        if isinstance(values.get("cascade"), bool):
            self.cascade.setChecked(values["cascade"])
        if values.get("kind") in [kind for _, kind in KINDS]:
            self.kind.choose(values["kind"])
