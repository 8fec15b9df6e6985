"""What a device in a coil is told of the current: all of it, in order, by steps that are small."""

from __future__ import annotations

import numpy as np
import pytest

from instruments.virtual.ami_430 import Ami430
from instruments.virtual.coil import CoilParameters
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.kepco_bop import KepcoBop
from instruments.virtual.lakeshore_643 import LakeShore643
from instruments.virtual.rig import VirtualRig


def listening(unit):
    """What is felt, as it comes: (A, s)."""
    felt = []
    unit.supply.felt = lambda current_A, seconds: felt.append((current_A, seconds))
    return felt


def order(unit, message):
    unit.receive(message.encode() + b"\n")


def kepco(felt: bool = True):
    time = DeviceTime()
    unit = KepcoBop(time, CoilParameters())
    heard = listening(unit) if felt else []
    order(unit, "VOLT 36;CURR 8;OUTP ON")
    return time, unit, heard


def test_a_step_of_a_bipolar_supply_is_felt_as_it_settles():
    time, unit, felt = kepco()
    time.advance(0.05)
    unit.supply.follow()
    order(unit, "CURR -8")
    time.advance(0.05)
    unit.supply.follow()
    currents_A, seconds = np.array(felt).T
    assert seconds.sum() == pytest.approx(0.1)
    turn = int(np.argmax(np.cumsum(seconds) >= 0.05 - 1e-9)) + 1
    assert np.all(np.diff(currents_A[:turn]) >= -1e-9)  # up, then down: no jump beyond
    assert np.all(np.diff(currents_A[turn:]) <= 1e-9)
    assert currents_A[turn - 1] == pytest.approx(8.0, abs=1e-2)
    assert currents_A[-1] == pytest.approx(-8.0, abs=1e-2)
    assert 4 < len(felt) < 60


def test_the_charge_is_what_was_felt_and_a_device_changes_nothing_of_it():
    time, unit, felt = kepco()
    alone_time, alone, _ = kepco(felt=False)
    for _ in range(20):
        for one in (time, alone_time):
            one.advance(3e-3)
        mean_A = unit.supply.follow()
        assert mean_A == pytest.approx(alone.supply.follow(), rel=1e-9)
        assert sum(a * s for a, s in felt) == pytest.approx(mean_A * 3e-3, rel=1e-9)
        felt.clear()


def test_nothing_is_felt_twice_however_often_one_looks():
    time, unit, felt = kepco()
    for _ in range(50):
        time.advance(1e-3)
        unit.supply.follow()
        unit.supply.follow()
    assert sum(seconds for _, seconds in felt) == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("twin", "orders"),
    [
        (LakeShore643, ("RATE 20", "SETI 10")),
        (Ami430, ("CONF:RAMP:RATE:CURR 1,1,100", "CONF:CURR:TARG 10", "RAMP")),
    ],
)
def test_a_ramp_is_felt_by_steps_that_are_small_against_it(twin, orders):
    time = DeviceTime()
    unit = twin(time)
    felt = listening(unit)
    for message in orders:
        order(unit, message)
    time.advance(20.0)
    unit.supply.follow()
    currents_A, seconds = np.array(felt).T
    assert np.all(np.diff(currents_A) >= 0)
    assert np.max(np.diff(currents_A)) <= 0.1 + 1e-9
    assert currents_A[-1] == 10.0
    assert seconds.sum() == pytest.approx(20.0)


def test_a_quench_is_felt_too():
    time = DeviceTime()
    unit = Ami430(time)
    felt = listening(unit)
    unit.supply.jump(10.0)
    unit.quench()
    time.advance(5.0)
    unit.supply.follow()
    currents_A = [current_A for current_A, _ in felt]
    assert currents_A[0] > 9.0
    assert currents_A[-1] < 0.2
    assert sum(seconds for _, seconds in felt) == pytest.approx(5.0)


def test_only_the_ice_listens_and_only_in_the_first_coil():
    models = ("kepco-bop", "kepco-bop", "keysight-pna")
    ice, plain = VirtualRig("spin-vortex-ice", models), VirtualRig("nanoring", models)
    outputs = [ice.instruments[key].supply for key in ("kepco-bop", "kepco-bop#2")]
    assert [one.felt is not None for one in outputs] == [True, False]
    assert plain.instruments["kepco-bop"].supply.felt is None


def test_the_same_seed_and_orders_give_the_same_spectra_and_another_seed_others():
    def spectra(seed):
        rig = VirtualRig("spin-vortex-ice", ("kepco-bop", "keysight-pna"), seed)
        supply, analyser = rig.connect("kepco-bop"), rig.connect("keysight-pna")
        supply.receive(b"VOLT 36;OUTP ON\n")
        analyser.receive(b"CALC:PAR:SEL 'CH1_S21_2'\nSENS:FREQ:STAR 4e9\nSENS:FREQ:STOP 1e10\n")
        found = []
        for current_A in (10.6, -10.6, 7.0, -7.0, 7.4, -7.4):
            supply.receive(f"CURR {current_A}\n".encode())
            rig.time.advance(0.05)
            analyser.receive(b"SENS:SWE:MODE SING;*OPC?\nCALC:DATA? SDATA\n")
            found.append(analyser.transmit())
        return found

    assert spectra(3) == spectra(3)
    assert spectra(3) != spectra(4)
