"""A supply with a ramp of its own: driver, virtual twin, and what walks it, in device time."""

from __future__ import annotations

from contextlib import contextmanager

from beside import beside

from instruments.drivers.ami_430 import Ami430
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.drivers.mercury_ips import MercuryIps
from instruments.supply_ramp import SupplyRamp
from instruments.virtual import ami_430, lakeshore_643, mercury_ips

KINDS = {
    "lakeshore-643": (LakeShore643, lakeshore_643.LakeShore643),
    "ami-430": (Ami430, ami_430.Ami430),
    "mercury-ips": (MercuryIps, mercury_ips.MercuryIps),
}


class DeviceClock:
    """The twin's own time, advanced at no cost; looks at Stop, and calls `tick` in each wait."""

    by_itself = False

    def __init__(self, device_time, stop):
        self.time = device_time
        self.stop = stop
        self.tick = lambda: None

    def now_s(self):
        return self.time.now_s

    def last_s(self):
        return self.time.now_s

    def wait(self, seconds):
        assert seconds > 0
        self.tick()
        self.stop.check()
        self.time.advance(seconds)


class Rig:
    def __init__(self, name, session, twin, limit_A_per_s):
        self.twin = twin
        self.stop = session._stop
        self.supply = KINDS[name][0]("x", session, {})
        self.supply.identify()
        self.clock = DeviceClock(twin.time, self.stop)
        self.flowed = []
        self.ramp = SupplyRamp(
            self.supply, limit_A_per_s, self.clock, self.flowed.append, self.stop.shield
        )
        self.ramp.start_from(self.supply.state(), 0.01)

    @property
    def current_A(self):
        self.twin.supply.follow()
        return self.twin.supply.coil.current_A


@contextmanager
def rig(name, limit_A_per_s=0.05):
    twins = []

    def make(device_time):
        twins.append(KINDS[name][1](device_time))
        return twins[0]

    end = KINDS[name][0].terminator("TCPIP0::virtual::7180::SOCKET")
    with beside(make, end) as session:
        yield Rig(name, session, twins[0], limit_A_per_s)
