"""The rig on TCP: plain sockets and pyvisa-py as clients, the command line as a process."""

from __future__ import annotations

import json
import math
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
import tomllib
from contextlib import contextmanager
from importlib.resources import files

import numpy as np
import pytest
import pyvisa

from instruments.virtual.kepco_bop import IDENTITY
from instruments.virtual.rig import VirtualRig
from instruments.virtual.server import RigServer, serve
from models.errors import InputError, TwinrigError

DEVICE = "leaky-integrator"


@contextmanager
def served(**kwargs):
    """A rig served by a thread; yields model → (host, port), and the listening lines."""
    until, ready, lines, failures = threading.Event(), threading.Event(), [], []
    count = len(kwargs.get("models", ("kepco-bop", "sr830"))) + 1

    def on_listening(one):
        lines.append(one)
        if len(lines) == count:
            ready.set()

    def work():
        try:
            options = {"device": DEVICE, "accelerate": math.inf} | kwargs
            serve(until=until, on_listening=on_listening, **options)
        except BaseException as error:
            failures.append(error)
            ready.set()

    thread = threading.Thread(target=work)
    thread.start()
    assert ready.wait(10)
    try:
        if failures:
            raise failures[0]
        yield lines
    finally:
        until.set()
        thread.join(10)
        assert not thread.is_alive()
    assert not failures


def address(line) -> tuple[str, int]:
    _, host, port, _ = line.resource.split("::")
    return host, int(port)


class Client:
    """A plain socket, as a program in any language would open it."""

    def __init__(self, line) -> None:
        self.link = socket.create_connection(address(line), timeout=5)
        self._received = self.link.makefile("rb")

    def tell(self, message: str) -> None:
        self.link.sendall(message.encode() + b"\n")

    def ask(self, message: str) -> str:
        self.tell(message)
        return self._received.readline().decode().rstrip("\n")

    def close(self) -> None:
        self._received.close()
        self.link.close()


@contextmanager
def clients(lines):
    opened = [Client(line) for line in lines]
    try:
        yield opened
    finally:
        for client in opened:
            client.close()


def test_the_listening_lines_have_the_form_of_the_contract():
    with served() as lines:
        assert [line.model for line in lines] == ["kepco-bop", "sr830", "virtual-clock"]
        record = json.loads(lines[1].line())
        assert list(record) == ["event", "model", "resource", "terminator"]
        assert record["event"] == "listening"
        assert record["resource"].startswith("TCPIP0::127.0.0.1::")
        assert record["resource"].endswith("::SOCKET")
        assert record["terminator"] == "\n"


def test_the_same_seed_gives_the_same_bytes_in_process_and_over_tcp_whatever_the_timing():
    currents_A = np.random.default_rng(0).uniform(5.5, 8.5, 40)
    rig = VirtualRig(DEVICE, seed=11)
    expected = []
    rig.instruments["kepco-bop"].receive(b"OUTP ON\n")
    for current_A in currents_A:
        rig.instruments["kepco-bop"].receive(f"CURR {current_A:.6f}\n".encode())
        rig.instruments["sr830"].receive(b"SNAP? 1,2\n")
        expected.append(rig.instruments["sr830"].transmit().decode().rstrip("\n"))
    for pause_s in (0.0, 0.002):
        with served(seed=11) as lines, clients(lines) as (supply, lockin, _):
            supply.tell("OUTP ON")
            got = []
            for current_A in currents_A:
                supply.tell(f"CURR {current_A:.6f}")
                time.sleep(pause_s)
                got.append(lockin.ask("SNAP? 1,2"))
        assert got == expected


def test_of_messages_waiting_together_the_settings_go_first():
    rig = VirtualRig(DEVICE, accelerate=math.inf)
    server = RigServer(rig)
    until = threading.Event()
    try:
        with clients(server.listening) as (supply, lockin, clock):
            # nobody serves yet: all of this waits, in an order that the sockets don't show
            lockin.tell("OFLT 9")
            clock.tell("ADVANCE 1")
            supply.tell("CURR 3")
            supply.tell("OUTP ON")
            lockin.tell("OFLT?")
            thread = threading.Thread(target=server.run, args=(until,))
            thread.start()
            assert supply.ask("CURR?;:OUTP?") == "3.0E0;1"
            until.set()
            thread.join(5)
    finally:
        server.close()
    kepco = rig.instruments["kepco-bop"]
    kepco.supply.follow()
    assert kepco.supply.coil.current_A == pytest.approx(3.0, abs=1e-3)


def test_a_script_that_just_sets_sleeps_and_reads_works_with_pyvisa_py():
    with served(accelerate=1.0) as lines:
        manager = pyvisa.ResourceManager("@py")
        supply, lockin = (
            manager.open_resource(line.resource, read_termination="\n", write_termination="\n")
            for line in lines[:2]
        )
        try:
            assert supply.query("*IDN?") == IDENTITY
            supply.write("OUTP ON")
            supply.write("CURR 7.5")
            time.sleep(0.05)
            assert float(supply.query("MEAS:CURR?")) == pytest.approx(7.5, abs=2e-3)
            values = [lockin.query_ascii_values("SNAP? 1,2") for _ in range(3)]
            assert values[2][0] != 0.0
            supply.write("CURR 0")
            assert float(supply.query("MEAS:CURR?")) == pytest.approx(0.0, abs=2e-3)
        finally:
            supply.close()
            lockin.close()


def test_a_set_and_a_gated_read_over_tcp_never_meet_the_forty_millisecond_stall():
    with served() as lines:
        manager = pyvisa.ResourceManager("@py")  # leaves Nagle's algorithm on
        supply, lockin = (
            manager.open_resource(line.resource, read_termination="\n", write_termination="\n")
            for line in lines[:2]
        )
        try:
            supply.write("OUTP ON")
            times_s = []
            for step in range(200):
                start_s = time.perf_counter()
                supply.write(f"CURR {5.5 + step % 30 * 0.1:.6f}")
                lockin.query("SNAP? 1,2")
                times_s.append(time.perf_counter() - start_s)
        finally:
            supply.close()
            lockin.close()
    limit_s = 5e-3 if hasattr(socket, "TCP_QUICKACK") else 60e-3  # idle machine: 0.2 ms
    assert statistics.median(times_s) < limit_s


def test_a_client_that_goes_and_comes_back_finds_the_rig_as_it_was():
    with served() as lines:
        with clients(lines[:1]) as (first,):
            first.tell("CURR 2.5")
            assert first.ask("CURR?") == "2.5E0"
            first.link.sendall(b"*IDN?\nCURR 9")  # leaves a reply unread and half a message
        with clients(lines[:1]) as (second,):
            assert second.ask("CURR?") == "2.5E0"


def test_two_clients_of_one_instrument_each_get_their_own_replies():
    with served() as lines, clients([lines[0], lines[0]]) as (one, other):
        one.tell("*IDN?")
        assert other.ask("CURR?") == "0.0E0"
        assert one.ask("OUTP?") == IDENTITY
        assert one._received.readline() == b"0\n"


def test_a_magnet_is_stopped_while_a_long_wait_is_still_to_be_answered():
    with served(accelerate=1.0) as lines, clients(lines) as (supply, _, clock):
        supply.tell("OUTP ON")
        supply.tell("CURR 5")
        clock.tell("ADVANCE 30")
        start_s = time.monotonic()
        supply.tell("CURR 0")
        assert float(supply.ask("MEAS:CURR?")) == pytest.approx(0.0, abs=2e-3)
        assert time.monotonic() - start_s < 20.0


def test_a_port_that_is_taken_is_named():
    with served() as lines:
        host, port = address(lines[0])
        with pytest.raises(TwinrigError, match=f"port {port} on {host} can't be used"):
            RigServer(VirtualRig(DEVICE), host, port)


@pytest.mark.parametrize("host", ["999.1.1.1", "198.51.100.1", "a..b"])
def test_a_host_that_is_not_this_computer_is_not_taken_for_a_wrong_port(host):
    words = rf"host {host} can.t be used .*an address of this computer"
    with pytest.raises(InputError, match=words) as caught:
        RigServer(VirtualRig(DEVICE), host, 0)
    assert "choose another" not in str(caught.value)


def test_a_port_beyond_the_last_is_named_too():
    with pytest.raises(TwinrigError, match=r"port 65535 on 127.0.0.1 can't be used"):
        RigServer(VirtualRig(DEVICE), port=65535)


def test_the_wire_log_and_the_bench_are_new_files_and_complete(tmp_path):
    log, bench = tmp_path / "wire.jsonl", tmp_path / "bench.toml"
    with served(wire_log=log, write_bench=bench, accelerate=50.0) as lines:
        with clients(lines[:1]) as (supply,):
            supply.ask("CURR 1;CURR?")
        written = tomllib.loads(bench.read_text())
        assert written["magnet"]["x"]["resource"] == lines[0].resource
        assert written["readout"]["lockin"]["resource"] == lines[1].resource
        assert written["virtual"] == {"clock": lines[2].resource, "accelerate": 50.0}
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(one["model"], one["direction"], one["data"]) for one in records] == [
        ("kepco-bop", "out", "CURR 1;CURR?\n"),
        ("kepco-bop", "in", "1.0E0\n"),
    ]
    assert set(records[0]) == {"host_s", "device_s", "model", "direction", "data"}
    assert [one["device_s"] for one in records] == [0.0, 2e-4]
    before = bench.read_text()
    with pytest.raises(InputError) as caught, served(wire_log=log, write_bench=bench):
        pass
    assert f"wire log {log} exists" in str(caught.value)
    assert f"bench file {bench} exists" in str(caught.value)
    new = tmp_path / "new.jsonl"
    with pytest.raises(InputError, match="name a new file"):
        serve(device=DEVICE, wire_log=new, write_bench=bench, until=threading.Event())
    assert not new.exists()
    assert bench.read_text() == before


def test_a_file_that_can_not_be_made_is_named(tmp_path):
    missing = tmp_path / "nowhere" / "wire.jsonl"
    with pytest.raises(InputError, match=r"wire\.jsonl: No such file.*; make the folder .*nowhere"):
        serve(device=DEVICE, wire_log=missing, until=threading.Event())


def test_the_written_bench_is_the_reference_bench_but_for_its_addresses(tmp_path):
    bench = tmp_path / "bench.toml"
    with served(write_bench=bench):
        written = tomllib.loads(bench.read_text())
    reference = tomllib.loads((files("resources") / "virtual-nanoring.toml").read_text())
    for part in (written, reference):
        del part["virtual"], part["name"]
        del part["magnet"]["x"]["resource"], part["readout"]["lockin"]["resource"]
    assert written == reference


def test_a_bench_of_many_instruments_names_each(tmp_path):
    bench = tmp_path / "bench.toml"
    models = ("kepco-bop", "kepco-bop", "sr830", "sr830")
    with served(models=models, write_bench=bench):
        written = tomllib.loads(bench.read_text())
    assert list(written["magnet"]) == ["x", "y"]
    assert list(written["readout"]) == ["lockin", "lockin2"]
    assert written["virtual"]["accelerate"] == math.inf


def start(*arguments: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "instruments.virtual", "--device", DEVICE, *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True)


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_as_a_process_it_prints_its_lines_serves_and_ends_on_a_signal(name):
    with start("--accelerate", "inf", "--seed", "2") as process:
        assert process.stdout is not None
        lines = [json.loads(process.stdout.readline()) for _ in range(3)]
        _, host, port, _ = lines[0]["resource"].split("::")
        with socket.create_connection((host, int(port)), timeout=5) as link:
            link.sendall(b"*IDN?\n")
            assert link.recv(100).decode() == IDENTITY + "\n"
        process.send_signal(getattr(signal, name))
        assert process.wait(10) == 0
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_as_a_process_it_refuses_what_it_does_not_know_with_exit_code_two():
    with start("--models", "kepko-bop") as process:
        _, errors = process.communicate(timeout=20)
    assert process.returncode == 2
    assert "did you mean 'kepco-bop'" in errors
    assert "Traceback" not in errors
