"""A coil that follows more slowly than the steps come: told at the first repeat, and kept."""

from __future__ import annotations

import numpy as np
import pytest
from served import served

from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.drivers.kepco_bop import KepcoBop
from instruments.virtual import rig as virtual_rig
from instruments.virtual.coil import CoilParameters
from models.sequence import FieldSequence

SEQUENCE = FieldSequence(np.array([0.2, 1.0, 0.4]))


def recorded(folder, changes=(), models=("kepco-bop", "sr830")):
    """What a run of two repeats told at once, and the remarks in its file."""
    told = []
    with served(models) as rig, Bench.connect(rig.spec(*changes)) as bench:
        bench.watchdog, bench.note = None, told.append
        list(record(bench, [SEQUENCE], 2, folder))
    remarks = read_recording(folder).meta.get("remarks", [])
    return told, [words for words in remarks if "behind a reading" in words]


def test_a_coil_that_follows_at_once_is_not_told_of(tmp_path):
    assert recorded(tmp_path / "r") == ([], [])


@pytest.mark.parametrize(("inductance_H", "loop_s"), [(0.1, 0.02), (0.3, 0.1)])
def test_steps_that_are_read_at_a_current_on_its_way_are_told_once_and_kept(
    tmp_path, monkeypatch, inductance_H, loop_s
):
    slow = CoilParameters(inductance_H=inductance_H, loop_s=loop_s)
    monkeypatch.setattr(virtual_rig, "CoilParameters", lambda: slow)
    told, kept = recorded(tmp_path / "r")
    assert len(told) == len(kept) == 1
    assert "where 6.7 A was set" in told[0]
    assert "hold_s" in told[0]


def test_a_longer_hold_mends_it(tmp_path, monkeypatch):
    slow = CoilParameters(inductance_H=0.1, loop_s=0.02)
    monkeypatch.setattr(virtual_rig, "CoilParameters", lambda: slow)
    assert recorded(tmp_path / "r", [("hold_s = 0.0", "hold_s = 0.3")]) == ([], [])


def test_a_meter_that_is_two_per_cent_off_is_no_lag(tmp_path, monkeypatch):
    true_A = KepcoBop.measured_A
    monkeypatch.setattr(KepcoBop, "measured_A", lambda supply: 1.02 * true_A(supply))
    assert recorded(tmp_path / "r") == ([], [])
