"""What the watchdog decides, step by step, in this process: whom it follows, when it gives up."""

from __future__ import annotations

import io
import json
import queue
from types import SimpleNamespace

import pytest

from instruments import bench as bench_module
from instruments import watchdog
from instruments.bench_file import parse_bench, read_bench
from instruments.link_errors import LinkError
from instruments.locks import LinkInUseError
from instruments.watchdog import Order, Patient
from instruments.watchdog_link import ENERGISED, SAFE
from instruments.watchdog_log import log_path, read_reports

TEXT = """
name = "two"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::1::SOCKET"
tesla_per_ampere = 4e-4
max_current_A = 1.0
max_ramp_A_per_s = 1.0
[magnet.y]
driver = "kepco-bop"
resource = "TCPIP0::127.0.0.1::2::SOCKET"
tesla_per_ampere = 4e-4
max_current_A = 1.0
max_ramp_A_per_s = 1.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::127.0.0.1::3::SOCKET"
channels = ["X"]
[drive]
encoding = "amplitude"
low_T = 0.0001
high_T = 0.0003
magnet = "x"
[reset]
field_T = 0.0004
"""
ORDER = Order(TEXT, "two.toml", None, "twinrig record (7)")


class Told:
    """A pipe: words, `queue.Empty` for silence; notes how long it was waited for each."""

    def __init__(self, *words):
        self.words, self.waited_s = list(words), []

    def get(self, timeout=None):
        self.waited_s.append(timeout)
        word = self.words.pop(0)
        if word is queue.Empty:
            assert timeout is not None, "waits for ever in silence"
            raise queue.Empty
        return word


@pytest.fixture
def clock(monkeypatch, tmp_path):
    """The watchdog's own: sleeps take no time, and are noted."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    fake = SimpleNamespace(s=1000.0, slept=[])
    fake.monotonic = lambda: fake.s

    def sleep(seconds):
        fake.slept.append(seconds)
        fake.s += seconds

    fake.sleep = sleep
    monkeypatch.setattr(watchdog, "time", fake)
    monkeypatch.setattr(watchdog, "_said", set())
    return fake


# ---- whom it follows


@pytest.mark.parametrize(
    ("words", "energised"),
    [
        ([None], True), ([SAFE, None], False), ([ENERGISED, None], True),
        ([SAFE, ENERGISED, None], True), ([ENERGISED, SAFE, None], False), (["", None], False),
    ],
)  # fmt: skip
def test_the_last_word_before_the_end_decides(words, energised):
    assert watchdog._watch(ORDER, Told(*words)) is energised


def test_it_loads_once_after_a_while_and_anew_each_time_it_is_energised(monkeypatch):
    loads, events = [], []

    def load(order):
        loads.append(order)
        return True

    def stay_awake():
        events.append(SimpleNamespace(set=lambda: events.append("released")))
        return events[-1]

    monkeypatch.setattr(watchdog, "_load", load)
    monkeypatch.setattr(watchdog, "_stay_awake", stay_awake)
    silence = queue.Empty
    told = Told(silence, ENERGISED, SAFE, ENERGISED, silence, SAFE, SAFE, None)
    assert watchdog._watch(ORDER, told) is False
    assert loads == [ORDER, ORDER]
    a_while = watchdog.PATIENCE_S
    assert told.waited_s == [a_while, None, None, None, a_while, None, None, None]
    assert [each for each in events if each == "released"] == ["released"] * 3
    assert events.index("released") == 1  # by the first SAFE, not before


@pytest.mark.parametrize(
    ("lines", "status", "rescued"),
    [
        ([], 0, False), (["no order"], 2, False), (["[]"], 2, False), (['{"text": ""}'], 2, False),
        (["ORDER"], 0, True), (["ORDER", ENERGISED], 0, True), (["ORDER", SAFE], 0, False),
    ],
)  # fmt: skip
def test_it_rescues_where_the_pipe_ended_while_energised(
    lines, status, rescued, clock, monkeypatch, capsys
):
    order = {name: getattr(ORDER, name) for name in ("text", "source", "accelerate", "program")}
    text = "\n".join(json.dumps(order) if line == "ORDER" else line for line in lines)
    monkeypatch.setattr(watchdog, "_own_input", lambda: io.StringIO(text))
    called = []
    monkeypatch.setattr(watchdog, "_be_deaf", lambda: called.append("deaf"))
    monkeypatch.setattr(watchdog, "_let_go_of_the_pipe", lambda: called.append("let go"))
    monkeypatch.setattr(watchdog, "rescue", called.append)
    assert watchdog.main() == status
    expected = ["deaf"]
    if status == 0 and lines:
        expected.append("let go")
    assert called == [*expected, *([ORDER] if rescued else [])]
    assert ("is started by twinrig" in capsys.readouterr().out) == (status == 2)


def test_what_it_says_is_said_once_and_logged_each_time(clock, capsys):
    for _ in range(2):
        watchdog._say("a word")
    watchdog._say("another")
    said = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert said == [{"say": "a word"}, {"say": "another"}]
    assert log_path().read_text().count("a word\n") == 2


@pytest.mark.parametrize("text", [TEXT, "nonsense ="])
def test_a_bench_that_it_can_not_work_with_is_said_while_there_is_time(text, clock, capsys):
    assert watchdog._load(Order(text, "b.toml", None, "p")) is True
    said = capsys.readouterr().out
    assert ("the watchdog can't work with this bench" in said) == (text != TEXT)
    assert ("watching x, y of 'two' for p" in log_path().read_text()) == (text == TEXT)


def test_a_log_that_can_not_be_written_is_said(clock, monkeypatch, capsys):
    monkeypatch.setattr(watchdog, "write_log", lambda words: False)
    watchdog._load(ORDER)
    assert "the watchdog can't write its log; it watches all the same" in capsys.readouterr().out


def test_the_bench_keeps_its_own_time_unless_another_was_ordered():
    virtual = read_bench("virtual")
    assert virtual.virtual is not None
    text = virtual.text
    assert Order(text, "b", None, "p").spec().virtual == parse_bench(text, "b").virtual
    assert Order(text, "b", 7.0, "p").spec().virtual.accelerate == 7.0
    assert Order(TEXT, "b", 7.0, "p").spec().virtual is None


# ---- one magnet


def patient(monkeypatch, *outcomes):
    """One whose tries end so, one after another (the last for ever)."""
    left = list(outcomes)

    def made_safe(spec, tell):
        assert list(spec.magnets) == ["x"]
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(watchdog, "_made_safe", made_safe)
    return Patient("x", "a program", "yesterday", ORDER.spec())


def reported():
    return [(each.magnet, each.state, each.words) for each in read_reports(ORDER.spec())]


def test_a_magnet_that_was_made_safe_is_reported_so(clock, monkeypatch):
    one = patient(monkeypatch, ["x: found at 3 A", "walked to zero"])
    assert one.state == "trying"
    one.attend(10.0)
    assert one.state == "safe"
    assert reported() == [("x", "safe", "x: found at 3 A; walked to zero")]
    (report,) = read_reports(ORDER.spec())
    assert (report.program, report.ended) == ("a program", "yesterday")
    assert report.resource == "TCPIP0::127.0.0.1::1::SOCKET"


def test_the_same_trouble_is_told_again_after_a_minute_and_another_at_once(clock, monkeypatch):
    down = OSError("down")
    one = patient(monkeypatch, down, down, down, ValueError("odd"), ValueError("odd"))
    told = []
    monkeypatch.setattr(watchdog, "write_log", told.append)
    for wait_s in (0.0, 59.0, 1.0, 1.0, 59.0):
        clock.s += wait_s
        one.attend(1e6)
    assert [words for words in told if "down" in words] == [told[0], told[1]]
    assert [words for words in told if "odd" in words] == told[2:] != []
    assert len(told) == 3
    assert one.state == "trying"


def test_it_gives_up_when_nothing_has_answered_for_so_long(clock, monkeypatch):
    one = patient(monkeypatch, OSError("down"))
    one.attend(10.0)
    clock.s += 9.0
    one.attend(10.0)
    assert one.state == "trying"
    clock.s += 1.0
    one.attend(10.0)
    assert one.state == "gave up"
    assert reported() == [("x", "gave up", "down")]


@pytest.mark.parametrize("wrapped", [False, True])
def test_time_in_which_another_program_has_the_link_does_not_count(clock, monkeypatch, wrapped):
    in_use: Exception = LinkInUseError("in use")
    if wrapped:
        in_use, cause = LinkError("x", "in use", resource="", hint=""), in_use
        in_use.__cause__ = cause
    one = patient(monkeypatch, in_use, OSError("down"))
    clock.s += 20.0
    one.attend(10.0)
    assert one.state == "trying"
    clock.s += 9.0
    one.attend(10.0)
    assert one.state == "trying"
    clock.s += 1.0
    one.attend(10.0)
    assert one.state == "gave up"


# ---- all of them


def rescued(monkeypatch, outcomes, give_up_s=10.0):
    tries = []

    def made_safe(spec, tell):
        (name,) = spec.magnets
        tries.append(name)
        outcome = outcomes[name]
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    monkeypatch.setattr(watchdog, "_made_safe", made_safe)
    return watchdog.rescue(ORDER, give_up_s), tries


def test_all_that_can_be_made_safe_are_and_then_it_is_over(clock, monkeypatch):
    assert rescued(monkeypatch, {"x": ["done"], "y": ["done"]}) == (True, ["x", "y"])
    assert clock.slept == []
    assert f"twinrig record (7) {watchdog.LEFT}" in log_path().read_text()


@pytest.mark.parametrize("first", ["x", "y"])
def test_one_that_is_not_reached_is_tried_on_beside_one_that_is_safe(clock, monkeypatch, first):
    other = {"x": "y", "y": "x"}[first]
    outcomes = {first: OSError("down"), other: ["done"]}
    safe, tries = rescued(monkeypatch, outcomes, give_up_s=3.0)
    assert safe is False
    assert tries.count(other) == 1
    assert tries.count(first) == 4  # at once, and after each pause of a second
    assert clock.slept == [watchdog.PAUSE_S] * 3
    states = {magnet: state for magnet, state, _ in reported()}
    assert states == {first: "gave up", other: "safe"}


def test_a_bench_that_can_not_be_read_is_logged(clock):
    assert watchdog.rescue(Order("nonsense =", "b", None, "p")) is False
    assert "can't read the bench" in log_path().read_text()


@pytest.mark.parametrize("fails", [False, True])
def test_one_try_lets_go_of_the_link_however_it_ends(fails, monkeypatch):
    seen = []

    class Connected:
        def make_safe(self):
            seen.append((self.tell, self.give_up_s))
            if fails:
                raise OSError("down")
            return ["done"]

        def close(self):
            seen.append("closed")

    def connect(spec, *, beyond_rating):
        seen.append((spec, beyond_rating))
        return Connected()

    monkeypatch.setattr(bench_module, "Bench", SimpleNamespace(connect=connect))
    if fails:
        with pytest.raises(OSError, match="down"):
            watchdog._made_safe("spec", print)
    else:
        assert watchdog._made_safe("spec", print) == ["done"]
    assert seen == [("spec", True), (print, watchdog.TRY_S), "closed"]
