"""The form of the New bench file page: the file, the adapter, drive and reset."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from PyQt6.QtWidgets import QFileDialog, QLineEdit, QPushButton, QWidget

from app.gui.bench_values import bare_unit, shown, taken
from app.gui.new_file import NewFile
from app.gui.pages.bench_draft_card import claimed, placeholder
from app.gui.widgets.basic import Choice, label, row, set_level
from app.gui.widgets.file_dialog import beside
from instruments.bench_draft import OFFERED, is_missing
from instruments.bench_keys import RESET_KEYS, Key, drive_keys
from models.sequence import ENCODINGS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from app.gui.theme import Theme
    from app.gui.widgets.form import Form
    from instruments.bench_draft import Draft

LABELS = {
    "low_T": "At drive 0, mT", "high_T": "At drive 1, mT", "hold_s": "Hold, s", "gate_s": "Gate, s",
    "magnet": "Magnet", "magnet_2": "Second magnet", "points_per_rotation": "Points a turn",
    "rotations": "Turns a step", "timing": "Timing", "marker_T": "Marker, mT", "trigger": "Trigger",
}  # fmt: skip
RESET_LABELS = {"field_T": "Reset, mT", "hold_s": "Reset hold, s"}
"""With the unit of a bare number; the file has fields in T."""
GAP_PX = 1  # between rows: with every key of [drive] the form still stands in a low window
MOST_MAGNETS = 3  # with so many, every key of [drive] may be asked for


class DraftForm:
    """The entries; `changed` is called with every change."""

    def __init__(
        self, theme: Theme, form: Form, first_path: Path, changed: Callable[..., None]
    ) -> None:
        self._form, self._changed = form, changed
        self._boards: dict[str, Mapping[str, Any]] = {}  # of the bench that was begun with
        form.set_gap(GAP_PX)
        form.section("File")
        self.name = self._entry("Name", "the file's")
        choose = QPushButton("…")
        choose.setAccessibleName("Choose the file")
        choose.setToolTip("Choose the file")
        choose.setFixedWidth(34)
        choose.clicked.connect(lambda: self.choose_file())
        self.file = self._entry("File", "rig.toml", choose)
        self.file.textChanged.connect(self.file.setToolTip)
        self.new = NewFile(self.file, "rig.toml")
        self.new.changed.connect(changed)
        self.new.offer(first_path)
        self.here = QPushButton("The open bench")
        self.here.setToolTip("What the open bench file says, to add to it or to take away")
        form.row("Begin with", self.here)
        self.board = self._entry("GPIB adapter", "none")
        self.board.setToolTip(
            "A Prologix box: PRLGX-TCPIP0::192.168.0.9::1234::INTFC, whose instruments are "
            "GPIB0::8::INSTR and so on"
        )
        form.section("Drive and reset")
        items = [("choose one", ""), *((name, name) for name in ENCODINGS)]
        self.encoding = Choice(theme, items, "Encoding")
        self.encoding.currentIndexChanged.connect(changed)
        form.row("Encoding", self.encoding)
        self.entries: dict[tuple[str, str], QLineEdit] = {}
        self._rows: dict[tuple[str, str], QWidget] = {}
        for key in _every_drive_key():
            self._add("drive", key, LABELS.get(key.name, key.name))
        for key in RESET_KEYS:
            self._add("reset", key, RESET_LABELS[key.name])
        self.rest = label("", "fault", wrap=True)
        self.rest.hide()
        form.widget(self.rest)

    def _entry(self, name: str, hint: str, *beside: QWidget) -> QLineEdit:
        entry = QLineEdit()
        entry.setPlaceholderText(hint)
        entry.setAccessibleName(name)
        entry.textChanged.connect(self._changed)
        self._form.row(name, row(entry, *beside) if beside else entry)
        return entry

    def _add(self, table: str, key: Key, words: str) -> None:
        entry = QLineEdit()
        entry.setPlaceholderText(OFFERED.get(key.name) or placeholder(key))
        if key.usual is None and (unit := bare_unit(key.name)):
            entry.setPlaceholderText(unit)
        entry.setToolTip(key.words.removeprefix("T; "))
        entry.setAccessibleName(words)
        entry.textChanged.connect(self._changed)
        self.entries[table, key.name] = entry
        self._rows[table, key.name] = self._form.row(words, entry)

    @property
    def path(self) -> Path:
        """Where the file goes."""
        return self.new.path

    def choose_file(self) -> QFileDialog:
        """Open a dialog for the path, beside the window: nothing waits for it."""
        dialog = QFileDialog(self._form, "New bench file", str(self.path), "Bench (*.toml)")
        dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
        dialog.setDefaultSuffix("toml")
        dialog.setOption(QFileDialog.Option.DontConfirmOverwrite)  # it is refused anyhow
        return beside(dialog, self.file.setText)

    def show_draft(self, draft: Draft) -> None:
        """Show the name, the adapter, drive and reset of a draft."""
        self.name.setText(draft.name)
        self._boards = dict(draft.boards)
        board = next(iter(self._boards.values()), {})
        self.board.setText(str(board.get("resource", "")))
        self.encoding.choose(draft.drive.get("encoding", ""))
        for (table, key), entry in self.entries.items():
            values = draft.drive if table == "drive" else draft.reset
            entry.setText(shown(key, values[key]) if key in values else "")

    def boards(self) -> dict[str, dict[str, Any]]:
        """The [board.*] tables: the first as it is typed, others as the open bench has them."""
        first, *others = self._boards or {"gpib": {}}
        given = self.board.text().strip()
        own = {first: {"resource": given}} if given else {}
        return own | {name: dict(self._boards[name]) for name in others}

    def drive(self, magnets: int) -> dict[str, Any]:
        """What is given of [drive]; keys of another encoding are left out."""
        encoding = self.encoding.currentData()
        values = {"encoding": encoding} if encoding else {}
        shown = {key.name for key in drive_keys(values, magnets)}
        return values | {k: v for k, v in self._given("drive").items() if k in shown}

    def reset(self) -> dict[str, Any]:
        """What is given of [reset]."""
        return self._given("reset")

    def _given(self, table: str) -> dict[str, Any]:
        texts = {key: entry.text().strip() for (of, key), entry in self.entries.items()
                 if of == table}  # fmt: skip
        return {key: taken(key, text) for key, text in texts.items() if text}

    def judge(self, problems: list[str], magnets: int) -> None:
        """Show each problem of drive and reset, and take it from the list; then what is left."""
        encoding = {"encoding": self.encoding.currentData()}
        shown = {key.name for key in drive_keys(encoding, magnets)}
        said = []
        chosen = claimed(problems, "drive", "encoding")
        set_level(self.encoding, "attention" if chosen else "")
        for (table, key), entry in self.entries.items():
            self._rows[table, key].setVisible(table == "reset" or key in shown)
            problem = claimed(problems, table, key)
            level = "fault" if problem else ""
            if problem and is_missing(problem):
                level = "attention"
            set_level(entry, level)
            said += [problem] if level == "fault" else []
        said += [problem for problem in problems if not is_missing(problem)]
        self.rest.setText("\n".join(said))
        self.rest.setVisible(bool(said))


def _every_drive_key() -> list[Key]:
    """Of every encoding, on a bench of several magnets; the encoding is a choice of its own."""
    drives: tuple[dict[str, Any], ...] = ({}, {"encoding": "rotation"})
    keys = {key.name: key for drive in drives for key in drive_keys(drive, MOST_MAGNETS)}
    return [key for name, key in keys.items() if name != "encoding"]
