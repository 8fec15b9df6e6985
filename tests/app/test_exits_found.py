"""The state that a rig is found in, and a change that isn't ours: told, kept, and named."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from exits_cases import KINDS, TASK, operation_of, recording_in
from exits_rig import READOUT, SUPPLY, ExitRig, Message, exit_rig, wait_for
from network_samples import saved_network

from app.cli.main import main
from app.operations.events import Note, Result
from app.operations.safe import safe_each
from app.operations.safely import found_words
from instruments.bench import Bench
from instruments.clock import Stop
from instruments.protocols import MagnetState
from models.errors import TwinrigError

if TYPE_CHECKING:
    from pathlib import Path

    from app.operations.events import Event

CURRENT_MODE = ("FUNC:MODE CURR", "VOLT 36")
FOUND: dict[str, tuple[tuple[str, ...], str]] = {
    "output on": ((*CURRENT_MODE, "CURR 3", "OUTP ON"), "found at 3 A (set 3 A), output on"),
    "set-point moved": ((*CURRENT_MODE, "CURR 4"), "(set 4 A), output off"),
    "errors queued": (("CURR 99",), "-222 Data out of range"),
    "voltage mode": (("FUNC:MODE VOLT", "CURR 2", "VOLT 1.5", "OUTP ON"), "voltage mode"),
    "at compliance": ((*CURRENT_MODE[:1], "VOLT 0.5", "CURR 3", "OUTP ON"), "voltage limit"),
}


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kept")
    with exit_rig() as rig, Bench.connect(rig.spec()) as bench:
        saved_network(bench, folder, task=TASK)
    return folder / "network"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", ["output on", "set-point moved", "errors queued"])
def test_what_was_found_is_told_once_and_kept_with_the_data(
    kind: str, state: str, network: Path, tmp_path: Path
) -> None:
    orders, words = FOUND[state]
    with exit_rig() as rig:
        rig.by_hand(*orders)
        with Bench.connect(rig.spec()) as bench:
            first = list(operation_of(kind, tmp_path / "a", network)(bench))
            second = list(operation_of(kind, tmp_path / "b", network)(bench))
        assert rig.by_hand("OUTP?") == "0"
    told = [e.text for e in first if isinstance(e, Note) and e.level == "warning"]
    assert len(told) == 1
    assert words in told[0]
    assert warnings_of(second) == []
    kept, clean = (recording_in(tmp_path / name, kind) for name in "ab")
    assert kept is not None
    assert clean is not None
    assert kept.status == "done"
    assert found_in(kept.meta) == told
    assert found_in(clean.meta) == []


def found_in(meta: dict[str, Any]) -> list[str]:
    """The remarks of a run; a real supply's first current is looked at, which is told, too."""
    return [words for words in meta.get("remarks", []) if "came after a look" not in words]


def warnings_of(events: list[Event]) -> list[str]:
    """Sentences about what isn't as it should be."""
    return [e.text for e in events if isinstance(e, Note) and e.level != "info"]


@pytest.mark.parametrize(("has_output", "told"), [(True, True), (False, False)])
def test_a_supply_without_an_output_switch_is_not_found_switched_on(has_output, told) -> None:
    supply = SimpleNamespace(read_back_error_A=lambda _: 0.01, has_output=has_output)
    bench = SimpleNamespace(magnets={"x": SimpleNamespace(magnet=supply)})
    at_rest = MagnetState(0.0, 0.0, True, ("0 V", "at rest"))
    assert bool(found_words(bench, "x", at_rest)) is told  # each run of a queue told it
    assert found_words(bench, "x", replace(at_rest, current_A=2.0))
    assert found_words(bench, "x", replace(at_rest, errors=("-222",)))


@pytest.mark.parametrize("state", FOUND)
def test_safe_says_what_it_found_and_did(state: str) -> None:
    orders, words = FOUND[state]
    with exit_rig() as rig:
        rig.by_hand(*orders)
        *notes, result = list(safe_each(rig.spec(), Bench.connect, Stop()))
        assert isinstance(result, Result)
        said = " ".join(note.text for note in notes if isinstance(note, Note))
        assert words in said
        assert any(done in said for done in ("walked to zero", "brought to zero", "already safe"))
        assert result.values["found"] == [note.text for note in notes if isinstance(note, Note)]
        assert result.values["magnets"]["x"]["output_on"] is False
        assert rig.by_hand("OUTP?") == "0"
        assert abs(float(rig.by_hand("CURR?"))) < 1e-6


CHANGES = {
    "set-point": (("CURR 1",), "changed by hand or by another program"),
    "output": (("OUTP OFF",), "output went off without us"),
    "mode": (("FUNC:MODE VOLT",), "voltage mode"),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_that_is_not_ours_ends_the_run_with_its_reason(
    kind: str, change: str, network: Path, tmp_path: Path
) -> None:
    orders, words = CHANGES[change]
    events: list[Event] = []
    with exit_rig() as rig:
        turned = knob(rig, orders)
        with (
            Bench.connect(rig.spec()) as bench,
            pytest.raises(TwinrigError, match=words),
        ):
            events.extend(into(operation_of(kind, tmp_path / "out", network)(bench), events))
        assert any(turned)
        assert rig.by_hand("OUTP?") == "0"
    result = events[-1]
    assert isinstance(result, Result)
    assert result.values["status"] == "failed"
    assert words in result.values["reason"]
    left = recording_in(tmp_path / "out", kind)
    assert left is not None
    assert left.status == "failed"
    assert any(words in remark for remark in left.meta["remarks"])


def knob(rig: ExitRig, orders: tuple[str, ...]) -> list[bool]:
    """Someone turns a knob in every reading from the third on; true for each time."""
    turned: list[bool] = []

    def watch(message: Message) -> None:
        if message.model == READOUT and message.text.startswith("SNAP?"):
            turned.append(len(turned) >= 2)
            if turned[-1]:
                rig.by_hand(*orders)

    rig.watch = watch
    return turned


def into(source: object, events: list[Event]) -> list[Event]:
    """Collect events also when they end with an exception."""
    for event in source:  # type: ignore[attr-defined]
        events.append(event)
    return []


def test_a_link_that_comes_back_in_time_ends_safe_and_the_sentence_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with exit_rig() as rig:
        (tmp_path / "bench.toml").write_text(rig.text)
        lost: list[bool] = []

        def watch(message: Message) -> None:
            if message.model == SUPPLY and message.text.startswith("CURR 7") and not lost:
                lost.append(True)
                rig.lose(2.5, SUPPLY)

        rig.watch = watch
        asked = ("--sequences", "mixed:2x5@1", "--repeats", "2", "--out", str(tmp_path / "out"))
        assert main(["record", "--bench", str(tmp_path / "bench.toml"), *asked]) == 1
        assert wait_for(lambda: rig.by_hand("OUTP?") == "0")
        assert rig.unsafe_ends() == []
    said = capsys.readouterr().err
    assert "not safe yet, trying again" in said
    assert "several tries" in said
    assert "walked to zero" in said
    assert "COULD NOT BE MADE SAFE" not in said
