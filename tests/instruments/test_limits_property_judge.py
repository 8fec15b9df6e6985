"""The judge of the property test has to find what is wrong on a wire that is written by hand."""

from __future__ import annotations

import pytest
from wire_judge import Message, Truth, WireJudge

KEY = "kepco-bop"
TEXT = """
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
tesla_per_ampere = -4.0e-4
max_current_A = 10.0
max_field_T = 0.0036
max_ramp_A_per_s = 50.0
compliance_V = 20.0
max_duty_A2s = 100.0
duty_window_s = 10.0
"""  # 9 A by the field, 1 A a tick
OFF = Truth(False, True, 0.0, 36.0, 0.0)


def at(current_A, mode=True, volts=36.0, coil_A=None):
    """Output on at a set-point, and the coil there."""
    return Truth(True, mode, current_A, volts, current_A if coil_A is None else coil_A)


def judged(*wire, end=None):
    """Findings of (device time, bytes or answer, truth before) by the program, after `*IDN?`."""
    judge = WireJudge(TEXT)
    judge.hear(Message(0.0, KEY, "out", b"*IDN?\n", False, OFF))
    judge.hear(Message(0.0, KEY, "in", b"KEPCO,BIT 4886 36-12  08-04-2023,H1,4\n", False, OFF))
    for device_s, data, before in wire:
        by_hand = data.startswith(b"hand ")
        direction = "in" if data.startswith(b"-> ") else "out"
        data = data.removeprefix(b"hand ").removeprefix(b"-> ")
        judge.hear(Message(device_s, KEY, direction, data + b"\n", by_hand, before))
    if end is not None:
        judge.finish({KEY: end})
    return judge.count()


GOOD = {
    "a start": [(1.0, b"CURR 0.000000", OFF), (1.0, b"OUTP ON", OFF)],
    "two ticks": [(1.0, b"CURR 1.000000", at(0.0)), (1.02, b"CURR 2.000000", at(1.0))],
    "a late tick": [(1.0, b"CURR 1.000000", at(0.0)), (9.0, b"CURR 2.000000", at(1.0))],
    "half a tick soon": [(1.0, b"CURR 0.500000", at(0.0)), (1.01, b"CURR 1.500000", at(0.5))],
    "to the limit": [(1.0, b"CURR -9.000000", at(-8.5))],
    "down from beyond": [(1.0, b"CURR 11.000000", at(12.0))],
    "the end": [(1.0, b"CURR 0.000000", at(0.5)), (1.02, b"OUTP OFF", at(0.0))],
    "a blind step after a hand": [
        (1.0, b"CURR 1.000000", at(0.5)), (2.0, b"hand CURR 5", at(1.0)),
        (3.0, b"CURR 1.500000", at(5.0)),
    ],
    "compliance": [(1.0, b"VOLT 20.0000", at(0.0))],
    "from what is measured": [(1.0, b"CURR 2.500000", at(9.0, coil_A=3.0))],
    "from a reading a count beside": [
        (1.0, b"MEAS:CURR?", at(3.0)), (1.0, b"-> 2.99991E0", at(3.0)),
        (1.1, b"CURR 1.999910", at(3.0)),
    ],
    "to current mode": [
        (1.0, b"CURR 3.000000", at(8.0, mode=False, volts=3.0, coil_A=3.0)),
        (1.0, b"FUNC:MODE CURR", at(3.0, mode=False, volts=3.0)),
    ],
}  # fmt: skip
BAD = {
    "limit, by current": ("limit", [(1.0, b"CURR 10.000001", OFF)]),
    "limit, by field": ("limit", [(1.0, b"CURR 9.000001", at(8.9))]),
    "limit, by rounding": ("limit", [(1.0, b"CURR -9.00000002", at(-8.9))]),
    "limit, upwards from beyond": ("limit", [(1.0, b"CURR 11.010000", at(11.0))]),
    "limit, rating": ("limit", [(1.0, b"CURR 12.5", at(12.6))]),
    "a step": ("step", [(1.0, b"CURR 1.000100", at(0.0))]),
    "a step from a reading several counts beside": ("step", [
        (1.0, b"MEAS:CURR?", at(3.0)), (1.0, b"-> 2.99971E0", at(3.0)),
        (1.1, b"CURR 1.999710", at(3.0)),
    ]),
    "a step down": ("step", [(1.0, b"CURR 0.000000", at(-1.1))]),
    "a step across": ("step", [(1.0, b"CURR 0.600000", at(-0.6))]),
    "a step after it was told": ("step", [
        (1.0, b"CURR 1.000000", at(0.5)), (2.0, b"hand CURR 5", at(1.0)),
        (2.1, b"CURR?", at(5.0)), (2.1, b"-> 5.0E0", at(5.0)),
        (2.2, b"MEAS:CURR?", at(5.0)), (2.2, b"-> 5.0E0", at(5.0)), (3.0, b"CURR 1.5", at(5.0)),
    ]),
    "a tick too soon": ("pace", [
        (1.0, b"CURR 1.000000", at(0.0)), (1.019, b"CURR 2.000000", at(1.0)),
    ]),
    "a late tick caught up": ("pace", [
        (1.0, b"CURR 1.000000", at(0.0)), (1.06, b"CURR 2.000000", at(1.0)),
        (1.06, b"CURR 3.000000", at(2.0)),
    ]),
    "back and forth": ("pace", [
        (1.0, b"CURR 1.000000", at(0.0)), (1.001, b"CURR 0.000000", at(1.0)),
    ]),
    "an exponent": ("number", [(1.0, b"CURR 1e-1", at(0.0))]),
    "nine decimals": ("number", [(1.0, b"CURR 0.123456789", at(0.0))]),
    "five digits": ("number", [(1.0, b"CURR 00000.1", at(0.0))]),
    "nan": ("number", [(1.0, b"CURR nan", at(0.0))]),
    "inf": ("number", [(1.0, b"VOLT inf", at(0.0))]),
    "no number": ("number", [(1.0, b"CURR", at(0.0))]),
    "a word": ("number", [(1.0, b"CURR MAX", at(0.0))]),
    "another decimal sign": ("number", [(1.0, b"CURR 0,5", at(0.0))]),
    "read otherwise": ("read", [(1.0, b"CURR 0.5", at(0.0)), (1.1, b"CURR?", at(0.05))]),
    "a long line": ("line", [(1.0, b"CURR 0.1" + b" " * 260, at(0.0))]),
    "compliance": ("compliance", [(1.0, b"VOLT 20.0001", at(0.0))]),
    "compliance cuts a current": ("jump", [(1.0, b"VOLT 2.0", at(8.0))]),
    "compliance frees a current": ("jump", [(1.0, b"VOLT 20.0", at(8.0, volts=0.0, coil_A=0.0))]),
    "mode at another set-point": (
        "jump", [(1.0, b"FUNC:MODE CURR", at(-8.0, mode=False, volts=3.0, coil_A=3.0))]),
    "voltage mode": ("mode", [(1.0, b"FUNC:MODE VOLT", at(0.0))]),
    "on at a set-point": ("switch", [(1.0, b"OUTP ON", Truth(False, True, 0.5, 36.0, 0.0))]),
    "on in voltage mode": ("switch", [(1.0, b"OUTP ON", Truth(False, False, 0.0, 0.0, 0.0))]),
    "off at a current": ("switch", [(1.0, b"OUTP OFF", at(0.0, coil_A=0.2))]),
    "*RST": ("forbidden", [(1.0, b"*RST", at(0.0))]),
    "self test": ("forbidden", [(1.0, b"*TST?", at(0.0))]),
    "diagnosis": ("forbidden", [(1.0, b"DIAG:TST?", at(0.0))]),
    "second of a line": ("forbidden", [(1.0, b"CURR?;*rst", at(0.0))]),
    "a list": ("unknown", [(1.0, b"LIST:CURR 1,2,3", at(0.0))]),
    "a list that starts": ("unknown", [(1.0, b"CURR:MODE LIST", at(0.0))]),
    "a range": ("unknown", [(1.0, b"CURR:RANG 4", at(0.0))]),
    "long form": ("unknown", [(1.0, b"CURRENT 20", at(0.0))]),
    "duty": ("duty", [(0.0, b"CURR?", at(5.0)), (5.0, b"CURR?", at(5.0))]),
}  # fmt: skip


@pytest.mark.parametrize("wire", GOOD.values(), ids=GOOD)
def test_a_good_wire_has_no_finding(wire):
    assert not judged(*wire)


@pytest.mark.parametrize(("kind", "wire"), BAD.values(), ids=BAD)
def test_a_bad_wire_is_found(kind, wire):
    assert kind in judged(*wire)


@pytest.mark.parametrize(
    "end",
    [at(0.0), Truth(False, True, 0.5, 36.0, 0.0), Truth(False, True, 0.0, 36.0, 0.5)],
    ids=["output on", "set-point", "current"],
)
def test_an_unsafe_end_is_found(end):
    assert judged(end=end)["end"] == 1
    assert not judged(end=OFF)


def test_a_set_while_a_guard_is_open_is_found_once_it_could_be_known():
    judge = WireJudge(TEXT)
    judge.guard("water", allows=False)
    clock = Message(1.0, "virtual-clock", "out", b"ADVANCE 1.0\n")
    judge.hear(clock)
    judge.hear(Message(1.0, KEY, "out", b"CURR 0.5\n", False, at(0.0)))
    assert not judge.findings
    judge.hear(clock)
    judge.hear(Message(2.0, KEY, "out", b"CURR 0.2\n", False, at(0.5)))
    assert not judge.findings  # towards zero
    judge.hear(Message(3.0, KEY, "out", b"CURR 0.9\n", False, at(0.2)))
    assert judge.count() == {"guard": 1}
    judge.guard("water", allows=True)
    judge.hear(Message(4.0, KEY, "out", b"CURR 1.5\n", False, at(0.9)))
    assert judge.count() == {"guard": 1}


def test_no_output_goes_on_while_a_guard_is_open():
    judge = WireJudge(TEXT)
    judge.guard("coil", allows=False)
    judge.hear(Message(1.0, KEY, "out", b"OUTP ON\n", False, OFF))
    assert judge.count() == {"guard": 1}
