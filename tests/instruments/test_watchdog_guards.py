"""A bench with guards: they forbid current, and never keep a magnet from being made safe."""

from __future__ import annotations

import os

import pytest
from served import served
from watched import program, until

from instruments.bench_file import parse_bench

pytestmark = pytest.mark.skipif(
    not os.path.exists("/proc/self/stat"), reason="looks at processes through /proc"
)
LOCK = '[interlock.water]\ninstrument = "lockin"\ninput = "aux1"\nbelow_V = 2.0\n'


def test_the_bench_of_the_way_to_safety_has_magnets_only():
    with served(("kepco-bop", "kepco-bop", "sr830")) as rig:
        spec = parse_bench(rig.text + LOCK, "b")
        assert list(spec.magnets_only().magnets) == ["x", "y"]
        alone = spec.magnets_only("y")
        assert (list(alone.magnets), alone.drive_magnet) == (["y"], "y")
        assert (alone.readouts, alone.thermometers, alone.interlocks) == ({}, {}, {})


def test_an_open_interlock_does_not_stop_the_watchdog(tmp_path):
    with served() as rig:
        aux_V = rig.rig.instruments["sr830"].aux_in_V
        aux_V[0] = 0.1
        with program(rig.text + LOCK, tmp_path) as run:
            aux_V[0] = 9.0
            run.kill()
            until(lambda: not rig.rig.instruments["kepco-bop"].supply.output_on)
