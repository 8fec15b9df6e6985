"""A hand at the supply during a run: noticed at the next message, before its set-point is lost."""

from __future__ import annotations

import socket
from collections import deque

import numpy as np
import pytest
from served import served

from app.operations.events import Note, Result, StepRead
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from models.errors import TwinrigError
from models.sequence import FieldSequence

DRIVE = np.array([0.0, 0.5, 0.5, 1.0, 0.3])  # the second 0.5 sends nothing
CHANGED = r"x: its set-point is 3 A, .* was sent .*: changed by hand or by another program"


def by_hand(rig, command):
    """A second client of the served supply."""
    host, port = rig.resources["kepco-bop"].split("::")[1:3]
    with socket.create_connection((host, int(port)), timeout=2) as link:
        link.sendall(command.encode() + b"\n" + b"CURR?\n")  # answered: it was carried out
        return link.recv(64)


# behind the first, before the one that sends nothing, behind the last
@pytest.mark.parametrize("place", [0, 1, DRIVE.size - 1])
def test_a_set_point_changed_between_two_steps_ends_the_run(place, tmp_path):
    with served() as rig, Bench.connect(rig.spec()) as bench:
        seen = []

        def note(event):
            seen.append(event)
            if isinstance(event, StepRead) and event.step == place:
                by_hand(rig, "CURR 3")

        with pytest.raises(TwinrigError, match=CHANGED):
            deque(map(note, record(bench, [FieldSequence(DRIVE)], 2, tmp_path / "r")))
        assert sum(isinstance(event, StepRead) for event in seen) == place + 1
        assert seen[-1].values["status"] == "failed"
        assert "changed by hand" in seen[-1].values["reason"]
        assert read_recording(tmp_path / "r").complete.sum() == 0
        assert not rig.rig.instruments["kepco-bop"].supply.output_on


def test_a_set_point_changed_during_the_read_out_ends_the_run():
    with served() as rig, Bench.connect(rig.spec()) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        readout = bench.readouts["lockin"]
        read = readout.read

        def read_and_turn():
            values = read()
            by_hand(rig, "CURR 3")
            return values

        readout.read = read_and_turn
        bench.step(0.0031, bench.spec.window)
        readout.read = read
        with pytest.raises(TwinrigError, match=CHANGED):
            bench.step(0.0032, bench.spec.window)
        assert float(by_hand(rig, "*CLS")) == 3.0  # nothing more was sent


def test_a_set_point_turned_back_voids_the_repeat_which_is_run_once_more(tmp_path, monkeypatch):
    with served() as rig, Bench.connect(rig.spec()) as bench:
        supply, events, wrong = bench.magnets["x"].magnet, [], [3.0]
        asked = supply.setpoint_A

        def turned_back():
            value_A = asked()
            return wrong.pop() if steps == 3 and wrong else value_A

        monkeypatch.setattr(supply, "setpoint_A", turned_back)
        steps = 0
        for event in record(bench, [FieldSequence(DRIVE)], 1, tmp_path / "r"):
            events.append(event)
            steps += isinstance(event, StepRead)
        notes = [event.text for event in events if isinstance(event, Note)]
        assert any("run once more" in text and "read 3 A though" in text for text in notes), notes
        assert isinstance(events[-1], Result)
        assert events[-1].values["status"] == "done"
