"""Settings that a hand changes in mid-run: what was recorded since is marked bad."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest
from recorded import SEQUENCES, after, iter_into, no_reply, run

from app.cli.main import main
from app.operations import settings_look
from app.operations.deploy import deploy
from app.operations.events import NodeMeasured, Paused, RepeatRecorded
from app.operations.record import record
from app.operations.settings_look import SettingsLook
from app.recording_marks import bad_positions, read_kept, read_marks
from app.store import read_recording
from instruments.asked_bench import AskedBench
from instruments.clock import Pause
from instruments.kept_settings import SettingsChangedError
from instruments.link_errors import LinkError, WrongInstrumentError
from models.errors import InputError, RefusedError, TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

    from instruments.bench import Bench


def by_hand(bench: Bench, command: str) -> None:
    bench.readouts["lockin"]._session.write(command)  # type: ignore[attr-defined]


def test_what_came_since_they_were_last_seen_is_marked_bad(bench: Bench, tmp_path: Path) -> None:
    events = record(bench, SEQUENCES, 2, tmp_path / "r")
    after(events, RepeatRecorded, 2)
    by_hand(bench, "HARM 1")
    with pytest.raises(
        SettingsChangedError, match=r"harmonic was 2, now 1\. Repeats 1-4 came since.*marked bad"
    ):
        iter_into(events, [])
    assert read_recording(tmp_path / "r").complete.all()  # nothing is deleted
    assert bad_positions(tmp_path / "r") == {0, 1, 2, 3}
    assert "harmonic was 2, now 1" in read_marks(tmp_path / "r")[0].why
    by_hand(bench, "HARM 2")
    run(bench, tmp_path / "r", resume=True)  # it had ended as done, all four of them good
    with pytest.raises(InputError, match="marked bad, so that nothing is left"):
        read_kept(tmp_path / "r")


def test_what_a_hand_does_in_a_pause_says_nothing_against_what_came_before(
    bench: Bench, tmp_path: Path
) -> None:
    pause = Pause()
    events = record(bench, SEQUENCES, 2, tmp_path / "r", pause=pause)
    after(events, RepeatRecorded, 1)
    pause.request()
    after(events, Paused, 1)
    threading.Timer(0.3, pause.clear).start()
    by_hand(bench, "HARM 1")
    with pytest.raises(SettingsChangedError, match="settings differ"):
        iter_into(events, [])
    assert bad_positions(tmp_path / "r") == frozenset()


def test_what_a_hand_did_before_a_pause_is_seen_at_its_beginning(
    bench: Bench, tmp_path: Path
) -> None:
    pause = Pause()
    events = record(bench, SEQUENCES, 2, tmp_path / "r", pause=pause)
    by_hand(bench, "HARM 2")
    after(events, RepeatRecorded, 1)
    by_hand(bench, "HARM 1")
    pause.request()
    with pytest.raises(SettingsChangedError, match="Repeat 1 came since"):
        iter_into(events, [])
    assert bad_positions(tmp_path / "r") == {0}


def test_a_deployment_does_not_go_on_with_runs_that_are_marked_bad(
    bench: Bench, kept: Path, tmp_path: Path
) -> None:
    events = deploy(kept / "network", bench, tmp_path / "out")
    after(events, NodeMeasured, 2)
    by_hand(bench, "HARM 1")
    with pytest.raises(SettingsChangedError, match=r"Repeats 1-4 came since"):
        iter_into(events, [])
    by_hand(bench, "HARM 2")
    with pytest.raises(RefusedError, match=r"repeats 1-4 marked bad.*--out.*--good"):
        next(deploy(None, bench, tmp_path / "out", resume=True))


def changed_by_hand(_bench: AskedBench) -> None:
    raise SettingsChangedError("lockin: harmonic was 2, now 1")


@pytest.mark.parametrize(
    "verb", [["deploy"], ["recalibrate", "--steps", "320"], ["polish", "--runs", "12"]]
)
def test_a_deployment_whose_runs_are_doubted_is_not_said_to_go_on(
    verb: list[str],
    kept: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """It was told twice to use --resume, which was then refused."""
    monkeypatch.setattr(AskedBench, "check_settings", changed_by_hand)
    asked = [*verb, str(kept / "network"), "--bench", "virtual"]
    assert main([*asked, "--out", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert "set the instrument back and begin another run with --out, or take back" in said
    assert "failed; can't be gone on with as it is: " in said
    assert "go on with: twinrig" not in said
    assert "a new run begins with the new ones" not in said


def test_a_recording_goes_on_when_they_are_set_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(AskedBench, "check_settings", changed_by_hand)
    records = ["record", "--bench", "virtual", "--sequences", "steps:2x3", "--repeats", "2"]
    assert main([*records, "--out", str(tmp_path / "r")]) == 1
    said = capsys.readouterr().err
    assert "For the rest set them back, then go on with --resume (window: Go on)" in said
    assert "go on with: twinrig record" in said


class Answers:
    """A real rig whose settings are asked for: what each look raises, or None."""

    def __init__(self, *answers: TwinrigError | None, by_itself: bool = True) -> None:
        self.clock = SimpleNamespace(by_itself=by_itself)
        self.left = list(answers)

    def check_settings(self) -> None:
        if (error := self.left.pop(0)) is not None:
            raise error


def looking(answers: Answers, folder: Path) -> SettingsLook:
    return SettingsLook(cast("Any", answers), folder)


CHANGED = SettingsChangedError("lockin: harmonic was 2, now 1")


@pytest.mark.parametrize(("each_s", "bad"), [(0.0, {2}), (3600.0, {0, 1, 2})])
def test_on_a_real_rig_they_are_looked_at_between_repeats(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, each_s: float, bad: set[int]
) -> None:
    monkeypatch.setattr(settings_look, "EACH_S", each_s)
    looked = [None, None] if each_s == 0 else []
    look = looking(Answers(*looked, CHANGED), tmp_path)
    look.recorded(0)
    look.recorded(1)
    with pytest.raises(SettingsChangedError, match="came since"):
        look.recorded(2) if each_s == 0 else (look.recorded(2), look.check())
    assert bad_positions(tmp_path) == bad


def test_a_virtual_rigs_are_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings_look, "EACH_S", 0.0)
    looking(Answers(by_itself=False), tmp_path).recorded(0)


def test_a_reply_that_is_lost_in_a_look_is_left_to_the_next_repeat(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings_look, "EACH_S", 0.0)
    wrong = WrongInstrumentError("lockin", "another", resource="GPIB0::8", hint="", reply="OTHER")
    look = looking(Answers(no_reply(), wrong, no_reply()), tmp_path)
    look.recorded(0)
    with pytest.raises(WrongInstrumentError):
        look.recorded(1)
    with pytest.raises(LinkError):
        look.check()
    assert bad_positions(tmp_path) == frozenset()


def test_what_could_not_be_marked_is_told(tmp_path: Path) -> None:
    look = looking(Answers(CHANGED), tmp_path / "gone" / "too")
    look.recorded(0)
    with pytest.raises(SettingsChangedError, match=r"Repeat 1 came since.*could not be marked bad"):
        look.check()
