"""A magnet set by hand: within the limits, confirmed where it is large, safe by every exit."""

from __future__ import annotations

import threading
import time
from contextlib import nullcontext
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from exits_rig import SUPPLY, ExitRig, Message
from served_rig import RAMP_A_PER_S, served_rig

from app.operations.bench_read import BenchRead
from app.operations.events import Note, Result
from app.operations.manual_set import Hand, Target, manual_set
from instruments.bench import Bench
from instruments.bench_file import read_bench
from instruments.clock import Stop
from instruments.link_errors import LinkError
from instruments.watch import CHECK_EVERY_S
from models.errors import InputError, RefusedError, StoppedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from app.operations.events import Event

SPEC = read_bench("virtual")


@pytest.fixture
def bench() -> Iterator[Bench]:
    stop = Stop()
    with Bench.connect(SPEC, stop=stop) as made:
        yield made


def is_safe(bench: Bench) -> bool:
    return not any(s.output_on or s.setpoint_A for s in bench.state().values())


def until_at(events: Iterator[Event], field_T: float) -> BenchRead:
    for event in events:
        if isinstance(event, BenchRead) and event.setpoint_T == pytest.approx(field_T, abs=1e-8):
            return event
    raise AssertionError("never there")


def test_the_field_goes_where_it_is_asked_and_the_end_is_safe(bench: Bench) -> None:
    hand = Hand(SPEC)
    hand.ask(Target(0.003, 2000.0))
    events = manual_set(bench, hand)
    reading = until_at(events, 0.003)
    assert reading.output_on
    assert reading.field_T == pytest.approx(0.003, rel=1e-2)
    hand.ask(Target(-0.002, 5.0))
    assert until_at(events, -0.002).output_on
    hand.end()
    result = [e for e in events if isinstance(e, Result)][-1].values
    assert result["status"] == "done"
    assert result["highest_T"] == pytest.approx(0.003)
    assert is_safe(bench)


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Target(1.0, 20.0), "beyond max_current_A"),
        (Target(0.003, 5000.0), "at most 2000"),
        (Target(0.003, 0.0), "above 0"),
        (Target(float("nan"), 20.0), "no number"),
        (Target(0.0042, 20.0), "has to be confirmed"),
        (Target(-0.0042, 20.0), "has to be confirmed"),
    ],
)
def test_what_is_beyond_a_limit_or_unconfirmed_is_refused(target: Target, words: str) -> None:
    hand = Hand(SPEC)
    with pytest.raises(RefusedError, match=words):
        hand.ask(target)
    assert hand.target is None


def test_a_confirmation_opens_no_limit() -> None:
    hand = Hand(SPEC)
    with pytest.raises(RefusedError, match="max_current_A"):
        hand.ask(Target(1.0, 20.0), confirmed=True)
    hand.ask(Target(0.0042, 20.0), confirmed=True)
    assert hand.target == Target(0.0042, 20.0)


def test_a_magnet_that_the_bench_does_not_drive_is_refused() -> None:
    with pytest.raises(InputError, match="is not driven"):
        Hand(SPEC, "y")


def test_stop_ends_it_and_the_rig_is_safe(bench: Bench) -> None:
    hand = Hand(SPEC)
    hand.ask(Target(0.003, 20.0))
    events = manual_set(bench, hand)
    until_at(events, 0.003)
    threading.Timer(0.2, bench.stop.request).start()
    begin_s = time.monotonic()
    with pytest.raises(StoppedError):
        list(events)
    assert time.monotonic() - begin_s < 2.0
    bench.stop.clear()
    assert is_safe(bench)


def test_a_generator_that_is_dropped_leaves_nothing_energised(bench: Bench) -> None:
    hand = Hand(SPEC)
    hand.ask(Target(0.003, 2000.0))
    events = manual_set(bench, hand)
    until_at(events, 0.003)
    assert bench.state()["x"].output_on
    events.close()
    assert is_safe(bench)


def test_it_ends_by_itself_after_the_hold(bench: Bench) -> None:
    hand = Hand(SPEC)
    hand.ask(Target(0.0025, 2000.0))
    *_, result = manual_set(bench, hand, hold_s=0.3)
    assert isinstance(result, Result)
    assert result.values["seconds"] >= 0.3
    assert is_safe(bench)


@pytest.mark.parametrize(
    ("command", "losses"), [("MEAS:VOLT?", 1), ("MEAS:VOLT?", 2), ("CURR 6", 1)]
)
def test_one_lost_reply_takes_no_field_away_and_two_together_do(command: str, losses: int) -> None:
    """Of the look at the supply that comes each five seconds, or of a set on the way."""
    rig, lost, looks = ExitRig(), list[Message](), command.startswith("MEAS")

    def watch(message: Message) -> None:
        wanted = message.text.startswith(command) and len(lost) < losses
        if wanted and (message.device_s > CHECK_EVERY_S or not looks):
            lost.append(message)
            rig.server.cut(SUPPLY)

    rig.watch = watch
    try:
        with Bench.connect(rig.spec()) as bench:
            hand = Hand(rig.spec())
            hand.ask(Target(0.003, RAMP_A_PER_S))
            events = manual_set(bench, hand, hold_s=CHECK_EVERY_S + 1.0 if looks else 0.2)
            with pytest.raises(LinkError) if losses > 1 else nullcontext():
                assert [e for e in events if isinstance(e, Result)][-1].values["status"] == "done"
        assert len(lost) == losses
        assert rig.unsafe_ends() == []
    finally:
        rig.stop()


def test_a_slow_ramp_is_slow_on_the_wire_and_never_beyond_the_limit(tmp_path) -> None:  # type: ignore[no-untyped-def]
    slow_A_per_s = 8.0
    with served_rig(tmp_path) as rig:
        spec = read_bench(rig.bench)
        with Bench.connect(spec) as bench:
            hand = Hand(spec)
            hand.ask(Target(0.0032, slow_A_per_s))
            *_, _ = manual_set(bench, hand, hold_s=0.2)
        up = [s for s in rig.sets() if s[1] <= 8.0]
        top = max(range(len(up)), key=lambda n: up[n][1])
        took_s = up[top][0] - up[0][0]
        assert took_s == pytest.approx(8.0 / slow_A_per_s, rel=0.25)
        largest_A = max(abs(b - a) for (_, a), (_, b) in pairwise(rig.sets()))
        assert largest_A <= RAMP_A_PER_S * 0.020 + 1e-4
        rig.assert_ended_safe()


def test_a_magnet_that_is_left_alone_at_the_end_is_a_warning(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It quenched after the last look at it: nobody may go there as if it were at zero."""
    hand = Hand(SPEC)
    hand.ask(Target(0.001, 2000.0))
    hand.end()
    make_safe = bench.make_safe
    words = "x: found 2 A (set 2 A), output on; LEFT ALONE: it is in a quench: see to the magnet"
    monkeypatch.setattr(bench, "make_safe", lambda: [*make_safe(), words])
    notes = [event for event in manual_set(bench, hand) if isinstance(event, Note)]
    levels = {note.text: note.level for note in notes}
    assert levels.pop(words) == "warning"
    assert set(levels.values()) <= {"info"}
