"""`when_out = "hold"` of a teslameter: a step waits at its set-point until the field is there."""

from __future__ import annotations

import numpy as np
import pytest
from served import served

from app.cli.words import words_of
from app.gui.live_wait import LiveWait
from app.operations.events import Note, StepHeld, StepRead
from app.operations.record import record
from app.store import read_recording
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.checks import check_bench
from instruments.field_probe import FieldError
from models.errors import InputError, StoppedError, TwinrigError
from models.sequence import FieldSequence

MODELS = ("kepco-bop", "sr830", "lakeshore-475")
DRIVER = 'driver = "lakeshore-475"'
HOLD = f'{DRIVER}\ntolerance_T = 2e-5\nwhen_out = "hold"\nhold_at_most_s = 30'
SEQUENCE = FieldSequence(np.array([0.0, 1.0, 0.4]))


class Lagging:
    """A field that follows the coil's as a yoke does, late; whoever holds it may pull it aside."""

    def __init__(self, rig, lag_s=3.0):
        self.lag_s, self.aside_T = lag_s, 0.0
        self._rig, self._time = rig, rig.time
        self._field_T, self._seen_s = 0.0, rig.time.now_s

    def __call__(self):
        seconds, self._seen_s = self._time.now_s - self._seen_s, self._time.now_s
        there_T = self._rig.field_T()
        self._field_T = there_T + (self._field_T - there_T) * np.exp(-seconds / self.lag_s)
        return self._field_T + self.aside_T


@pytest.fixture
def rig():
    with served(MODELS) as rig:
        rig.field = Lagging(rig.rig)
        rig.meter = rig.rig.instruments["lakeshore-475"]
        rig.meter._field_T = rig.field
        yield rig


def test_every_step_is_read_at_its_field_and_the_waiting_is_told_and_kept(rig, tmp_path):
    with Bench.connect(rig.spec((DRIVER, HOLD))) as bench:
        events = list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
    recording = read_recording(tmp_path / "r")
    assert (recording.status, bool(recording.complete.all())) == ("done", True)
    asked_T = recording.window.field_T(recording.drive)[:, None, :]
    assert np.abs(recording.measured_field_T - asked_T).max() <= 2.0e-5
    held = [e for e in events if isinstance(e, StepHeld)]
    assert {e.step for e in held} == {0, 1, 2}
    told = [e for e in held if e.out]
    assert "measures" in told[0].out
    assert "tolerance_T = 2e-05 T" in told[0].out
    assert held[-1].out == ""
    assert sum(isinstance(e, StepRead) for e in events) == 6
    waits_s = [e.seconds for e in held if not e.out]
    assert 3.0 < max(waits_s) < 20.0  # some time constants
    words = next(r for r in recording.meta["remarks"] if "waited for their field" in r)
    assert words.startswith(f"{len(waits_s)} steps waited")
    assert np.all(recording.read_s - recording.set_s > 1.0)
    assert recording.settings[bench.probe.name]["hold_at_most_s"] == 30.0
    assert any(isinstance(e, Note) and "late" in e.text for e in events)  # it isn't hidden


def test_while_it_waits_the_set_point_stays_and_nothing_is_read_but_the_field(rig):
    with Bench.connect(rig.spec((DRIVER, HOLD))) as bench:
        bench.energise()
        before = len(rig.wire)
        bench.step(0.0030, bench.spec.window)
        sent = [(m, data) for _, m, way, data in rig.wire[before:] if way == "out"]
    read = next(i for i, (m, data) in enumerate(sent) if data.startswith(b"SNAP?"))
    last_set = max(i for i, (_, data) in enumerate(sent) if data.startswith(b"CURR "))
    looks = [i for i, (m, _) in enumerate(sent) if m == "lakeshore-475"]
    assert last_set < looks[0]
    assert len([i for i in looks if i < read]) > 10
    assert looks[-1] > read  # what is stored is read behind the read-out, as ever
    assert not [m for m, _ in sent[looks[0] : read] if m == "sr830"]


def test_a_field_that_is_there_costs_one_look(rig):
    rig.field.lag_s = 1e-6
    with Bench.connect(rig.spec((DRIVER, HOLD))) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)  # the coil itself lags by some milliseconds
        before = len(rig.wire)
        readings = list(bench.steps(0.0030, bench.spec.window))
        sent = [m for _, m, way, _ in rig.wire[before:] if way == "out"]
    assert len(readings) == 1
    assert sent.count("lakeshore-475") == 2


def test_a_field_that_does_not_come_ends_the_run_with_its_reason(rig, tmp_path):
    rig.field.aside_T = 1e-4
    with (
        Bench.connect(rig.spec((DRIVER, HOLD))) as bench,
        pytest.raises(TwinrigError, match=r"held for 30 s, bench key hold_at_most_s = 30: .*mT"),
    ):
        list(record(bench, [SEQUENCE], 2, tmp_path / "r"))
    recording = read_recording(tmp_path / "r")
    assert recording.status == "failed"
    assert not any("once more" in words for words in recording.meta.get("remarks", []))
    assert rig.order("kepco-bop", "OUTP?") == "0"


def test_guards_and_stop_are_looked_at_while_a_step_waits(rig):
    rig.field.aside_T = 1e-4
    water = '[interlock.water]\ninstrument = "lockin"\ninput = "aux1"\nabove_V = 2.0\n[drive]'
    with Bench.connect(rig.spec((DRIVER, HOLD), ("[drive]", water))) as bench:
        bench.energise()
        waits = bench.steps(0.0030, bench.spec.window)
        next(waits)
        rig.rig.instruments["sr830"].aux_in_V[0] = 0.1
        with pytest.raises(TwinrigError, match="interlock water"):
            list(waits)
        bench.make_safe()
        rig.rig.instruments["sr830"].aux_in_V[0] = 5.0
        bench.energise()
        waits = bench.steps(0.0030, bench.spec.window)
        next(waits)
        bench.stop.request()
        with pytest.raises(StoppedError):
            list(waits)
        bench.stop.clear()


def test_a_probe_that_is_pulled_out_voids_the_repeat_at_once(rig):
    rig.field.aside_T = 1e-4
    with Bench.connect(rig.spec((DRIVER, HOLD))) as bench:
        bench.energise()
        waits = bench.steps(0.0030, bench.spec.window)
        next(waits)
        rig.meter.probe = False
        with pytest.raises(FieldError, match="gives no field"):
            list(waits)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (("tolerance_T = 2e-5\n", ""), "needs tolerance_T"),
        (("hold_at_most_s = 30", "hold_at_most_s = 0"), "hold_at_most_s"),
        (('"hold"', '"stay"'), "'stay' is unknown"),
        (("[drive]", '[drive]\ntiming = "hardware"'), "no step can wait"),
        (("[drive]", f"[teslameter.other]\n{HOLD}\n[drive]"), "only the first teslameter"),
    ],
)
def test_what_makes_no_sense_is_refused(rig, change, words):
    text = rig.text.replace(DRIVER, HOLD)
    assert change[0] in text
    with pytest.raises(InputError, match=words):
        parse_bench(text.replace(*change), "b")


def test_the_check_says_so(rig):
    (one,) = (c for c in check_bench(rig.spec((DRIVER, HOLD))) if c.driver == "lakeshore-475")
    assert "a step waits until the field is within 2e-05 T, 30 s at most" in one.found


def test_a_terminal_and_the_window_say_why_a_step_waits_and_that_it_goes_on():
    wait, held = LiveWait(), StepHeld(4, "probe: measures 1 mT where 2 mT are asked for", 7.0, 30.0)
    assert words_of(held) == f"step 4 held for 7 s of at most 30 s: {held.out}"
    wait.take(held)
    assert "step 4 held for" in wait.words
    assert (wait.at_zero, wait.reason) == (False, held.out)
    wait.take(StepHeld(4, "", 8.0, 30.0))
    assert (wait.words, wait.reason) == ("", "")
    assert words_of(StepHeld(4, "", 8.0, 30.0)) is None
