"""The SR860's capture as a bench's buffer: transcripts of bytes sent and answered."""

from __future__ import annotations

import numpy as np
import pytest
from beside import Steady, beside
from scripted import scripted, transcript

from instruments.clock import Stop
from instruments.drivers.sr860 import SR860
from instruments.drivers.sr860_buffer import exact_Hz
from instruments.ieee_block import as_block
from instruments.link_errors import LinkError
from instruments.virtual import sr860 as virtual_sr860
from instruments.visa import VisaSession, resource_manager

FASTEST = (b"CAPTURERATEMAX?", b"610.352")  # at 10 ms; six digits
ARMED = (
    FASTEST, (b"CAPTURESTOP", b""), FASTEST, (b"CAPTURECFG 1", b""), (b"CAPTURELEN 4096", b""),
    (b"CAPTURERATE 1", b""), (b"CAPTURERATE?", b"305.176"), (b"CAPTURECFG?", b"1"),
    (b"CAPTURELEN?", b"4096"),
)  # fmt: skip


def test_its_rates_are_asked_for_once_and_again_after_the_settings_may_have_changed():
    with transcript(FASTEST, (b"CAPTURERATEMAX?", b"78125")) as session:
        buffer = SR860("lockin", session, {"channels": ("X", "Y")}).buffer
        assert buffer.rates_Hz == buffer.rates_Hz
        assert buffer.rates_Hz[-1] == 1.25e6 / 2048
        assert buffer.rates_Hz[0] == 1.25e6 / 2048 / 2**20
        assert list(buffer.rates_Hz) == sorted(buffer.rates_Hz)
        buffer.forget_rates()
        assert buffer.rates_Hz[-1] == 78125.0


@pytest.mark.parametrize(
    ("told_Hz", "exact"), [(2441.41, 2441.40625), (1.25e6, 1.25e6), (1000.0, 1000.0), (0.0, 0.0)]
)
def test_a_rounded_rate_is_the_one_it_means(told_Hz, exact):
    assert exact_Hz(told_Hz) == exact


@pytest.mark.parametrize(
    ("channels", "config", "columns", "most"),
    [
        (("X", "Y"), 1, [0, 1], 524_288),
        (("Y",), 1, [1], 524_288),
        (("X",), 0, [0], 1_048_576),
        (("theta", "R"), 2, [1, 0], 524_288),
        (("X", "Y", "R"), 3, [0, 1, 2], 262_144),
        (("X", "theta"), 3, [0, 3], 262_144),
    ],
)
def test_armed_filled_and_fetched_in_the_channels_of_the_bench(channels, config, columns, most):
    width = (1, 2, 2, 4)[config]
    samples = np.arange(3 * width, dtype="<f4").reshape(3, width)
    filled = samples.tobytes().ljust(2048, b"\0")
    replies = {
        b"CAPTURERATEMAX?": b"610.352\n", b"CAPTURERATE?": b"305.176\n",
        b"CAPTURECFG?": b"%d\n" % config, b"CAPTURELEN?": b"4096\n",
        b"CAPTUREBYTES?": b"%d\n" % samples.nbytes, b"CAPTUREGET? 0, 2": as_block(filled),
    }  # fmt: skip
    with scripted(lambda message: replies.get(message, b"")) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="lockin", stop=Stop()
        )
        try:
            buffer = SR860("lockin", session, {"channels": channels}).buffer
            assert buffer.problems() == []
            assert buffer.most_points == most
            buffer.arm(buffer.rates_Hz[-2])
            buffer.start()
            assert buffer.count() == 3
            buffer.stop()
            np.testing.assert_array_equal(buffer.fetch(3), samples[:, columns])
        finally:
            session.close()
    assert instrument.heard == [
        b"CAPTURERATEMAX?", b"CAPTURESTOP", b"CAPTURERATEMAX?", b"CAPTURECFG %d" % config,
        b"CAPTURELEN 4096", b"CAPTURERATE 1", b"CAPTURERATE?", b"CAPTURECFG?", b"CAPTURELEN?",
        b"CAPTURESTART ONE, IMM", b"CAPTUREBYTES?", b"CAPTURESTOP", b"CAPTUREGET? 0, 2",
    ]  # fmt: skip


def test_a_falling_edge_starts_it_where_it_was_armed_for_one():
    with transcript(*ARMED, (b"CAPTURESTART ONE, TRIG", b""), (b"CAPTUREBYTES?", b"0")) as session:
        buffer = SR860("lockin", session, {"channels": ("X", "Y")}).buffer
        assert not buffer.trigger_rises
        buffer.arm_trigger(buffer.rates_Hz[-2])
        assert buffer.count() == 0


@pytest.mark.parametrize(
    ("at", "reply", "match"),
    [
        (6, b"152.588", r"152\.588.*expected 305\.176"),
        (7, b"3", "expected 1"),
        (8, b"2", "expected 4096"),
    ],
)
def test_what_did_not_arrive_is_told(at, reply, match):
    exchanges = [*ARMED[1:at], (ARMED[at][0], reply)]
    with transcript(*exchanges) as session, pytest.raises(LinkError, match=match):
        SR860("lockin", session, {"channels": ("X", "Y")}).buffer.arm(1.25e6 / 4096)


def test_a_count_beyond_its_memory_is_none():
    with (
        transcript((b"CAPTUREBYTES?", b"99999999")) as session,
        pytest.raises(LinkError, match="up to 524288 samples"),
    ):
        SR860("lockin", session, {"channels": ("X", "Y")}).buffer.count()


def test_what_its_filter_still_shows_of_an_earlier_value():
    with transcript(
        (b"OFLT?", b"8"), (b"OFSL?", b"0"), (b"OFLT?", b"8"), (b"OFSL?", b"3")
    ) as session:
        buffer = SR860("lockin", session, {}).buffer
        assert buffer.left_over(0.05) == pytest.approx(np.exp(-5))
        assert buffer.left_over(0.05) == pytest.approx(np.exp(-5) * (1 + 5 + 12.5 + 125 / 6))


def fetched(replies, channels, count):
    """What a buffer of those channels makes of the answers, and what was asked."""
    with scripted(lambda message: replies.get(message, b"")) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="lockin", stop=Stop()
        )
        try:
            found = SR860("lockin", session, {"channels": channels}).buffer.fetch(count)
        finally:
            session.close()
    return found, instrument.heard


def test_blocks_have_no_terminator_and_their_fill_is_cut_off():
    values = np.zeros(17 * 1024, "<f4")  # 68 kB: 64 and 4
    values[:17000] = np.arange(17000)
    replies = {
        b"CAPTUREGET? 0, 64": as_block(values[: 16 * 1024].tobytes()),
        b"CAPTUREGET? 64, 4": as_block(values[16 * 1024 :].tobytes()),
    }
    found, heard = fetched(replies, ("X",), 17000)
    assert heard == list(replies)
    np.testing.assert_array_equal(found[:, 0], np.arange(17000))


def test_a_block_of_another_length_is_an_error():
    with pytest.raises(LinkError, match=r"1000 bytes.*2 kB"):
        fetched({b"CAPTUREGET? 0, 2": as_block(bytes(1000))}, ("X",), 512)


def test_on_the_virtual_twin_a_capture_has_the_steps_that_were_read_meanwhile():
    sources = []

    def make(device_time):
        sources.append(Steady(device_time))
        return virtual_sr860.SR860(device_time, sources[0])

    with beside(make) as session:
        lockin = SR860("lockin", session, {"channels": ("X", "Y")})
        lockin.prepare()
        session.write("OFLT 5")  # 300 µs: no memory of the step before
        rate_Hz = next(rate for rate in lockin.buffer.rates_Hz if rate > 1000.0)
        lockin.buffer.arm(rate_Hz)
        lockin.buffer.start()
        readings = []
        for step in range(50):
            sources[0].signal_V = (1e-5 * (step % 5), -2.0e-5)
            readings.append(lockin.read())
        lockin.buffer.stop()
        samples = lockin.buffer.fetch(lockin.buffer.count())
        assert lockin.faults() == ()
    assert samples.shape[0] == pytest.approx(50 / 37 * rate_Hz, rel=0.02)
    seen = np.unique(samples[samples[:, 1] < -1e-6][:, 0].round(8))
    np.testing.assert_allclose(seen, [0, 1e-5, 2e-5, 3e-5, 4e-5], atol=1e-8)
    np.testing.assert_allclose(readings[7], [2e-5, -2e-5], rtol=1e-6)


def test_a_block_that_was_cut_is_told_by_its_begin_only():
    whole = as_block(bytes(2048))
    replies = {b"CAPTUREGET? 0, 2": whole[:1000]}
    with scripted(lambda message: replies.get(message, b"")) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="lockin", stop=Stop(), timeout_s=0.3
        )
        try:
            with pytest.raises(LinkError, match=r"#42048.*… \(1000 bytes\)") as told:
                SR860("lockin", session, {"channels": ("X",)}).buffer.fetch(512)
        finally:
            session.close()
    assert len(str(told.value)) < 700
    assert len(told.value.reply) == 1000
