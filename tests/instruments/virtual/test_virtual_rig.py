"""The rig: one seed, one device time, one set of replies; frozen by its fingerprint."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from instruments.virtual.coil import CoilParameters
from instruments.virtual.rig import DEFAULT_MODELS, VirtualRig
from models.errors import InputError

DEVICE = "leaky-integrator"
REFERENCE = "bd837cb084da69b1b90a831be0fd14456ca90981f800bbd7153f36aa93450dca"


def ask(rig: VirtualRig, key: str, message: str) -> str:
    instrument = rig.instruments[key]
    instrument.receive(message.encode() + b"\n")
    reply = instrument.transmit()
    while instrument.answers(message) and not reply:
        reply = instrument.transmit()
    return reply.decode().rstrip("\n")


def recorded(rig: VirtualRig, steps: int = 30, pause_s: float = 0.0) -> list[str]:
    ask(rig, "kepco-bop", "OUTP ON")
    replies = []
    for current_A in np.random.default_rng(0).uniform(5.5, 8.5, steps):
        ask(rig, "kepco-bop", f"CURR {current_A:.6f}")
        time.sleep(pause_s)
        replies.append(ask(rig, "sr830", "SNAP? 1,2"))
    return replies


def test_the_reference_rig_is_frozen():
    assert VirtualRig("nanoring").fingerprint() == REFERENCE


def test_the_fingerprint_is_that_of_the_physics_not_of_a_run(monkeypatch):
    reference = VirtualRig(DEVICE).fingerprint()
    assert VirtualRig(DEVICE, seed=5, accelerate=2.0).fingerprint() == reference
    assert VirtualRig("nanoring").fingerprint() != reference
    monkeypatch.setattr(
        "instruments.virtual.rig.CoilParameters", lambda: CoilParameters(inductance_H=4e-3)
    )
    assert VirtualRig(DEVICE).fingerprint() != reference


@pytest.mark.parametrize("device", ["nanoring", "leaky-integrator"])
def test_the_same_seed_and_commands_give_the_same_replies_whatever_the_hosts_timing(device):
    first = recorded(VirtualRig(device, seed=7))
    assert recorded(VirtualRig(device, seed=7), pause_s=0.003) == first
    assert recorded(VirtualRig(device, seed=7, accelerate=1e6)) == first
    assert recorded(VirtualRig(device, seed=8)) != first


def test_settings_of_different_instruments_commute():
    one, other = VirtualRig(DEVICE), VirtualRig(DEVICE)
    ask(one, "kepco-bop", "CURR 6;OUTP ON")
    ask(one, "sr830", "OFLT 7")
    ask(other, "sr830", "OFLT 7")
    ask(other, "kepco-bop", "CURR 6;OUTP ON")
    assert ask(one, "sr830", "SNAP? 1,2") == ask(other, "sr830", "SNAP? 1,2")


def test_looking_draws_no_random_numbers():
    watched, alone = VirtualRig(DEVICE), VirtualRig(DEVICE)
    quiet = []
    for rig in (watched, alone):
        ask(rig, "kepco-bop", "CURR 6;OUTP ON")
        ask(rig, "virtual-clock", "ADVANCE 1")  # the coil has settled
        for _ in range(5):
            if rig is watched:
                ask(rig, "sr830", "OUTP? 1")
            quiet.append(ask(rig, "sr830", "SNAP? 1,2"))
    seen = np.array([line.split(",") for line in quiet], dtype=float)
    # device, noise and drift draws are the same; the drift saw some 0.2 ms more of device time
    np.testing.assert_allclose(seen[:5], seen[5:], atol=1e-11)


def test_a_snap_takes_one_rotation_and_nothing_else_lets_the_device_turn():
    rig = VirtualRig(DEVICE)
    before_s = rig.time.now_s
    ask(rig, "sr830", "SNAP? 1,2")
    assert rig.time.now_s - before_s == pytest.approx(1 / 37 + 2e-4, abs=1e-8)
    assert rig.gate_s == pytest.approx(1 / 37)


def test_the_field_at_the_gate_is_the_coils_mean_current_over_the_rotation(monkeypatch):
    rig = VirtualRig(DEVICE)
    fields_T = []
    monkeypatch.setattr(rig._device, "gate", lambda field_T: (fields_T.append(field_T), (0, 0))[1])
    ask(rig, "kepco-bop", "OUTP ON;CURR 5")
    ask(rig, "sr830", "SNAP? 1,2")
    ask(rig, "sr830", "SNAP? 1,2")
    tau_s = rig.coil.loop_s
    lag = tau_s * rig.gate_s**-1  # of a rotation that starts with the step, but for 0.2 ms
    assert fields_T[0] == pytest.approx(5 * 4.0e-4 * (1 - lag * np.exp(-2e-4 / tau_s)), rel=1e-3)
    assert fields_T[1] == pytest.approx(5 * 4.0e-4, rel=1e-4)


def test_a_reading_while_a_list_plays_and_the_buffer_runs_is_answered_and_so_is_the_next():
    rig = VirtualRig(DEVICE)
    ask(rig, "kepco-bop", "OUTP ON;:LIST:CURR 5,6,7,8;:LIST:DWEL 0.03")
    ask(rig, "sr830", "SRAT 10;STRT")
    ask(rig, "kepco-bop", "CURR:MODE LIST")
    ask(rig, "virtual-clock", "ADVANCE 0.01")
    ask(rig, "sr830", "SNAP? 1,2")  # the list's first gate ends within this one
    assert int(ask(rig, "sr830", "SPTS?")) == pytest.approx(64 * 0.037, abs=1)
    ask(rig, "virtual-clock", "ADVANCE 0.3")
    assert int(ask(rig, "sr830", "SPTS?")) == pytest.approx(64 * 0.337, abs=1)


def test_with_the_output_off_there_is_no_field(monkeypatch):
    rig = VirtualRig(DEVICE)
    fields_T = []
    monkeypatch.setattr(rig._device, "gate", lambda field_T: (fields_T.append(field_T), (0, 0))[1])
    ask(rig, "kepco-bop", "CURR 5")
    ask(rig, "sr830", "SNAP? 1,2")
    assert fields_T == [0.0]


def test_further_instruments_stand_beside():
    rig = VirtualRig(DEVICE, models=("kepco-bop", "kepco-bop", "sr830", "sr830"))
    assert set(rig.instruments) == {
        *("kepco-bop", "kepco-bop#2", "sr830", "sr830#2", "virtual-clock"),
    }
    ask(rig, "kepco-bop#2", "CURR 8;OUTP ON")
    ask(rig, "virtual-clock", "ADVANCE 1")
    assert ask(rig, "kepco-bop", "MEAS:CURR?") == "0.0E0"
    before_s = rig.time.now_s
    beside = [float(v) for v in ask(rig, "sr830#2", "SNAP? 1,2").split(",")]
    assert max(map(abs, beside)) < 5 * 3e-7  # read-out noise only
    assert rig.time.now_s - before_s == pytest.approx(2e-4)  # no gate either


def test_a_rig_without_a_supply_has_no_field_and_one_without_a_read_out_no_signal():
    assert "," in ask(VirtualRig(DEVICE, models=("sr830",)), "sr830", "SNAP? 1,2")
    assert set(VirtualRig(DEVICE, models=("kepco-bop",)).instruments) == {
        *("kepco-bop", "virtual-clock"),
    }


def test_every_unknown_model_is_named_at_once_with_hints():
    with pytest.raises(InputError) as caught:
        VirtualRig(DEVICE, models=("kepko-bop", "zurich-mfli"))
    assert "did you mean 'kepco-bop'" in str(caught.value)
    assert "no virtual instrument for model 'zurich-mfli'" in str(caught.value)
    with pytest.raises(InputError, match="no models named"):
        VirtualRig(DEVICE, models=())
    with pytest.raises(InputError, match="seed"):
        VirtualRig(DEVICE, seed=-1)


def test_the_wire_log_has_both_clocks_and_every_message_both_ways():
    lines = []
    rig = VirtualRig(DEVICE, models=DEFAULT_MODELS, wire_log=lambda *line: lines.append(line))
    port = rig.connect("kepco-bop")
    before_s = time.time()
    port.receive(b"CURR 1\r\nOUT")
    port.receive(b"P?\n")
    assert [(model, direction, data) for _, _, model, direction, data in lines] == [
        ("kepco-bop", "out", b"CURR 1\n"),
        ("kepco-bop", "out", b"OUTP?\n"),
        ("kepco-bop", "in", b"0\n"),
    ]
    assert before_s <= lines[0][0] <= time.time()
    assert [line[1] for line in lines] == [0.0, 0.0, 2e-4]


def test_a_set_point_read_back_takes_no_device_time_as_its_set():
    rig = VirtualRig(DEVICE)
    ask(rig, "kepco-bop", "CURR 1")
    assert float(ask(rig, "kepco-bop", "CURR?")) == 1.0
    assert rig.time.now_ns == 0
    ask(rig, "kepco-bop", "VOLT?")
    assert rig.time.now_s == pytest.approx(2e-4)


def test_threads_on_two_instruments_take_turns():
    rig = VirtualRig(DEVICE)
    wrong = []

    def work(key: str, message: bytes, right: bytes) -> None:
        port = rig.connect(key)
        for _ in range(300):
            port.receive(message)
            if port.transmit() != right:
                wrong.append(key)

    threads = [
        threading.Thread(target=work, args=args)
        for args in (
            ("kepco-bop", b"CURR 1;CURR?\n", b"1.0E0\n"),
            ("kepco-bop", b"FUNC:MODE?\n", b"1\n"),
            ("sr830", b"SENS?\n", b"15\n"),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert rig.time.now_ns == 900 * 200_000
