"""Two operations at once: what is told, and how both end."""

from __future__ import annotations

import textwrap
import time
from typing import TYPE_CHECKING

import pytest

from app.operations.events import Event, Note, Progress
from app.operations.side_by_side import side_by_side
from models.errors import RefusedError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

OPERATIONS = """
    import time
    from pathlib import Path
    from app.operations.events import Note, Progress
    from models.errors import RefusedError

    def work(mark, until):
        Path(mark).write_text("begun")
        yield Progress("work", 1, 2, "step", 0.0)
        yield Note("half of it is done", "warning")
        while not Path(until).exists():
            time.sleep(0.02)
        yield Note("all of it is done")

    def refuse(mark, until):
        Path(mark).write_text("begun")
        yield Note("before")
        raise RefusedError("12 A is above the limit of 11 A")

    def endless(mark, until):
        try:
            Path(mark).write_text("begun")
            while True:
                yield Note("alive")
                time.sleep(0.02)
        finally:
            Path(until).write_text("ended as it should")
"""


@pytest.fixture(autouse=True)
def operations(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "beside_operations.py").write_text(textwrap.dedent(OPERATIONS))
    monkeypatch.syspath_prepend(str(tmp_path))


def waiting(mark: Path, then: Path | None = None) -> Generator[Event, None, None]:
    """An operation here that goes on until the child has begun."""
    while not mark.exists():
        yield Progress("here", 1, 2, "step", 0.0)
        time.sleep(0.02)
    if then is not None:
        then.write_text("go on")


def both(
    tmp_path: Path, name: str, here: Generator[Event, None, None]
) -> Generator[Event, None, None]:
    asked = {"mark": str(tmp_path / "mark"), "until": str(tmp_path / "until")}
    return side_by_side(here, f"beside_operations.{name}", asked, "the other")


def test_both_run_at_once_and_the_words_of_both_are_told(tmp_path: Path) -> None:
    here = waiting(tmp_path / "mark", tmp_path / "until")  # ends only while the child runs
    events = list(both(tmp_path, "work", here))
    assert any(isinstance(e, Progress) and e.job == "here" for e in events)
    said = [(e.text.removeprefix("the other: "), e.level) for e in events if isinstance(e, Note)]
    assert said == [("half of it is done", "warning"), ("all of it is done", "info")]


def test_words_of_the_child_while_both_run_have_its_name(tmp_path: Path) -> None:
    def here() -> Generator[Event, None, None]:
        while True:
            yield Progress("here", 1, 2, "step", 0.0)
            time.sleep(0.02)

    events = both(tmp_path, "endless", here())
    note = next(event for event in events if isinstance(event, Note))
    events.close()
    assert note.text == "the other: alive"
    assert (tmp_path / "until").read_text() == "ended as it should"


def test_a_refusal_in_the_child_ends_what_runs_here(tmp_path: Path) -> None:
    closed = []

    def here() -> Generator[Event, None, None]:
        try:
            while True:
                yield Progress("here", 1, 2, "step", 0.0)
                time.sleep(0.02)
        finally:
            closed.append(True)

    with pytest.raises(RefusedError, match="above the limit of 11 A"):
        list(both(tmp_path, "refuse", here()))
    assert closed == [True]


def test_a_fault_here_ends_the_child_as_a_stop_does(tmp_path: Path) -> None:
    def here() -> Generator[Event, None, None]:
        yield from waiting(tmp_path / "mark")
        raise RefusedError("no")

    with pytest.raises(RefusedError, match="no"):
        list(both(tmp_path, "endless", here()))
    assert (tmp_path / "until").read_text() == "ended as it should"
