"""The SR860's capture: a transcript with binary blocks, and the driver on its virtual twin."""

from __future__ import annotations

import numpy as np
import pytest
from beside import Steady, beside
from scripted import scripted, transcript

from instruments.clock import Stop
from instruments.drivers.sr860 import SR860
from instruments.ieee_block import as_block
from instruments.link_errors import LinkError
from instruments.virtual import sr860 as virtual_sr860
from instruments.visa import VisaSession, resource_manager
from models.errors import InputError


def test_configured_in_kilobytes_and_powers_of_two():
    with transcript(
        (b"CAPTURERATEMAX?", b"78125"), (b"CAPTURECFG 1", b""), (b"CAPTURELEN 2", b""),
        (b"CAPTURERATE 3", b""), (b"CAPTURERATE?", b"9765.625"), (b"CAPTURESTART ONE, SAMP", b""),
        (b"CAPTURESTAT?", b"3"), (b"CAPTURESTAT?", b"2"), (b"CAPTUREBYTES?", b"800"),
        (b"CAPTURESTOP", b""),
    ) as session:  # fmt: skip
        capture = SR860("lockin", session, {}).capture()
        assert capture.configure(("X", "Y"), 100, 1.0e4) == 9765.625
        capture.start("each sample")
        assert capture.running()
        assert not capture.running()
        assert capture.captured() == 100
        capture.stop()


def test_blocks_have_no_terminator_and_their_fill_is_cut_off():
    values = np.zeros(17 * 1024, "<f4")  # 68 kB: 64 and 4
    values[:17000] = np.arange(17000)
    replies = {
        b"CAPTUREBYTES?": b"68000\n",
        b"CAPTUREGET? 0, 64": as_block(values[: 16 * 1024].tobytes()),
        b"CAPTUREGET? 64, 4": as_block(values[16 * 1024 :].tobytes()),
    }
    with scripted(lambda message: replies.get(message, b"")) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="lockin", stop=Stop()
        )
        try:
            fetched = SR860("lockin", session, {}).capture().fetch()
        finally:
            session.close()
    assert instrument.heard == [
        b"CAPTURESTOP", b"CAPTUREBYTES?", b"CAPTUREGET? 0, 64", b"CAPTUREGET? 64, 4",
    ]  # fmt: skip
    np.testing.assert_array_equal(fetched[:, 0], np.arange(17000))


def test_a_block_of_another_length_is_an_error():
    replies = {b"CAPTUREBYTES?": b"2048\n", b"CAPTUREGET? 0, 2": as_block(bytes(1000))}
    with scripted(lambda message: replies.get(message, b"")) as instrument:
        session = VisaSession(
            instrument.resource, rm=resource_manager(), name="lockin", stop=Stop()
        )
        try:
            with pytest.raises(LinkError, match=r"1000 bytes.*2 kB"):
                SR860("lockin", session, {}).capture().fetch()
        finally:
            session.close()


@pytest.mark.parametrize(
    ("channels", "samples", "rate_Hz", "words"),
    [
        (("X", "theta"), 10, 1e3, r"X\+theta; possible: X, X\+Y"),
        (("X",), 4096 * 256 + 1, 1e3, "expected 1 to 1048576"),
        (("X",), 0, 1e3, "expected 1 to"),
        (("X", "Y", "R", "theta"), 4096 * 64 + 1, 1e3, "several parts, or fewer channels"),
    ],
)
def test_more_than_the_buffer_holds_is_told_before_anything_is_sent(
    channels, samples, rate_Hz, words
):
    with transcript() as session, pytest.raises(InputError, match=words):
        SR860("lockin", session, {}).capture().configure(channels, samples, rate_Hz)


@pytest.mark.parametrize("rate_Hz", [1e6, 1e-3, 0.0])
def test_a_rate_that_can_not_be_is_told_with_the_limits(rate_Hz):
    with (
        transcript((b"CAPTURERATEMAX?", b"78125")) as session,
        pytest.raises(InputError, match=r"0\.0745 to 78125 Hz"),
    ):
        SR860("lockin", session, {}).capture().configure(("X",), 10, rate_Hz)


def test_on_the_virtual_twin_a_capture_has_the_steps_that_were_read_meanwhile():
    sources = []

    def make(device_time):
        sources.append(Steady(device_time))
        return virtual_sr860.SR860(device_time, sources[0])

    with beside(make) as session:
        lockin = SR860("lockin", session, {"channels": ("X", "Y")})
        lockin.prepare()
        session.write("OFLT 5")  # 300 µs: no memory of the step before
        capture = lockin.capture()
        rate_Hz = capture.configure(("X", "Y"), 3000, 1000.0)
        capture.start()
        readings = []
        for step in range(50):
            sources[0].signal_V = (1e-5 * (step % 5), -2.0e-5)
            readings.append(lockin.read())
        samples = capture.fetch()
        assert lockin.faults() == ()
    assert samples.shape[0] == pytest.approx(50 / 37 * rate_Hz, rel=0.02)
    seen = np.unique(samples[samples[:, 1] < -1e-6][:, 0].round(8))
    np.testing.assert_allclose(seen, [0, 1e-5, 2e-5, 3e-5, 4e-5], atol=1e-8)
    np.testing.assert_allclose(readings[7], [2e-5, -2e-5], rtol=1e-6)
