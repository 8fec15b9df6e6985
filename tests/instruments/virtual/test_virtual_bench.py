"""The real drivers and the bench on the virtual rig: in process and over TCP the same."""

from __future__ import annotations

import json
import math
import threading
from importlib.resources import files

import numpy as np
from simulated import check_ramp

from instruments.bench import Bench
from instruments.bench_file import parse_bench, read_bench
from instruments.virtual.server import serve

RAMP_A_PER_S = 100.0
FIELDS_T = np.random.default_rng(0).uniform(2.2e-3, 3.4e-3, 30)


def slow(spec):
    """The same with a ramp that shows: 2 A a tick."""
    return parse_bench(spec.text.replace("per_s = 2000.0", f"per_s = {RAMP_A_PER_S}"), spec.source)


def run(spec) -> np.ndarray:
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.reset_device(spec.reset, spec.window)
        values = [bench.step(float(field_T), spec.window).values for field_T in FIELDS_T]
        bench.verify()
    return np.array(values)


def run_served(tmp_path) -> tuple[np.ndarray, list[dict]]:
    until, ready = threading.Event(), threading.Semaphore(0)
    bench, log = tmp_path / "bench.toml", tmp_path / "wire.jsonl"
    options = {"device": "leaky-integrator", "accelerate": math.inf, "until": until}
    thread = threading.Thread(
        target=serve,
        kwargs=options
        | {"write_bench": bench, "wire_log": log, "on_listening": lambda _: ready.release()},
    )
    thread.start()
    try:
        for _ in range(3):
            assert ready.acquire(timeout=10)
        values = run(slow(read_bench(bench)))
    finally:
        until.set()
        thread.join(10)
        assert not thread.is_alive()
    return values, [json.loads(line) for line in log.read_text().splitlines()]


def test_drivers_get_the_same_readings_in_process_and_over_tcp_and_leave_the_magnet_safe(tmp_path):
    text = (files("resources") / "virtual-nanoring.toml").read_text("utf-8")
    spec = slow(parse_bench(text.replace('"nanoring"', '"leaky-integrator"'), "reference bench"))
    served, log = run_served(tmp_path)
    # over TCP set-points are read back: 0.2 ms of device time each, a last digit of the drift
    np.testing.assert_allclose(run(spec), served, rtol=0.0, atol=1e-10)

    sent = [one for one in log if one["direction"] == "out" and one["model"] == "kepco-bop"]
    sets = [
        (one["device_s"], float(one["data"].split()[1]))
        for one in sent
        if one["data"].startswith("CURR ")
    ]
    check_ramp(sets, 0.0, RAMP_A_PER_S)
    assert len(sets) > len(FIELDS_T)
    assert sets[-1][1] == 0.0
    changes = [one["data"] for one in sent if "?" not in one["data"]]
    assert changes[-1] == "OUTP OFF\n"
