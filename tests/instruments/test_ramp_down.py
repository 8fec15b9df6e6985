"""From any state a rig is found in to its safe state, on the virtual rig's wire, by a table."""

from __future__ import annotations

import math
import re
from itertools import pairwise

import pytest
from served import served
from simulated import SimulatedClock, SimulatedSupply, check_ramp

from app.operations.safely import Voice, made_safe
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.clock import Stop
from instruments.limits import LimitedMagnet, MagnetLimits, UnsafeError
from models.errors import TwinrigError

RAMP = 100.0
LIMITS = MagnetLimits(4e-4, 11.0, RAMP)
SLOW = ("max_ramp_A_per_s = 2000.0", f"max_ramp_A_per_s = {RAMP}")
COMPLIANCE = ("max_current_A", "compliance_V = 30\nmax_current_A")
QUICK = ("max_current_A", "timeout_s = 0.15\nmax_current_A")
SWEEP = ("LIST:CLE", "LIST:CURR 0,1,2,3,2,1,0,-1,-2,-1", "LIST:DWEL 0.05", "LIST:COUN 0")

# what a hand left, the current that flows then, what the words must say
FOUND = {
    "off": ([], 0.0, "already safe"),
    "off, set-point up": (["CURR 7"], 0.0, "set-point brought to zero, output left off"),
    "current flowing": (["CURR 7", "OUTP ON"], 7.0, "found at 7 A .*output on.*walked to zero"),
    "negative": (["CURR -11", "OUTP ON"], -11.0, "found at -11 A"),
    "beyond the limit": (["CURR 12", "OUTP ON"], 12.0, "found at 12 A"),
    "a little": (["CURR 0.05", "OUTP ON"], 0.05, "walked to zero"),
    "output on at zero": (["OUTP ON"], 0.0, "output on.*output off"),
    "errors queued": (["CURR 3", "OUTP ON", "CURR 99", "NONSENSE"], 3.0, "-222.*-113"),
    "voltage mode": (
        ["FUNC:MODE VOLT", "CURR 12", "VOLT 4", "OUTP ON"], 4.0, "changed from voltage to current",
    ),
    "voltage mode, negative": (
        ["FUNC:MODE VOLT", "CURR 12", "VOLT -4", "OUTP ON"], -4.0, "changed",
    ),
    "voltage mode at its limit": (
        ["FUNC:MODE VOLT", "CURR 2", "VOLT 9", "OUTP ON"], 2.0, "changed",
    ),
    "voltage mode, off": (["FUNC:MODE VOLT", "CURR 2", "VOLT 9"], 0.0, "output left off"),
    "at compliance": (["VOLT 4", "CURR 9", "OUTP ON"], 4.0, "at its voltage limit of 4 V"),
    "quarter range": (["CURR:RANG 4", "CURR 2.5", "OUTP ON"], 2.5, "found at 2.5 A"),
    "list around zero": (["OUTP ON", *SWEEP, "CURR:MODE LIST"], None, "LIST program.*ended"),
    "list around 1 A": (["CURR 1", "OUTP ON", *SWEEP, "CURR:MODE LIST"], None, "LIST program"),
    "list run to its end": (
        ["OUTP ON", "LIST:CURR 1,2", "LIST:DWEL 0.01", "CURR:MODE LIST"], None, "found at 2 A",
    ),
}  # fmt: skip
SET_HIGHER = {"at compliance": 9.0}  # where the walk starts: a meter may be wrong


def test_a_current_that_is_measured_though_the_output_is_off_is_never_called_safe():
    for setpoint_A in (0.0, 2.0):
        clock = SimulatedClock()
        supply = SimulatedSupply(clock, setpoint_A=setpoint_A, current_A=3.0)
        said = LimitedMagnet(supply, LIMITS, clock, Stop()).make_safe()
        assert "already safe" not in said
        assert "ITS OUTPUT IS OFF AND 3 A STILL MEASURED" in said


class SlowCoil(SimulatedSupply):
    """Its voltage lets the current fall by 0.5 A/s, however fast the set-point went to zero."""

    off_at_A = None

    def set_current_A(self, current_A):
        super().set_current_A(current_A)
        self.real_A, self.since_s = 5.0, self.clock.time_s

    def measured_A(self):
        return max(0.0, self.real_A - 0.5 * (self.clock.time_s - self.since_s))

    def output(self, on):
        self.off_at_A = self.measured_A()
        super().output(on)


def test_the_output_stays_on_while_the_current_of_a_large_coil_still_falls():
    clock = SimulatedClock()
    supply = SlowCoil(clock, setpoint_A=5.0, output_on=True)
    told = []
    said = LimitedMagnet(supply, LIMITS, clock, Stop()).make_safe(told.append)
    assert supply.off_at_A < 0.12
    left_A = [float(re.fullmatch(r"x: (.*) A still flow, and fall", words)[1]) for words in told]
    assert left_A == pytest.approx([4, 3, 2, 1], abs=0.1)
    assert said.endswith("walked to zero at 100 A/s at most, output off")


class TurnedDown(SimulatedSupply):
    """A hand turns it after the third set."""

    turned_A = 2.0

    def set_current_A(self, current_A):
        super().set_current_A(current_A)
        if len(self.sets) == 3:
            self.programmed_A = self.real_A = self.turned_A


@pytest.mark.parametrize("way", ["make_safe", "energise"])
def test_a_current_that_a_hand_turns_down_is_not_turned_up_again(way):
    clock = SimulatedClock()
    supply = TurnedDown(clock, setpoint_A=20.0, output_on=True)
    getattr(LimitedMagnet(supply, LIMITS, clock, Stop()), way)()
    assert [current_A for _, current_A in supply.sets] == [18.0, 16.0, 14.0, 0.0]


@pytest.mark.parametrize("garbled", [0, 1])
def test_a_current_that_a_hand_turns_up_is_walked_from_there(garbled):
    """Frugally, too: where an answer was lost before."""
    clock = SimulatedClock()
    supply = TurnedDown(clock, setpoint_A=20.0, output_on=True)
    supply.turned_A, supply.down = 25.0, garbled
    LimitedMagnet(supply, LIMITS, clock, Stop()).make_safe()
    assert [current_A for _, current_A in supply.sets[:5]] == [18.0, 16.0, 14.0, 23.0, 21.0]
    assert supply.sets[-1][1] == 0.0
    check_ramp(supply.sets[3:], 25.0, RAMP)


def test_a_set_point_that_is_always_read_larger_keeps_no_current_flowing():
    clock = SimulatedClock()
    supply = SimulatedSupply(clock, setpoint_A=20.0, output_on=True)
    supply.setpoint_A = lambda: 1.1 * supply.programmed_A
    LimitedMagnet(supply, LIMITS, clock, Stop()).make_safe()
    assert supply.sets[-1][1] == 0.0
    assert not supply.on
    assert len(supply.sets) < 20


class Unread(SimulatedSupply):
    """Its set-point can't be read any more once it was set so often."""

    until, asked = 0, 0

    def setpoint_A(self):
        self.asked += 1
        self.down = int(len(self.sets) >= self.until)
        return super().setpoint_A()


@pytest.mark.parametrize("until", [0, 3])
def test_a_set_point_that_cannot_be_read_is_not_asked_for_at_each_tick(until):
    """A query that nobody answers takes seconds: the current would flow for minutes."""
    clock = SimulatedClock()
    supply = Unread(clock, setpoint_A=20.0, output_on=True)
    supply.until = until
    said = LimitedMagnet(supply, LIMITS, clock, Stop()).make_safe()
    assert len(supply.sets) == 10
    assert supply.asked <= until + 1 + 3  # the first that failed; frugally one, and one at zero
    assert "walked to zero at 100 A/s at most, output off. Could not be read: set-point" in said
    check_ramp(supply.sets, 20.0, RAMP)


@pytest.fixture(scope="module")
def ring():
    with served() as rig:
        yield rig


@pytest.fixture
def rig(ring):
    """The rig as new: an earlier test's hand is taken back."""
    kepco = ring.rig.instruments["kepco-bop"]
    fresh = type(kepco)(ring.rig.time, ring.rig.coil)
    for name in ("supply", "status", "list", "_auto_range"):
        setattr(kepco, name, getattr(fresh, name))
    ring.wire.clear()
    yield ring
    kepco.__dict__.pop("respond", None)


def left(rig, orders):
    """Let a hand send these orders, wait for the current, and return it."""
    for order in orders:
        assert rig.order("kepco-bop", order) == ""
    rig.rig.time.advance(0.3)
    supply = rig.rig.instruments["kepco-bop"].supply
    supply.follow()
    return supply.coil.current_A


def is_safe(rig):
    supply = rig.rig.instruments["kepco-bop"].supply
    rig.rig.time.advance(0.1)
    supply.follow()
    return not supply.output_on and abs(supply.coil.current_A) < 0.01 and abs(supply.fixed_A) < 0.01


def trace_of(rig, monkeypatch):
    """Every current of the coil at each moment it is moved on: (seconds, A)."""
    coil, seen = rig.rig.instruments["kepco-bop"].supply.coil, []
    advance = type(coil).advance

    def traced(self, target_A, tau_s, limit_V, seconds):
        charge = advance(self, target_A, tau_s, limit_V, seconds)
        seen.append((seconds, self.current_A))
        return charge

    monkeypatch.setattr(type(coil), "advance", traced)
    return seen


@pytest.mark.parametrize("name", FOUND)
def test_made_safe_from_each_state_within_the_ramp(rig, name, monkeypatch):
    orders, flowing_A, words = FOUND[name]
    found_A = left(rig, orders)
    if flowing_A is not None:
        assert found_A == pytest.approx(flowing_A, abs=0.01)
    with Bench.connect(rig.spec(SLOW)) as bench:
        trace = trace_of(rig, monkeypatch)
        said = bench.make_safe()
    assert is_safe(rig)
    assert re.search(words, said[0]), said
    sets = rig.sets()
    if sets and rig.sent()[-1] != b"CURR 0.000000\n":
        check_ramp(sets, sets[0][1], RAMP)
    if flowing_A:
        first_A = SET_HIGHER.get(name, flowing_A)
        assert abs(sets[0][1] - first_A) <= RAMP * 0.02 + 0.02
        assert b"OUTP OFF\n" in rig.sent()
        biggest_A = max(abs(b - a) for (_, a), (_, b) in pairwise(trace) if abs(b) > 1e-3)
        assert biggest_A <= RAMP * 0.02 + 0.02  # the coil itself never jumped


@pytest.mark.parametrize(
    ("voltage_V", "kept"),
    [(-4, abs), (-4, lambda _: 12.0), (1, lambda _: 12.0)],
    ids=["no sign", "refused", "positive, refused"],
)
def test_a_current_that_voltage_modes_limit_does_not_take_goes_to_zero_by_its_voltage(
    rig, voltage_V, kept, monkeypatch
):
    kepco = rig.rig.instruments["kepco-bop"]
    left(rig, ["FUNC:MODE VOLT", "CURR 12", f"VOLT {voltage_V}", "OUTP ON"])
    usual = kepco.respond

    def without_a_sign(message):  # as a limit may be, which holds either way
        reply = usual(message)
        if message.startswith("CURR ") and not kepco.supply.current_mode:
            kepco.supply.setpoint_A = kept(float(message.split()[1]))
        return reply

    kepco.respond = without_a_sign
    with Bench.connect(rig.spec(SLOW)) as bench:
        trace = trace_of(rig, monkeypatch)
        (said,) = bench.make_safe()
    assert is_safe(rig)
    side = math.copysign(1.0, voltage_V)
    assert min(a * side for _, a in trace) > -0.01  # never to the other side
    assert max(abs(b - a) for (_, a), (_, b) in pairwise(trace)) <= RAMP * 0.02 + 0.02
    assert f"its voltage was walked from {voltage_V} V to zero" in said
    assert "changed from voltage to current mode; set-point brought to zero" in said
    with Bench.connect(rig.spec(SLOW)) as bench:
        bench.energise()
        assert kepco.supply.current_mode


@pytest.mark.parametrize("name", [name for name in FOUND if name != "quarter range"])
def test_energised_from_each_state_and_the_state_is_told(rig, name):
    orders, flowing_A, _ = FOUND[name]
    left(rig, orders)
    with Bench.connect(rig.spec(SLOW, COMPLIANCE)) as bench:
        bench.energise()
        found = bench.found["x"]
        bench.step(0.0030, bench.spec.window)
        bench.verify()
    assert is_safe(rig)
    if flowing_A is not None:
        assert found.current_A == pytest.approx(flowing_A, abs=0.01)
        assert all(abs(current_A) <= 12.0 for _, current_A in rig.sets())
    if "list" in name and "end" not in name:
        assert any("LIST program" in fault for fault in found.faults)
    if name.startswith("voltage mode"):
        assert found.status[0] == "voltage mode"
    changed = [words for words in found.status if "voltage limit" in words]
    assert changed == [
        f"voltage limit changed from {limit_V} V to 30 V"
        for limit_V in re.findall(r"VOLT -?(\d+)", " ".join(orders)) or ["36"]
    ]


def test_a_list_is_ended_where_its_end_moves_the_current_by_a_step_at_most(rig):
    slower = (SLOW[0], "max_ramp_A_per_s = 10.0")
    left(rig, ["CURR 2", "OUTP ON", *SWEEP, "CURR:MODE LIST"])
    with Bench.connect(rig.spec(slower)) as bench:
        said = bench.make_safe()
    before_A, after_A = map(float, re.search(r"ended \((\S+) A → (\S+) A\)", said[0]).groups())
    assert abs(after_A - before_A) <= 10.0 * 0.02 + 0.01
    assert b"-221" not in b"".join(data for _, _, way, data in rig.wire if way == "in")
    check_ramp(rig.sets(), 2.0, 10.0)


def test_a_list_that_never_comes_near_is_ended_at_last_and_it_is_said(rig, monkeypatch):
    monkeypatch.setattr("instruments.drivers.kepco_bop.LIST_SAMPLES", 20)
    orders = ["OUTP ON", "LIST:CURR 5,5.5", "LIST:DWEL 0.1", "LIST:COUN 0", "CURR:MODE LIST"]
    left(rig, orders)
    with Bench.connect(rig.spec(SLOW)) as bench:
        said = bench.make_safe()
    assert "which was ended (5" in said[0]
    assert is_safe(rig)


QUERIES = (
    "FUNC:MODE?", "CURR:MODE?", "OUTP?", "CURR?", "MEAS:CURR?", "MEAS:VOLT?", "VOLT?", "SYST:ERR?",
)  # fmt: skip


@pytest.mark.parametrize("answer", ["#!?", ""], ids=["garbage", "silence"])
@pytest.mark.parametrize("query", QUERIES)
def test_a_query_that_fails_for_ever_does_not_keep_a_current_flowing(
    rig, query, answer, monkeypatch
):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    with Bench.connect(rig.spec(SLOW, QUICK)) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        rig.wire.clear()
        kepco = rig.rig.instruments["kepco-bop"]
        usual = kepco.respond

        def spoilt(message):
            reply = usual(message)
            if message.strip() == query:
                return f"{answer}\n" if answer else ""
            return reply

        kepco.respond = spoilt
        told = []
        bench.tell = told.append
        said = bench.make_safe()
        assert is_safe(rig)
        assert len(told) == 1, told
        sets = rig.sets()
        check_ramp(sets, 7.5, RAMP)
        assert rig.sent()[-1] != b"OUTP OFF\n" or query in said[0]
        kepco.respond = usual


def test_a_supply_that_takes_no_set_is_not_switched_off_under_current(rig, monkeypatch):
    monkeypatch.setattr("instruments.limits.TRY_AGAIN_S", 0.01)
    with Bench.connect(rig.spec(SLOW, QUICK)) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        kepco = rig.rig.instruments["kepco-bop"]
        usual = kepco.respond
        kepco.respond = lambda message: "" if message.startswith("CURR ") else usual(message)
        magnet = bench.magnets["x"]
        with pytest.raises(UnsafeError, match=r"COULD NOT BE MADE SAFE.*set-point is 7.5 A"):
            magnet.make_safe(lambda words: None, 0.5)
        assert kepco.supply.output_on
        kepco.respond = usual
        bench.make_safe()
    assert is_safe(rig)


def test_a_lost_clock_does_not_abandon_the_ramp(rig, monkeypatch):
    sets = []  # as the computer's clock has them, for the rig's stands still

    def tap(host_s, _device_s, _name, way, data):
        if way == "out" and data.startswith(b"CURR "):
            sets.append((host_s, float(data[5:])))

    with Bench.connect(rig.spec(SLOW), wire_log=tap) as bench:
        bench.energise()
        bench.step(0.0030, bench.spec.window)
        sets.clear()

        def lost(seconds):
            raise TwinrigError("clock: the connection broke")

        monkeypatch.setattr(bench.clock, "wait", lost)
        monkeypatch.setattr(bench.clock, "now_s", lambda: lost(0.0))
        said = bench.make_safe()
    assert "the computer's own timed the ramp" in said[0]
    assert is_safe(rig)
    check_ramp(sets, 7.5, RAMP)


@pytest.mark.parametrize(
    ("model", "hand"), [("kepco-bop", "CURR 2;OUTP ON"), ("lakeshore-643", "SETI 2; *ESR?")]
)
def test_a_long_way_to_safety_says_where_the_current_is(model, hand, monkeypatch):
    monkeypatch.setattr("app.operations.safely.EACH_S", 0.2)
    said = []
    with served((model, "sr830"), accelerate=1.0) as rig:
        rig.order(model, hand)
        rig.rig.time.advance(5.0)
        text = re.sub(r"max_ramp_A_per_s = .*", "max_ramp_A_per_s = 2.0", rig.text)
        with Bench.connect(parse_bench(text, "slow")) as bench:
            bench.tell = Voice(said.append)
            made_safe(bench)
    places = [float(m[1]) for words in said if (m := re.search(r"so far, x at (\S+) A", words))]
    assert len(places) >= 2
    assert 2.0 > places[0] > places[-1] > 0.0
