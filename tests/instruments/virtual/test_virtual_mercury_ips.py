"""The virtual Mercury iPS, by transcripts: what is sent, what comes back."""

from __future__ import annotations

import pytest

from instruments.virtual.instrument import DeviceTime
from instruments.virtual.mercury_ips import MercuryIps

PSU = "DEV:GRPZ:PSU:"


@pytest.fixture
def magnet() -> MercuryIps:
    return MercuryIps(DeviceTime(), firmware="2.5.08.000")


def ask(magnet: MercuryIps, message: str) -> str:
    magnet.receive(message.encode() + b"\n")
    reply = magnet.transmit().decode()
    assert reply.endswith("\n")
    return reply[:-1]


def read(magnet: MercuryIps, noun: str) -> str:
    head = f"STAT:{PSU}{noun}:"
    reply = ask(magnet, f"READ:{PSU}{noun}")
    assert reply.startswith(head)
    return reply[len(head) :]


def write(magnet: MercuryIps, noun: str, value: object) -> str:
    return ask(magnet, f"SET:{PSU}{noun}:{value}").rpartition(":")[2]


def test_a_set_is_answered_too(magnet):
    assert ask(magnet, "*IDN?") == "IDN:OXFORD INSTRUMENTS:MERCURY iPS:154350041:2.5.08.000"
    reply = ask(magnet, f"SET:{PSU}SIG:FSET:0.5")
    assert reply == "STAT:SET:DEV:GRPZ:PSU:SIG:FSET:0.5:INVALID"  # beyond 110 A at 4e-4 T/A
    assert ask(magnet, f"SET:{PSU}SIG:FSET:0.001") == "STAT:SET:DEV:GRPZ:PSU:SIG:FSET:0.001:VALID"
    assert read(magnet, "SIG:CSET") == "2.5000A"


def test_at_a_rate_of_zero_it_ramps_and_stays_where_it_is(magnet):
    for noun, value in (("ACTN", "HOLD"), ("SIG:CSET", 1), ("SIG:RCST", 0), ("ACTN", "RTOS")):
        assert write(magnet, noun, value) == "VALID"
    magnet.time.advance(10.0)
    assert (read(magnet, "ACTN"), read(magnet, "SIG:CURR")) == ("RTOS", "0.0000A")


def test_from_clamp_it_ramps_only_behind_hold_and_holds_at_the_end(magnet):
    assert read(magnet, "ACTN") == "CLMP"
    assert write(magnet, "SIG:CSET", 1.5) == "VALID"
    assert write(magnet, "ACTN", "RTOS") == "INVALID"
    assert write(magnet, "ACTN", "HOLD") == "VALID"
    assert write(magnet, "ACTN", "RTOS") == "VALID"
    magnet.time.advance(5.0)
    assert read(magnet, "ACTN") == "RTOS"
    milliampere = read(magnet, "SIG:CURR")
    assert milliampere.endswith("mA")
    assert float(milliampere[:-2]) == pytest.approx(500, abs=1)
    magnet.time.advance(11.0)
    assert (read(magnet, "ACTN"), read(magnet, "SIG:CURR")) == ("HOLD", "1.5000A")
    assert write(magnet, "ACTN", "CLMP") == "INVALID"
    assert write(magnet, "ACTN", "RTOZ") == "VALID"
    magnet.time.advance(20.0)
    assert (read(magnet, "ACTN"), read(magnet, "SIG:CURR")) == ("HOLD", "0.0000A")


def test_rates_are_per_minute(magnet):
    assert read(magnet, "SIG:RCST") == "6.0000A/m"
    assert write(magnet, "SIG:RCST", 3) == "VALID"
    assert read(magnet, "SIG:RCST") == "3.0000A/m"
    assert magnet.supply.segments[0][1] == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("message", "end"),
    [
        (f"read:{PSU}ACTN", "INVALID"), (f"READ:{PSU}actn", "INVALID"), ("READ:DEV:X:PSU:ACTN",
        "NOT_FOUND"), ("READ:DEV:GRPZ:SPSU:ACTN", "INVALID"), (f"READ:{PSU}SIGNAL:FLD", "INVALID"),
        (f"SET:{PSU}SIG:CSET:1e3", "INVALID"), (f"SET:{PSU}SIG:CSET:x", "INVALID"),
        (f"SET:{PSU}SIG:CURR:1", "INVALID"), ("*OPC?", "INVALID"), (f"SET:{PSU}SIG:RCST:-1",
        "INVALID"),
    ],
)  # fmt: skip
def test_what_it_does_not_understand_it_says(magnet, message, end):
    assert ask(magnet, message).rpartition(":")[2] == end


def test_newer_firmware_spells_a_supply_otherwise():
    magnet = MercuryIps(DeviceTime())
    assert ask(magnet, "READ:SYS:CAT") == "STAT:SYS:CAT:DEV:GRPZ:SPSU"
    assert ask(magnet, "READ:DEV:GRPZ:SPSU:ACTN").endswith("ACTN:CLMP")
    assert ask(magnet, f"READ:{PSU}ACTN").endswith(":INVALID")


def test_sets_are_denied_in_local_mode(magnet):
    magnet.locked = True
    assert write(magnet, "SIG:CSET", 1) == "DENIED"
    assert read(magnet, "SIG:CSET") == "0.0000A"


def test_a_magnet_behind_a_cold_switch_keeps_its_current(magnet):
    magnet.supply.jump(3.0)
    assert write(magnet, "SIG:SWHT", "OFF") == "VALID"
    magnet.supply.jump(0.0)
    assert (read(magnet, "SIG:PCUR"), read(magnet, "SIG:CURR")) == ("3.0000A", "0.0000A")
    assert write(magnet, "SIG:SWHT", "ON") == "INVALID"  # the currents differ
    magnet.supply.jump(3.0)
    assert write(magnet, "SIG:SWHT", "ON") == "VALID"
