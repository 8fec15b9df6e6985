"""A list whose pulse starts the read-out's buffer: the same samples, and what a bad wire does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from list_bench import FIELDS_T, ice_of, recorded, spec_of
from scripted import transcript
from served import served

from instruments.alignment import AlignmentError
from instruments.bench import Bench
from instruments.checks import check_bench
from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.kepco_bop_mg import KepcoBopMg, KepcoPulsedList
from instruments.drivers.sr830 import SR830
from instruments.drivers.sr830_buffer import Sr830Buffer
from instruments.link_errors import LinkError, WrongInstrumentError
from instruments.sequenced import no_list
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import FieldSequence

if TYPE_CHECKING:
    from instruments.bench_spec import BenchSpec

MG = "kepco-bop-mg"
IDENTITY = b"KEPCO,BOP1KW 36-28MG,E1234,4.12"
PULSED = (
    (b"LIST:CLE", b""), (b"LIST:SET:TRIG 0.001000,ON", b""),
    (b"LIST:CURR 0.500000", b""), (b"LIST:CURR:POIN?", b"1"), (b"LIST:DWEL 0.005000", b""),
    (b"LIST:TRIG 0.500000", b""), (b"LIST:CURR:POIN?", b"2"),
    (b"LIST:CURR 1.000000,-2.500000", b""), (b"LIST:CURR:POIN?", b"4"),
    (b"LIST:DWEL 0.027028,0.027028", b""), (b"LIST:COUN 1", b""), (b"SYST:ERR?", b'0,"No error"'),
    (b"LIST:QUER 0", b""), (b"LIST:CURR?", b"5.0E-1,5.0E-1,1.0E0,-2.5E0"), (b"LIST:QUER 0", b""),
    (b"LIST:DWEL?", b"5.0E-3,1.0E-3,2.7028E-2,2.7028E-2"), (b"LIST:COUN?", b"1"),
)  # fmt: skip
POINTS = [(0.5, 0.005), (0.5, 0.001), (1.0, 0.027028), (-2.5, 0.027028)]


def triggered(device: str = "leaky-integrator", timing: str = "hardware") -> BenchSpec:
    return spec_of(timing, device, supply=MG, trigger=True)


# ---- on the virtual rig


@pytest.mark.parametrize("device", ["leaky-integrator", "nanoring"])
def test_the_same_samples_as_by_the_counts(device: str) -> None:
    by_counts, _ = recorded(spec_of("hardware", device, supply=MG), 2)
    by_trigger, _ = recorded(triggered(device), 2)
    by_software, _ = recorded(spec_of("software", device, supply=MG), 2)
    spread = by_software.std()
    if device == "leaky-integrator":  # the other is chaotic: 6 ms more are another history
        assert np.abs(by_trigger - by_counts).max() < 1e-3 * spread
        assert np.abs(by_trigger - by_software).max() < 0.1 * spread
    assert abs(by_trigger.mean() - by_software.mean()) < 0.3 * spread


def test_the_other_lock_in_is_started_by_the_other_edge() -> None:
    by_counts, _ = recorded(spec_of("hardware", supply=MG, lockin="sr860"))
    by_trigger, _ = recorded(spec_of("hardware", supply=MG, lockin="sr860", trigger=True))
    by_software, _ = recorded(spec_of("software", supply=MG, lockin="sr860"))
    assert np.abs(by_trigger - by_counts).max() < 1e-3 * by_counts.std()
    assert np.abs(by_trigger - by_software).max() < 0.1 * by_counts.std()


def test_it_is_as_true_where_the_link_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    quick, _ = recorded(triggered())
    running = KepcoPulsedList.running

    def prepare(bench: Bench) -> None:
        def slow(program: KepcoPulsedList) -> bool:
            bench.clock.wait(0.02)
            return running(program)

        monkeypatch.setattr(KepcoPulsedList, "running", slow)

    slow, _ = recorded(triggered(), prepare=prepare)
    np.testing.assert_allclose(slow, quick, atol=1e-10)
    with pytest.raises(AlignmentError, match="set marker_T"):
        recorded(spec_of(supply=MG), prepare=prepare)


def test_each_part_has_its_pulse(monkeypatch: pytest.MonkeyPatch) -> None:
    whole, _ = recorded(triggered())
    monkeypatch.setattr(KepcoPulsedList, "most_points", 15)
    parts, _ = recorded(triggered())
    assert np.abs(parts - whole).max() < 0.1 * whole.std()


def lockin_of(bench: Bench) -> Any:
    """The virtual SR830 behind the wire."""
    library: Any = bench._opener._rm.visalib
    return library.rig.instruments["sr830"]


def test_a_wire_that_is_not_there_is_a_lost_alignment() -> None:
    def cut(bench: Bench) -> None:
        lockin_of(bench).trigger_in = lambda _: []

    with pytest.raises(AlignmentError, match=r"no trigger came: is the wire .* pull-up\?"):
        recorded(triggered(), prepare=cut)


def test_a_pulse_from_elsewhere_is_a_lost_alignment() -> None:
    def hum(bench: Bench) -> None:
        lockin_of(bench).trigger_in = lambda since_ns: [(since_ns + 1, True)]

    with pytest.raises(AlignmentError, match="before the list began: something else pulls"):
        recorded(triggered(), prepare=hum)


def test_a_pulse_that_comes_late_is_a_wrong_count() -> None:
    def late(bench: Bench) -> None:
        edges = lockin_of(bench).trigger_in
        lockin_of(bench).trigger_in = lambda ns: [(at + 100_000_000, up) for at, up in edges(ns)]

    with pytest.raises(AlignmentError, match="samples were taken while the list ran"):
        recorded(triggered(), prepare=late)


def test_no_trigger_starts_the_buffer_behind_a_run() -> None:
    spec = triggered()
    with Bench.connect(spec) as bench:
        bench.energise()
        list(bench.repeat(FIELDS_T, spec.window, spec.reset))
        assert bench.readouts["lockin"]._session.query("TSTR?") == "0"  # type: ignore[attr-defined]


def test_the_bench_says_so_and_so_does_the_check() -> None:
    with Bench.connect(triggered()) as bench:
        assert "aligned by the trigger of x" in bench.timing_words()
    checks = {check.name: check for check in check_bench(triggered())}
    assert "gives a pulse when a list begins" in checks["x"].found
    assert "its trigger input can start the buffer" in checks["lockin"].found


def test_a_card_without_a_pulse_is_refused_before_anything_is_energised() -> None:
    spec = spec_of(trigger=True)
    sequences = [FieldSequence(np.array([0.0, 1.0]))]
    with (
        Bench.connect(spec) as bench,
        pytest.raises(RefusedError, match=r"kepco-bop\) gives no pulse when its list begins"),
    ):
        bench.check_sequences(sequences, spec.window, spec.reset)
    checks = {check.name: check for check in check_bench(spec)}
    assert "its list gives no pulse" in checks["x"].problem


def test_steps_beyond_the_dwell_of_this_supply_are_several_points() -> None:
    by_trigger, _ = recorded(spec_of(supply=MG, trigger=True, hold_s="0.05"))
    by_card, _ = recorded(spec_of(hold_s="0.05"))
    assert np.abs(by_trigger - by_card).max() < 1e-3 * by_card.std()
    loops, _ = recorded(ice_of("hardware", supply=MG, trigger=True))
    by_software, _ = recorded(ice_of("software", supply=MG))
    assert np.abs(loops - by_software).max() < 0.5 * by_software.std()


@pytest.mark.parametrize(
    ("timing", "marker_T", "match"),
    [("software", None, "trigger aligns a list"), ("hardware", 0.0, "give one of them")],
)
def test_keys_that_make_no_sense(timing: str, marker_T: float | None, match: str) -> None:
    with pytest.raises(InputError, match=match):
        spec_of(timing, marker_T=marker_T, trigger=True)


# ---- bytes


def test_a_list_with_a_pulse_is_loaded_and_read_back() -> None:
    with transcript((b"*IDN?", IDENTITY), *PULSED) as session:
        supply = KepcoBopMg("x", session, {})
        supply.identify()
        assert isinstance(supply.list, KepcoPulsedList)
        supply.list.load(POINTS, 1)
        assert (supply.rated_voltage_V, supply.rated_current_A) == (36.0, 28.0)


@pytest.mark.parametrize(
    ("at", "reply", "error", "match"),
    [
        (6, b"1", LinkError, "expected 2"),
        (11, b'-113,"Undefined header"', TwinrigError, "reports -113 Undefined header"),
        (15, b"5.0E-3,2.7028E-2,2.7028E-2,0.0E0", LinkError, r"expected 0\.001000 as point 1"),
    ],
)
def test_a_supply_that_takes_pulses_otherwise_plays_nothing(
    at: int, reply: bytes, error: type[Exception], match: str
) -> None:
    exchanges = [*PULSED[:at], (PULSED[at][0], reply)]
    if at == 11:
        exchanges.append((b"SYST:ERR?", b'0,"No error"'))
    with transcript(*exchanges) as session, pytest.raises(error, match=match):
        KepcoPulsedList.load(KepcoBopMg("x", session, {}).list, POINTS, 1)  # type: ignore[arg-type]


def test_a_list_without_a_pulse_is_as_on_a_card() -> None:
    with transcript(
        (b"LIST:CLE", b""), (b"LIST:CURR 1.000000", b""), (b"LIST:CURR:POIN?", b"1"),
        (b"LIST:DWEL 0.020000", b""), (b"LIST:COUN 1", b""), (b"SYST:ERR?", b'0,"No error"'),
        (b"LIST:QUER 0", b""), (b"LIST:CURR?", b"1.0E0"), (b"LIST:QUER 0", b""),
        (b"LIST:DWEL?", b"2.0E-2"), (b"LIST:COUN?", b"1"),
    ) as session:  # fmt: skip
        supply = KepcoBopMg("x", session, {})
        assert supply.list is not None
        supply.list.load([(1.0, 0.02)])


# ---- the load type, which decides what OUTP OFF does to a coil


@pytest.mark.parametrize("found", [b"RESISTIVE", b"BATTERY"])
def test_an_output_on_a_coil_goes_off_as_an_active_load(found: bytes) -> None:
    with transcript(
        (b"OUTP:MODE?", found), (b"OUTP:MODE ACTIVE", b""), (b"OUTP:MODE?", b"ACTIVE")
    ) as session:
        said = KepcoBopMg("x", session, {}).prepare()
    assert said == (f"load type changed from {found.decode()} to ACTIVE (a coil is on it)",)
    with transcript((b"OUTP:MODE?", b"ACTIVE")) as session:
        assert KepcoBopMg("x", session, {}).prepare() == ()


def test_a_load_type_that_stays_is_refused_and_one_nobody_knows_too() -> None:
    stays = ((b"OUTP:MODE?", b"BATTERY"), (b"OUTP:MODE ACTIVE", b""), (b"OUTP:MODE?", b"BATTERY"))
    with transcript(*stays) as session, pytest.raises(TwinrigError, match="choose ACTIVE"):
        KepcoBopMg("x", session, {}).prepare()
    with transcript((b"OUTP:MODE?", b"7")) as session, pytest.raises(LinkError):
        KepcoBopMg("x", session, {}).prepare()


def test_a_run_sets_the_load_type_before_current_flows() -> None:
    with served((MG, "sr830")) as rig, Bench.connect(rig.spec()) as bench:
        rig.order(MG, "OUTP:MODE BATT")
        assert rig.order(MG, "OUTP:MODE?") == "BATTERY"
        bench.energise()
        assert rig.order(MG, "OUTP:MODE?") == "ACTIVE"
        assert "load type changed from BATTERY to ACTIVE" in " ".join(bench.found["x"].status)
        orders = [data for _, key, way, data in rig.wire if (key, way) == (MG, "out")]
        assert orders.index(b"OUTP:MODE ACTIVE\n") < orders.index(b"OUTP ON\n")


def test_each_driver_takes_its_own_supplies() -> None:
    card = b"KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82"
    with (
        transcript((b"*IDN?", card)) as session,
        pytest.raises(WrongInstrumentError, match=r"expected KEPCO,BOP .*MG"),
    ):
        KepcoBopMg("x", session, {}).identify()
    for identity, plays in (
        (card, True),
        (b"KEPCO,BIT 802E,20-20 08-04-2023,1,2.0", True),
        (b"KEPCO,BIT 4882 20-20 08-04-2003,1,2.0", False),
        (IDENTITY, False),
    ):
        with transcript((b"*IDN?", identity)) as session:
            supply = KepcoBop("x", session, {})
            supply.identify()
            assert (supply.list is not None) == plays, identity
            assert ("kepco-bop-mg" in no_list(supply)) == (identity == IDENTITY)


def test_a_buffer_that_waits_for_a_trigger() -> None:
    with transcript(
        (b"PAUS", b""), (b"DDEF 1,0,0", b""), (b"DDEF? 1", b"0,0"), (b"SRAT 13", b""),
        (b"SEND 0", b""), (b"TSTR 1", b""), (b"REST", b""), (b"SRAT?", b"13"), (b"SEND?", b"0"),
        (b"TSTR?", b"1"), (b"SPTS?", b"0"), (b"SPTS?", b"7"), (b"PAUS", b""), (b"TSTR 0", b""),
    ) as session:  # fmt: skip
        buffer = Sr830Buffer(session, ("X",))
        buffer.arm_trigger(512.0)
        assert buffer.count() == 7
        buffer.stop()


def test_what_the_filter_has_left_is_asked_for() -> None:
    with transcript((b"OFLT?", b"6"), (b"OFSL?", b"1")) as session:
        buffer = SR830("lockin", session, {"channels": ("X",)}).buffer
        assert buffer.left_over(0.05) == pytest.approx(4.043e-2, rel=1e-3)
