"""A field turned by two supplies: what is sent, what is refused, what the read-outs become."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from simulated import check_ramp

import instruments.virtual.library as virtual_library
from instruments.bench import Bench
from instruments.bench_file import parse_bench
from instruments.virtual.rig import VirtualRig
from models.errors import InputError, RefusedError, TwinrigError
from models.sequence import DriveWindow, FieldSequence, Reset

TEXT = """
name = "two axes"
[virtual]
device = "leaky-integrator"
[magnet.x]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
tesla_per_ampere = 4.0e-4
max_current_A = 11.0
max_ramp_A_per_s = 400.0
[magnet.y]
driver = "kepco-bop"
resource = "TCPIP0::virtual-kepco-bop::5026::SOCKET"
tesla_per_ampere = -2.0e-4
max_current_A = 12.0
max_ramp_A_per_s = 400.0
[readout.lockin]
driver = "sr830"
resource = "TCPIP0::virtual-sr830::5025::SOCKET"
[drive]
encoding = "rotation"
points_per_rotation = 12
low_T = 0.0005
high_T = 0.002
hold_s = 0.05
gate_s = 0.027027027
[reset]
field_T = 0.0022
hold_s = 0.05
"""
POINTS = 12
ANGLES = 2 * np.pi * np.arange(POINTS) / POINTS
X, Y = 4.0e-4, -2.0e-4  # T/A


class Sets:
    """Every set-point on the wire, in order: (magnet, A), and by magnet: (device s, A)."""

    def __init__(self):
        self.sent, self.lines, self.timed = [], [], {"x": [], "y": []}

    def __call__(self, _h, device_s, name, way, data):
        if way == "out":
            self.lines.append((name, data))
            if data.startswith(b"CURR "):
                current_A = float(data.split()[1])
                self.sent.append((name, current_A))
                self.timed[name].append((device_s, current_A))


class VectorSource:
    """A stripe of metal in both coils: its resistance follows the field's direction and size.

    In phase: 1f of a Hall voltage along 30° and 2f of an anisotropic magnetoresistance; the
    quadrature channel sees the sine axis only.
    """

    frequency_Hz, harmonic = 37.0, 2

    def __init__(self, rig):
        self._rig = rig

    def gate(self):
        supplies = [self._rig.instruments[k].supply for k in ("kepco-bop", "kepco-bop#2")]
        self._rig.time.advance(1 / 37)
        for supply in supplies:
            supply.follow()
        x, y = supplies[0].coil.current_A * X, supplies[1].coil.current_A * Y
        size, angle = math.hypot(x, y) / 0.002, math.atan2(y, x)
        hall = 2e-5 * size * math.cos(angle - math.pi / 6)
        return 1e-5 + hall + 1e-5 * math.cos(2 * angle), 2e-5 * y / 0.002

    def noise(self):
        return 0.0, 0.0

    def watch_list(self, watching):
        pass

    def list_gates(self):
        return iter(())


class VectorRig(VirtualRig):
    """Two supplies whose coils stand at right angles about one device."""

    def _joined(self):
        return VectorSource(self)


@pytest.fixture
def vector_rig(monkeypatch):
    monkeypatch.setattr(virtual_library, "VirtualRig", VectorRig)


def connected(text=TEXT, tap=None):
    return Bench.connect(parse_bench(text, "b.toml"), wire_log=tap)


def turned(text=TEXT, amplitudes_T=(0.001,), tap=None):
    """The set-points of steps, from the reset on, and their readings."""
    tap = tap or Sets()
    with connected(text, tap) as bench:
        bench.readouts["lockin"]._session.write("OFLT 4")  # 1 ms: no memory of the last point
        bench.energise()
        tap.sent.clear()
        bench.reset_device(bench.spec.reset, bench.spec.window)
        begin = len(tap.sent)
        readings = [bench.step(each_T, bench.spec.window) for each_T in amplitudes_T]
        bench.verify()
    return tap.sent[begin:], readings


def vectors(sent, start):
    """The field vector in T after each set."""
    here = dict(zip("xy", start, strict=True))
    found = []
    for name, current_A in sent:
        here[name] = current_A * (X if name == "x" else Y)
        found.append((here["x"], here["y"]))
    return np.array(found)


def test_the_points_lie_on_a_circle_of_the_amplitude(vector_rig):
    sent, _ = turned()
    on_wire = vectors(sent, (0.0022 * math.cos(ANGLES[-1]), 0.0022 * math.sin(ANGLES[-1])))
    wanted = 0.001 * np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)
    for point in wanted:
        assert np.hypot(*(on_wire - point).T).min() < 1e-8


def test_the_vector_is_never_longer_on_the_way_than_at_its_ends(vector_rig):
    sent, _ = turned(amplitudes_T=(0.0022, 0.0022))
    on_wire = vectors(sent, (0.0022 * math.cos(ANGLES[-1]), 0.0022 * math.sin(ANGLES[-1])))
    assert np.hypot(*on_wire.T).max() < 0.0022 * 1.0001


def test_no_set_is_beyond_the_ramp_s_reach_and_each_is_earned(vector_rig):
    text, tap = TEXT.replace("max_ramp_A_per_s = 400.0", "max_ramp_A_per_s = 80.0"), Sets()
    turned(text, (0.0005, 0.002, 0.0005), tap)
    for sets in tap.timed.values():
        check_ramp(sets, 0.0, 80.0)


def test_channels_are_components_and_the_read_out_s_are_still_to_be_seen_live(vector_rig):
    with connected() as bench:
        assert bench.channels == (
            "X.1f.x", "X.1f.y", "X.2f.x", "X.2f.y", "Y.1f.x", "Y.1f.y", "Y.2f.x", "Y.2f.y",
        )  # fmt: skip
        assert bench.units == ("V",) * 8
        assert (bench.live_channels, bench.live_units) == (("X", "Y"), ("V", "V"))
        assert bench.monitor().values.shape == (2,)


def test_hall_and_magnetoresistance_are_told_apart(vector_rig):
    _, (small, large) = turned(amplitudes_T=(0.001, 0.002))
    for reading, share in ((small, 0.5), (large, 1.0)):
        found = reading.values.reshape(2, 2, 2)
        hall = 2e-5 * share * np.array([math.cos(math.pi / 6), math.sin(math.pi / 6)])
        assert found[0, 0] == pytest.approx(hall, abs=2e-8)
        assert found[0, 1] == pytest.approx([1e-5, 0.0], abs=2e-8)
        assert found[1, 0] == pytest.approx([0.0, 2e-5 * share], abs=2e-8)
        assert found[1, 1] == pytest.approx([0.0, 0.0], abs=2e-8)
    assert small.current_A == pytest.approx(0.001 / X)
    assert large.read_s > large.set_s > small.read_s


def test_more_turns_a_step_read_more_points(vector_rig):
    tap = Sets()
    with connected(TEXT.replace("rotation = 12", "rotation = 12\nrotations = 3"), tap) as bench:
        bench.energise()
        before = len(tap.lines)
        bench.step(0.001, bench.spec.window)
        asked = [line for _, line in tap.lines[before:] if line.startswith(b"SNAP?")]
        assert len(asked) == 3 * POINTS
        settings = bench.settings()["rotation of x and y"]
        assert settings == {"points_per_rotation": 12, "rotations": 3}


def test_both_are_energised_and_both_are_made_safe(vector_rig):
    with connected() as bench:
        bench.energise()
        assert all(state.output_on for state in bench.state().values())
        bench.step(0.002, bench.spec.window)
        assert any(abs(state.current_A) > 1 for state in bench.state().values())
        bench.make_safe()
        for state in bench.state().values():
            assert not state.output_on
            assert abs(state.setpoint_A) < 1e-6


def test_a_hand_on_the_sine_s_supply_voids_the_repeat(vector_rig):
    with connected() as bench:
        bench.energise()
        bench.step(0.002, bench.spec.window)
        bench.magnets["y"].magnet.set_current_A(3.0)
        with pytest.raises(TwinrigError, match="y"):
            bench.verify()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (TEXT.replace("400.0", "40.0"), "more points_per_rotation"),
        (TEXT.replace("hold_s = 0.05\ngate", "hold_s = 0.01\ngate").replace("400.0", "200.0"),
         "highest step, magnet y"),
        (TEXT.replace("field_T = 0.0022", "field_T = 0.0025"), "reset, magnet y"),
        (TEXT.replace("= 11.0", "= 11.0\nmax_duty_A2s = 5.0\nduty_window_s = 60.0"),
         "max_duty_A2s"),
    ],
)  # fmt: skip
def test_what_would_distort_the_waveform_or_break_a_limit_is_refused(vector_rig, text, words):
    tap = Sets()
    sequence = FieldSequence(np.array([0.0, 1.0]))
    with connected(text, tap) as bench:
        begin = len(tap.lines)
        with pytest.raises(RefusedError, match=words):
            bench.check_sequences([sequence], bench.spec.window, bench.spec.reset)
        assert tap.lines[begin:] == []


def test_what_is_allowed_is_not_refused_and_its_time_is_foretold(vector_rig):
    with connected() as bench:
        window, reset = bench.spec.window, bench.spec.reset
        bench.check_sequences([FieldSequence(np.linspace(0, 1, 3))], window, reset)
        foretold = bench.predicted_s(3)
        bench.energise()
        begin_s = bench.clock.now_s()
        bench.reset_device(reset, bench.spec.window)
        for each_T in window.field_T(np.linspace(0, 1, 3)).tolist():
            bench.step(each_T, window)
        assert bench.clock.now_s() - begin_s == pytest.approx(foretold, rel=0.25)


def test_another_window_than_a_rotation_is_refused(vector_rig):
    with connected() as bench, pytest.raises(RefusedError, match="encoding 'amplitude'"):
        bench.check_sequences(
            [FieldSequence(np.array([0.5]))], DriveWindow("amplitude", 0.0005, 0.002), Reset(0.001)
        )


def test_a_supply_with_a_ramp_of_its_own_is_refused(vector_rig, monkeypatch):
    with connected() as bench, monkeypatch.context() as patch:
        patch.setattr(bench.magnets["y"].magnet, "own_ramp", True, raising=False)
        with pytest.raises(RefusedError, match="stay on a circle"):
            bench.check_sequences(
                [FieldSequence(np.array([0.5]))], bench.spec.window, bench.spec.reset
            )


def test_the_magnets_alone_are_no_rotation():
    spec = parse_bench(TEXT, "b.toml")
    assert spec.rotation is not None
    assert spec.rotation.magnets == ("x", "y")
    assert spec.magnets_only().rotation is None


ONE = TEXT.split("[magnet.y]")[0] + "[readout" + TEXT.split("[readout")[1]
THIRD = TEXT.split("[magnet.y]")[1].split("[readout")[0].replace("5026", "5027")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (ONE, "needs two magnets"),
        (TEXT.replace("points_per_rotation = 12", 'magnet = "x"\nmagnet_2 = "x"'), "name two"),
        (TEXT.replace("points_per_rotation = 12", 'magnet_2 = "z"'), "is not on the bench"),
        (TEXT.replace("rotation = 12", "rotation = 4"), "must be 8 to 1000"),
        (TEXT.replace("rotation = 12", "rotation = 12\nrotations = 0"), "rotations = 0"),
        (TEXT.replace('"rotation"', '"step"'), "belong to encoding 'rotation'"),
        (TEXT + "[magnet.z]" + THIRD, "which of y, z makes the sine"),
    ],
)
def test_what_a_bench_file_may_not_say(text, words):
    with pytest.raises(InputError, match=words):
        parse_bench(text, "b.toml")


def test_the_sine_s_magnet_is_the_other_one_unless_it_is_named():
    text = TEXT + "[magnet.z]" + THIRD
    text = text.replace("points_per", 'magnet = "z"\nmagnet_2 = "y"\npoints_per')
    rotation = parse_bench(text, "b.toml").rotation
    assert rotation is not None
    assert rotation.magnets == ("z", "y")
    assert replace(rotation, rotations=2).phase_rad.size == 2 * POINTS


def test_what_has_flowed_counts_before_a_rotation_is_begun(vector_rig):
    text = TEXT.replace("= 11.0", "= 11.0\nmax_duty_A2s = 60.0\nduty_window_s = 600.0")
    sequence = FieldSequence(np.array([1.0, 1.0]))
    with connected(text) as bench:
        window, reset = bench.spec.window, bench.spec.reset
        bench.check_sequences([sequence], window, reset)
        bench.energise()
        list(bench.repeat(window.field_T(sequence.drive).tolist(), window, reset))
        bench.make_safe()
        with pytest.raises(RefusedError, match=r"magnet x: .*max_duty_A2s = 60 A²s.*left"):
            bench.check_sequences([sequence], window, reset)
        bench.check_sequences([sequence], window, reset, ask=False)
