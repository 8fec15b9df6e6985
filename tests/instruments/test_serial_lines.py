"""Serial lines: each model's rate and frame, a run over them, an adapter on one, one lock each."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest

from instruments import locks
from instruments.checks import check_bench
from instruments.clock import Stop
from instruments.drivers.danfysik_8500 import Danfysik8500
from instruments.drivers.kepco_bop import KepcoBop
from instruments.drivers.lakeshore_336 import LakeShore336
from instruments.drivers.lakeshore_425 import LakeShore425
from instruments.drivers.lakeshore_475 import LakeShore475
from instruments.drivers.lakeshore_643 import LakeShore643
from instruments.drivers.lakeshore_f71 import LakeShoreF71
from instruments.serial_line import line_of
from instruments.visa import VisaSession, resource_manager

if sys.platform == "win32":
    pytest.skip("needs a pseudo-terminal", allow_module_level=True)

from pty_line import NetworkPort, lines
from served import served

from instruments.bench import Bench

MODELS = ("lakeshore-643", "sr830", "lakeshore-475", "lakeshore-336")
ON_LINES = ("lakeshore-643", "lakeshore-475", "lakeshore-336")


@pytest.mark.parametrize(
    ("driver", "rate", "bits", "parity", "flow"),
    [
        (LakeShore336, 57600, 7, "O", ""),
        (LakeShore425, 57600, 7, "O", ""),
        (LakeShore643, 57600, 7, "O", ""),
        (LakeShore475, 9600, 7, "O", ""),
        (LakeShoreF71, 115200, 8, "N", "rtscts"),
        (KepcoBop, 9600, 8, "N", "xonxoff"),
        (Danfysik8500, 9600, 8, "N", ""),
    ],
)
def test_a_line_is_set_as_the_model_has_it(driver, rate, bits, parity, flow):
    with served(("sr830",)) as rig, lines(rig.resources["sr830"], kind=NetworkPort) as (line,):
        session = opened(line, line_of(driver, None))
        try:
            assert session.query("*IDN?").startswith("Stanford")
            port = port_of(session)
            assert port.baudrate == rate
            assert (port.bytesize, port.parity, port.stopbits) == (bits, parity, 1)
            flows = [name for name in ("rtscts", "xonxoff") if getattr(port, name)]
            assert flows == ([flow] if flow else [])
        finally:
            session.close()


def opened(line, frame) -> VisaSession:
    return VisaSession(
        line.resource, rm=resource_manager(), name="unit", stop=Stop(), line=frame, timeout_s=3.0
    )


def port_of(session):
    """What pyserial has been asked for."""
    return session._port._session.interface


def test_a_port_that_can_not_have_the_frame_is_said_with_the_frame():
    with served(MODELS) as rig, lines(rig.resources["lakeshore-643"]) as (line,):
        checks = check_bench(rig.spec((rig.resources["lakeshore-643"], line.resource)))
        supply = next(one for one in checks if one.name == "x")
        assert "the port refuses 57600 baud, 7-O-1" in supply.problem
        assert "`baud_rate`" in supply.hint
        assert all(one.ok for one in checks if one.name != "x")


def steps(spec) -> np.ndarray:
    assert all(one.ok for one in check_bench(spec))
    with Bench.connect(spec) as bench:
        bench.energise()
        bench.reset_device(spec.reset, spec.window)
        values = [bench.step(t, spec.window).values for t in np.linspace(2.2e-3, 3.4e-3, 4)]
        bench.verify()
    return np.array(values)


def test_a_run_over_serial_lines_reads_what_one_over_sockets_reads():
    with served(MODELS) as rig:
        over_sockets = steps(rig.spec())
    with (
        served(MODELS) as rig,
        lines(*(rig.resources[key] for key in ON_LINES), kind=NetworkPort) as ports,
    ):
        names = [port.resource for port in ports]
        old = [rig.resources[key] for key in ON_LINES]
        spec = rig.spec(*zip(old, names, strict=True))
        over_lines = steps(spec)
    np.testing.assert_array_equal(over_lines, over_sockets)


def test_the_bench_file_chooses_the_rate_and_the_model_keeps_its_frame():
    with (
        served(MODELS) as rig,
        lines(rig.resources["lakeshore-643"], kind=NetworkPort) as (line,),
    ):
        old = f'resource = "{rig.resources["lakeshore-643"]}"'
        spec = rig.spec((old, f'resource = "{line.resource}"\nbaud_rate = 38400'))
        with Bench.connect(spec) as bench:
            port = port_of(bench.magnets["x"].magnet._session)
            assert (port.baudrate, port.bytesize, port.parity) == (38400, 7, "O")


@pytest.mark.parametrize("way", ["a port of this computer", "the adapter on one"])
def test_a_run_over_a_pseudo_terminal(way):
    both = ("kepco-bop", "sr830")
    with served(both) as rig:
        over_sockets = steps(rig.spec())
    behind = both if "adapter" in way else ()
    with served(both, prologix=behind) as rig:
        old = rig.adapter or rig.resources["kepco-bop"]
        with lines(old) as (line,):
            new = f"PRLGX-ASRL0::{line.device}::INTFC" if behind else line.resource
            end = (("max_current_A", 'terminator = "\\n"\nmax_current_A'),) if not behind else ()
            over_line = steps(rig.spec((old, new), *end))
    np.testing.assert_array_equal(over_line, over_sockets)


OWNER = """
import sys
from instruments import locks
locks.take(sys.argv[1])
print("held", flush=True)
sys.stdin.read()
"""


def test_a_serial_line_is_one_programs_whatever_its_name(tmp_path):
    with served(("sr830",)) as rig, lines(rig.resources["sr830"]) as (line,):
        by_id = tmp_path / "usb-Lake_Shore-if00"
        os.symlink(line.device, by_id)
        owner = subprocess.Popen(
            [sys.executable, "-c", OWNER, f"ASRL{by_id}::INSTR"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        try:
            assert owner.stdout.readline() == "held\n"
            for way in (line.resource, f"PRLGX-ASRL0::{line.device}::INTFC"):
                board, name = (way, "GPIB0::8::INSTR") if "PRLGX" in way else (None, way)
                with pytest.raises(locks.LinkInUseError, match=f"process {owner.pid}"):
                    VisaSession(name, rm=resource_manager(), name="unit", stop=Stop(), board=board)
        finally:
            owner.kill()
            owner.communicate()
