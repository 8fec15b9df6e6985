"""Supplies without a ramp behind their limits, on virtual twins; and a greeting over TCP."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from beside import beside
from own_ramp import KINDS, DeviceClock
from served import served

from app.operations.safely import found_at_energise
from instruments.bench import Bench
from instruments.clock import Stop
from instruments.drivers.ami_430 import Ami430
from instruments.drivers.danfysik_8500 import Danfysik8500
from instruments.drivers.keithley_2400 import Keithley2400
from instruments.drivers.keithley_2450 import Keithley2450
from instruments.limits import LimitedMagnet, MagnetLimits
from instruments.virtual import ami_430, danfysik_8500, keithley_2400, keithley_2450
from instruments.virtual.devices import make_device
from instruments.virtual.electronics import DeviceSource, ElectronicsParameters
from instruments.virtual.instrument import DeviceTime
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer
from instruments.visa import VisaSession, resource_manager
from models.errors import RefusedError

COUNTS = {
    "set_counts_per_A": danfysik_8500.SET_COUNTS_PER_A,
    "read_counts_per_A": danfysik_8500.READ_COUNTS_PER_A,
}
PLAIN = {
    "keithley-2400": (Keithley2400, keithley_2400.Keithley2400, {"compliance_V": 10.0}),
    "keithley-2450": (Keithley2450, keithley_2450.Keithley2450, {"compliance_V": 10.0}),
    "danfysik-8500": (Danfysik8500, danfysik_8500.Danfysik8500, COUNTS),
}


@pytest.mark.parametrize("name", PLAIN)
def test_a_plain_supply_is_walked_and_made_safe(name):
    driver, twin, options = PLAIN[name]
    units = []

    def make(device_time):
        units.append(twin(device_time))
        return units[0]

    with beside(make, driver.terminator("TCPIP0::virtual::5025::SOCKET")) as session:
        supply = driver("x", session, options)
        supply.identify()
        unit = units[0]
        clock = DeviceClock(unit.time, session._stop)
        limits = MagnetLimits(tesla_per_ampere=4e-4, max_current_A=1.0, max_ramp_A_per_s=2.0)
        magnet = LimitedMagnet(supply, limits, clock, session._stop)
        magnet.confirms = True
        magnet.energise()
        assert supply.state().faults == ()
        magnet.ramp_to_A(0.8)
        magnet.hold(0.1)
        unit.supply.follow()
        assert unit.supply.coil.current_A == pytest.approx(0.8, rel=1e-3)
        magnet.verify()
        words = magnet.make_safe()
        assert "output off" in words
        assert not unit.supply.output_on
        assert "already safe" in magnet.make_safe()
        assert supply.errors() == ()


def test_a_2400_that_is_set_up_for_a_sweep_is_made_safe_and_never_sweeps():
    units = []

    def make(device_time):
        units.append(keithley_2400.Keithley2400(device_time))
        for order in (":SOUR:CURR:STOP 0.9", ":SOUR:CURR:MODE SWE", ":OUTP ON"):
            units[0].respond(order)
        return units[0]

    with beside(make, "\n") as session:
        supply, unit = Keithley2400("x", session, {}), units[0]
        limits = MagnetLimits(tesla_per_ampere=4e-4, max_current_A=0.5, max_ramp_A_per_s=2.0)
        magnet = LimitedMagnet(supply, limits, DeviceClock(unit.time, session._stop), Stop())
        with pytest.raises(RefusedError, match="set up for a sweep"):
            magnet.energise()
        assert "to read its current would start that" in magnet.make_safe(lambda words: None)
        assert not unit.supply.output_on
        assert unit.supply.setpoint_A == 0.0  # 0.9 A where it had been read
        magnet.energise()
        assert supply.state().faults == ()


@pytest.mark.parametrize(
    "twin", [*(one for _, one in KINDS.values()), *(one for _, one, _ in PLAIN.values())]
)
def test_a_device_can_sit_in_the_coil_of_every_supply(twin):
    time = DeviceTime()
    unit = twin(time)
    seeds = np.random.SeedSequence(3).spawn(3)
    source = DeviceSource(
        make_device("leaky-integrator", seeds[0]), unit.supply, time, ElectronicsParameters(),
        seeds[1], seeds[2],
    )  # fmt: skip
    assert all(np.isfinite(source.gate()))


def test_a_greeting_comes_over_tcp_and_is_dropped():
    rig = VirtualRig()
    rig._add(ami_430.Ami430(rig.time))
    until = threading.Event()
    server = RigServer(rig)
    resource = server.resources["ami-430"]
    thread = threading.Thread(target=server.run, args=(until,), daemon=True)
    thread.start()
    session = VisaSession(
        resource, rm=resource_manager(), name="x", stop=Stop(), read_termination="\r\n",
        write_termination="\r\n",
    )  # fmt: skip
    try:
        magnet = Ami430("x", session, {})
        assert magnet.identify() == ami_430.IDENTITY
        session.reconnect()
        assert magnet.arrived()
    finally:
        session.close()
        until.set()
        thread.join(5)
        server.close()


def test_what_control_changes_at_a_run_s_begin_is_told_in_a_sentence():
    with served(("danfysik-8500", "sr830")) as rig, Bench.connect(rig.spec()) as bench:
        bench.energise()
        (words,) = found_at_energise(bench, {})
    assert "it is not as a run needs it: local control was taken over" in words
