"""A supply that does not do what it was sent is found out before its sample counts."""

from __future__ import annotations

import pytest
from served import served

from instruments.bench import Bench
from instruments.link_errors import LinkError
from instruments.virtual.faults import FaultScript, fault
from models.errors import TwinrigError

HIGH_T, LOW_T = 0.0034, 0.0022  # 8.5 A and 5.5 A on the coil of 1 Ohm


def played(bench, *fields_T):
    for field_T in fields_T:
        bench.step(field_T, bench.spec.window)


def test_a_voltage_limit_turned_down_during_a_run_is_found_at_a_low_step_too():
    with served() as rig, Bench.connect(rig.spec()) as bench:
        bench.energise()
        played(bench, HIGH_T, LOW_T)
        bench.verify()
        rig.order("kepco-bop", "VOLT 7")
        played(bench, HIGH_T, LOW_T)
        with pytest.raises(TwinrigError, match="voltage limit of 7 V that the bench did not set"):
            bench.verify()


def test_a_voltage_limit_that_the_high_steps_reach_is_found_at_the_low_one():
    with served() as rig:
        rig.order("kepco-bop", "VOLT 7")
        with Bench.connect(rig.spec()) as bench:
            bench.energise()
            played(bench, LOW_T)
            bench.verify()
            played(bench, HIGH_T, LOW_T)
            with pytest.raises(TwinrigError, match=r"needs 8.5 V for the 8.5 A that were set"):
                bench.verify()


def test_an_output_goes_on_only_where_the_set_point_of_zero_has_arrived():
    with served() as rig:
        rig.order("kepco-bop", "CURR 5")
        with Bench.connect(rig.spec()) as bench:
            bench.energise()
        at = 1 + rig.sent().index(b"CURR 0.000000\n")  # behind what the hand did
    lost = FaultScript([fault("kepco-bop", at, "silence", lost=True)])
    with served(faults=lost) as rig:
        rig.order("kepco-bop", "CURR 5")
        with Bench.connect(rig.spec()) as bench, pytest.raises(LinkError, match="right after 0 A"):
            bench.energise()
        assert b"OUTP ON\n" not in rig.sent()
        assert rig.rig.instruments["kepco-bop"].supply.setpoint_A == 0.0


@pytest.mark.parametrize(
    "given", [{"kind": "silence", "lost": True}, {"kind": "garbage"}, {"kind": "dropped"}]
)
def test_a_set_that_did_not_arrive_or_did_not_go_unanswered_is_no_step(given):
    with served() as rig, Bench.connect(rig.spec()) as bench:  # which message it is
        bench.energise()
        played(bench, HIGH_T, LOW_T)
        at = rig.sent().index(b"CURR 5.500000\n")
    script = FaultScript([fault("kepco-bop", at, **given)])
    with served(faults=script) as rig:
        supply = rig.rig.instruments["kepco-bop"].supply
        with Bench.connect(rig.spec()) as bench:
            bench.energise()
            played(bench, HIGH_T)
            with pytest.raises(
                LinkError, match=r"8.5 A right after 5.5 A was sent|nobody asked|expected 1|broke"
            ):
                played(bench, LOW_T)
            played(bench, LOW_T)
            assert supply.setpoint_A == pytest.approx(5.5)
        assert (supply.setpoint_A, supply.output_on) == (0.0, False)


def test_a_lock_in_that_was_set_otherwise_since_the_run_began_is_told():
    with served() as rig, Bench.connect(rig.spec()) as bench:
        bench.check_settings()  # nothing was told yet that could differ
        bench.settings()
        bench.check_settings()
        rig.order("sr830", "SENS 20")
        with pytest.raises(TwinrigError, match=r"lockin: sensitivity_V was 0.0002\d*, now 0.01"):
            bench.check_settings()


def test_a_set_that_the_supply_refused_is_told_with_what_it_reports():
    with served(("keithley-2400", "sr830")) as rig:
        rig.order("keithley-2400", ":SOUR:CURR:RANG 1e-3")  # fixed, by a hand
        with Bench.connect(rig.spec()) as bench:
            bench.energise()
            with pytest.raises(LinkError, match=r"reports -222 Data out of range"):
                played(bench, HIGH_T)
