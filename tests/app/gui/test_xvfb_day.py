"""A user's day in a real window on a screen of its own: every page by real keys and clicks."""

from __future__ import annotations

import csv
import os
import time
from typing import TYPE_CHECKING, Any

import pytest
from xvfb_person import Person, missing, person

from app.config import load_settings
from app.library.library import Library
from app.library.note import read_note
from app.recording_marks import bad_positions
from app.store import read_recording

if TYPE_CHECKING:
    from pathlib import Path

    from app.library.folders import Artefact

LACKING = missing()
pytestmark = pytest.mark.skipif(bool(LACKING), reason=LACKING)

REPEATS, SEQUENCES, STEPS = 8, 8, 40
MARKER, NOTE = "helium refilled", "a day at the rig"
LONG_S = 1500.0  # of a fit or a training on a computer with much other work
UP = "connected and read"
FIRST_ROW_PX = 28


def kept(p: Person, kind: str) -> list[Artefact]:
    """Artefacts of a kind, newest first; each can be read."""
    found = Library(p.library).artefacts(kind)
    assert not [one.broken for one in found if one.broken]
    return found


def go_to(p: Person, keys: str, page: str) -> None:
    """A page by its keys."""
    p.keys(keys)
    p.wait(f"{keys} opens {page}", lambda s: s["page"] == page)


def first_start(p: Person) -> None:
    seen = p.wait("the first page", lambda s: s["page"])
    assert (seen["page"], seen["connected"], seen["pill"]) == ("welcome", False, "No bench")
    p.picture("1-first-start")
    p.click("Use the virtual rig, *")
    p.wait(UP, lambda s: s["page"] == "record" and "channel.Y" in s["strip"])


def bench_by_hand(p: Person) -> None:
    go_to(p, "ctrl+1", "bench")
    p.space("Test 2 instruments, *")
    p.wait("both are tested", lambda s: "tested" in s["subheading"])
    p.type("Manual field", "2.5 mT")
    p.click("Ramp to 2.50 mT, *")
    p.wait("the field is there", lambda s: s["strip"]["field"] == "2.500" and s["job"])
    p.picture("2-bench")
    p.keys("ctrl+period")
    seen = p.wait("Stop has ended it", lambda s: not s["job"] and s["strip"]["field"] == "0.000")
    assert seen["strip"]["current"] == "0.000"
    p.type("Manual field", "30 mT")  # beyond the limit: said, and nothing to press
    refused = p.find("Ramp to a field, *") or p.find("Ramp to 30*")
    assert refused is not None
    assert not refused["enabled"]


def monitor(p: Person) -> None:
    go_to(p, "ctrl+2", "monitor")
    p.click("Words of the next marker")
    p.write(MARKER)
    p.keys("Return")
    p.click("Freeze")
    p.wait("it is frozen", lambda s: s["heading"].startswith("Frozen"))
    p.click("Go on")
    p.wait("it goes on", lambda s: s["heading"] == "Live values")
    p.click("Time shown", 0.5)  # 10 min
    p.picture("3-monitor")
    p.space("Export what is seen, *")
    p.wait("it is written", lambda s: any(t.startswith("Written") for t in s["toasts"]))
    (table,) = (p.library / "monitor").glob("*.csv")
    assert table.with_suffix(".png").stat().st_size > 5000
    with table.open(newline="") as file:
        rows = list(csv.reader(file))
    assert any(MARKER in cell for row in rows for cell in row)
    assert any(cell.startswith("X") for row in rows for cell in row)


def record(p: Person) -> Path:
    go_to(p, "ctrl+3", "record")
    p.type("Sequences", str(SEQUENCES))
    p.type("Steps of a sequence", str(STEPS))
    p.type("Repeats of each sequence", str(REPEATS))
    p.wait("its cost", lambda s: "64 repeats" in s["primary"] and "within limits" in s["cost"])
    p.space("Record 64 repeats, *")
    p.wait("it records", lambda s: s["job"] == "Recording" and "repeat" in s["subheading"])
    p.keys("ctrl+p")  # waits after this repeat, output on
    p.wait("it is paused", lambda s: "paused" in s["subheading"])
    p.picture("4-record-paused")
    p.keys("ctrl+p")
    p.wait("it is recorded", lambda s: not s["job"])
    p.click("Mark bad*")
    p.wait_for("Take back*")
    p.picture("5-recorded")
    (made,) = kept(p, "rec")
    recording = read_recording(made.path)
    assert (recording.status, recording.complete.all()) == ("done", True)
    assert recording.response.shape[:3] == (SEQUENCES, REPEATS, STEPS)
    assert len(bad_positions(made.path)) == 1
    return made.path


def fit(p: Person) -> None:
    p.click("Fit a twin")
    p.wait("the Twin page", lambda s: s["page"] == "twin")
    p.type("Hidden units", "8")
    p.type("Iterations", "60")
    p.click("Fit*, *")
    p.run(LONG_S)
    seen = p.look()
    (twin,) = kept(p, "twin")
    assert (twin.head["hidden"], twin.head["meta"]["iterations"]) == (8, 60)
    assert not seen["torch"]
    p.picture("6-twin")


def train(p: Person) -> None:
    p.click("Train a network")
    p.wait("the Network page", lambda s: s["page"] == "network")
    p.type("Layers", "3, 3")
    p.type("Iterations", "20")
    p.click("Train*, *")
    p.run(LONG_S)
    assert len(kept(p, "net")) == 1
    p.picture("7-network")


def deploy(p: Person) -> None:
    p.click("Deploy")
    p.wait("the Deploy page", lambda s: s["page"] == "deploy")
    p.click("Deploy 6 nodes, *")
    p.run(LONG_S)
    p.wait("the verdict", lambda s: "nodes measured" not in s["heading"])
    (deployed,) = kept(p, "dep")
    assert read_recording(deployed.path / "nodes").complete.all()
    # the strip shows the last step until the bench is looked at again, four times a second
    p.wait("no current", lambda s: s["strip"]["current"] == "0.000", longest_s=3.0)
    p.picture("8-deploy")
    p.click("Recalibrate, *")
    p.run(LONG_S)
    nets = kept(p, "net")
    assert len(nets) == 2
    p.picture("9-recalibrated")


def library(p: Person, artefacts: int) -> None:
    go_to(p, "ctrl+7", "library")
    p.wait("it is read", lambda s: s["heading"].startswith(f"{artefacts} artefact"))
    p.type("Search", "rec-")
    shown = "1 artefact" if artefacts == 1 else f" of {artefacts} artefacts"
    p.wait("the recording is above what was made from it", lambda s: shown in s["heading"])
    (recording,) = kept(p, "rec")
    p.click("Artefacts", down_px=FIRST_ROW_PX)
    p.click("Note")
    p.write(NOTE)
    p.keys("Tab")
    end_s = time.monotonic() + 60
    while read_note(recording.path) != NOTE and time.monotonic() < end_s:
        time.sleep(0.1)
    assert read_note(recording.path) == NOTE
    p.picture("10-library")


def throw_away(p: Person) -> None:
    """What was last made, by two presses; it is in the trash and not gone."""
    newest = Library(p.library).artefacts()[0]
    p.type("Search", newest.id)
    p.wait("it is found", lambda s: s["heading"].startswith(("1 of", "1 artefact")))
    p.click("Artefacts", down_px=FIRST_ROW_PX)
    end_s = time.monotonic() + 120
    while newest.path.exists():  # it asks for six seconds, which may be over on a busy computer
        assert time.monotonic() < end_s, p.look()
        p.space("Move to trash")
        if p.find("Sure?*") is not None:
            p.keys("space")
        gone_s = time.monotonic() + 10
        while newest.path.exists() and time.monotonic() < gone_s:
            time.sleep(0.1)
    found = [name for name in p.trashes() if name.startswith(newest.path.name)]
    assert found, f"not in {p.trashes()}"


def look_and_keys(p: Person) -> None:
    go_to(p, "F1", "keys")
    p.picture("11-keys")
    go_to(p, "F8", "log")
    p.picture("12-log")
    go_to(p, "ctrl+comma", "settings")
    look = p.wait_for("Look")
    assert look["text"] == "system"
    p.click("Look", 0.5)  # between Light and System
    p.wait("it is dark", lambda s: s["mode"] == "dark")
    p.picture("13-settings-dark")
    go_to(p, "ctrl+3", "record")
    p.picture("14-record-dark")


def leave(p: Person) -> None:
    assert p.leave() == 0
    assert p.errors.read_text() == ""
    settings, note = load_settings(p.settings)
    assert (note, settings.theme, settings.bench, settings.page) == (
        "",
        "dark",
        "virtual",
        "record",
    )
    assert settings.forms["record"]["steps"] == STEPS


def comes_back(folder: Path) -> None:
    """The next morning: the same bench, page, look and form."""
    with person(folder) as p:
        seen = p.wait(UP, lambda s: s["page"] == "record" and "channel.Y" in s["strip"])
        assert seen["mode"] == "dark"
        steps = p.wait_for("Steps of a sequence")
        assert steps["text"] == f"{STEPS} steps"
        assert p.leave() == 0


@pytest.mark.timeout(600)
def test_a_morning_at_the_rig(tmp_path: Path) -> None:
    with person(tmp_path) as p:
        first_start(p)
        bench_by_hand(p)
        monitor(p)
        record(p)
        library(p, 1)
        throw_away(p)
        look_and_keys(p)
        leave(p)


@pytest.mark.full
@pytest.mark.timeout(7200)
def test_a_day_at_the_rig(tmp_path: Path) -> None:
    before = os.times()
    with person(tmp_path) as p:
        first_start(p)
        bench_by_hand(p)
        monitor(p)
        record(p)
        fit(p)
        train(p)
        deploy(p)
        library(p, 5)
        throw_away(p)
        look_and_keys(p)
        leave(p)
        pictures: Any = sorted(path.name for path in p.pictures.iterdir())
    comes_back(tmp_path)
    assert len(pictures) == 14
    after = os.times()
    worked_s = after.children_user + after.children_system
    worked_s -= before.children_user + before.children_system
    print(f"\na day in {worked_s:.0f} s of a processor: {', '.join(pictures)}")  # noqa: T201
