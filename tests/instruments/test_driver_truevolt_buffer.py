"""The 34465A's reading memory as a bench's buffer, and its family: transcripts of bytes."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scripted import transcript

from instruments.drivers.keysight_34465a import Keysight34465A
from instruments.drivers.truevolt_buffer import AT_ONCE
from instruments.findings import of_model
from instruments.ieee_block import as_block
from instruments.link_errors import LinkError
from instruments.sequenced import declared, missing
from models.errors import RefusedError

IDENTITY = b"Keysight Technologies,34465A,MY54506462,A.03.03-03.15-03.03-00.52-05-02"
WHO = (b"*IDN?", IDENTITY)
OPTIONS = {"channels": ("mean",), "samples": 2, "interval_s": 5e-4}
REMEMBERED = (
    (b"TRIG:DEL:AUTO?", b"0"), (b"SAMP:COUN?", b"2"), (b"SAMP:SOUR?", b"IMM"),
    (b"SAMP:TIM?", b"+1.00000000E+00"), (b"TRIG:SOUR?", b"EXT"), (b"TRIG:SLOP?", b"NEG"),
    (b"TRIG:DEL?", b"+1.00000000E-03"),
)  # fmt: skip
SET = (
    (b"SAMP:SOUR TIM", b""), (b"SAMP:TIM 0.000500", b""), (b"SAMP:COUN 50000", b""),
    (b"TRIG:COUN 1", b""),
)  # fmt: skip
READ_BACK = ((b"SAMP:TIM?", b"+5.00000000E-04"), (b"SAMP:COUN?", b"50000"))
SET_BACK = (
    (b"ABOR", b""),
    (b"SAMP:COUN 2", b""), (b"SAMP:SOUR IMM", b""), (b"SAMP:TIM +1.00000000E+00", b""),
    (b"TRIG:SOUR EXT", b""), (b"TRIG:SLOP NEG", b""), (b"TRIG:DEL +1.00000000E-03", b""),
)  # fmt: skip
BURST = as_block(b"+1.0E+00,+3.0E+00,+5.0E+00")


def known(session, options=OPTIONS):
    meter = Keysight34465A("dmm", session, options)
    meter.identify()
    return meter


def test_armed_filled_fetched_and_set_back():
    with transcript(
        WHO, *REMEMBERED, *SET, (b"TRIG:SOUR IMM", b""), (b"TRIG:DEL 0", b""), *READ_BACK,
        (b"INIT", b""), (b"DATA:POIN?", b"+3"), (b"ABOR", b""), (b"R? 3", BURST), *SET_BACK,
    ) as session:  # fmt: skip
        buffer = known(session).buffer
        assert (buffer.rates_Hz, buffer.most_points) == ((2000.0,), 50_000)
        assert buffer.looks_back_s == pytest.approx(1e-3)
        assert buffer.problems() == []
        buffer.arm(2000.0)
        buffer.start()
        assert buffer.count() == 3
        buffer.stop()
        found = buffer.fetch(3)
    np.testing.assert_array_equal(found, [[math.nan], [2.0], [4.0]])


def test_a_rising_edge_starts_it_and_an_automatic_delay_is_set_back():
    automatic = ((b"TRIG:DEL:AUTO?", b"1"), *REMEMBERED[1:])
    with transcript(
        WHO, *automatic, *SET, (b"TRIG:SOUR EXT", b""), (b"TRIG:SLOP POS", b""),
        (b"TRIG:DEL 0", b""), *READ_BACK, (b"INIT", b""), *SET_BACK[:-1],
        (b"TRIG:DEL:AUTO 1", b""),
    ) as session:  # fmt: skip
        buffer = known(session).buffer
        assert buffer.trigger_rises
        buffer.arm_trigger(2000.0)
        buffer.set_back()
        buffer.set_back()  # nothing more


def test_what_a_broken_link_left_is_set_back_when_it_is_there_again(monkeypatch):
    with transcript(
        WHO, *REMEMBERED, *SET, (b"TRIG:SOUR IMM", b""), (b"TRIG:DEL 0", b""), *READ_BACK,
        *SET_BACK,
    ) as session:  # fmt: skip
        buffer = known(session).buffer
        buffer.arm(2000.0)
        write, sent = session.write, []

        def breaks_once(command):
            sent.append(command)
            if len(sent) == 3:
                raise LinkError("dmm", "broke", resource="", command=command, hint="")
            write(command)

        monkeypatch.setattr(session, "write", breaks_once)
        with pytest.raises(LinkError):
            buffer.set_back()
        buffer.set_back()


def test_a_run_that_is_stopped_leaves_the_panel_as_it_was(monkeypatch):
    with transcript(
        WHO, *REMEMBERED, *SET, (b"TRIG:SOUR EXT", b""), (b"TRIG:SLOP POS", b""),
        (b"TRIG:DEL 0", b""), *READ_BACK, (b"INIT", b""), *SET_BACK,
    ) as session:  # fmt: skip
        meter = known(session)
        meter.buffer.arm_trigger(2000.0)
        session._stop.request()
        with monkeypatch.context() as watched:  # the transcript looks at it afterwards
            watched.setattr(session, "close", lambda: None)
            meter.close()


def test_what_was_left_armed_is_set_back_before_the_next_reading():
    with transcript(
        WHO, (b"READ?", b"+1.0E+00,+3.0E+00"), *REMEMBERED, *SET,
        (b"TRIG:SOUR IMM", b""), (b"TRIG:DEL 0", b""), *READ_BACK, *SET_BACK,
        (b"READ?", b"+1.0E+00,+5.0E+00"),
    ) as session:  # fmt: skip
        meter = known(session)
        assert meter.read() == [2.0]
        meter.buffer.arm(2000.0)
        assert meter.read() == [3.0]


def test_a_long_memory_comes_in_parts():
    first = as_block(b",".join([b"+1.0E+00"] * AT_ONCE))
    with transcript(
        WHO, (f"R? {AT_ONCE}".encode(), first), (b"R? 2", as_block(b"+2.0E+00,+2.0E+00"))
    ) as session:
        found = known(session, OPTIONS | {"samples": 1}).buffer.fetch(AT_ONCE + 2)
    assert found.shape == (AT_ONCE + 2, 1)
    assert found.sum() == AT_ONCE + 4


@pytest.mark.parametrize("text", [b"+1.0E+00", b"+1.0E+00,+2.0E+0", b"+1.0E+00,+2.0E+00,+3.0E+00"])
def test_another_number_of_readings_is_an_error(text):
    with (
        transcript(WHO, (b"R? 2", as_block(text))) as session,
        pytest.raises(LinkError, match="expected 2 readings"),
    ):
        known(session).buffer.fetch(2)


def test_a_reading_beyond_the_range_is_no_number_and_a_fault():
    with transcript(
        WHO, (b"R? 3", as_block(b"+1.0E+00,+9.9E+37,+1.0E+00")), (b"SYST:ERR?", b'+0,"No error"')
    ) as session:
        meter = known(session, OPTIONS | {"samples": 1})
        found = meter.buffer.fetch(3)
        assert meter.faults() == ("1 sample(s) beyond the range",)
    np.testing.assert_array_equal(found[:, 0], [1.0, math.nan, 1.0])


@pytest.mark.parametrize(
    ("at", "reply", "match"), [(0, b"+1.0E-03", "expected 0.0005"), (1, b"2", "expected 50000")]
)
def test_what_did_not_arrive_is_told(at, reply, match):
    told = [*READ_BACK[:at], (READ_BACK[at][0], reply)]
    exchanges = [WHO, *REMEMBERED, *SET, (b"TRIG:SOUR IMM", b""), (b"TRIG:DEL 0", b""), *told]
    with transcript(*exchanges) as session, pytest.raises(LinkError, match=match):
        known(session).buffer.arm(2000.0)


def test_without_an_interval_the_meter_says_how_fast_it_is():
    with transcript(
        WHO, (b"SAMP:TIM? MIN", b"+4.20100000E-04"), (b"SAMP:TIM? MIN", b"+4.00000000E-02")
    ) as session:
        buffer = known(session, {"channels": ("mean",)}).buffer
        assert buffer.rates_Hz[-1] == pytest.approx(1 / 421e-6)  # whole microseconds, not faster
        assert buffer.rates_Hz[-2] == pytest.approx(1 / 842e-6)
        assert list(buffer.rates_Hz) == sorted(buffer.rates_Hz)
        buffer.forget_rates()
        assert buffer.rates_Hz[-1] == 25.0


def test_the_phase_of_a_burst_is_not_known_to_a_buffer():
    options = {"channels": ("R1", "X2", "Y2"), "samples": 5, "interval_s": 1e-3}
    with transcript(WHO) as session:
        (words,) = known(session, options).buffer.problems()
    assert words.startswith("X2, Y2 rest on where in a rotation")
    assert "R1, R2, mean" in words


@pytest.mark.parametrize("model", ["34465A", "34470A"])
def test_a_model_with_a_timer_has_a_buffer(model):
    with transcript((b"*IDN?", IDENTITY.replace(b"34465A", model.encode()))) as session:
        meter = known(session)
        assert "samples into a buffer of 50000 points, at 2000 Hz at most" in declared(meter)


@pytest.mark.parametrize("model", ["34460A", "34461A"])
def test_a_model_without_a_timer_has_none_and_is_asked_for_none(model):
    with transcript((b"*IDN?", IDENTITY.replace(b"34465A", model.encode()))) as session:
        meter = known(session, {"channels": ("mean",)})
        assert declared(meter) == ()
        assert missing(meter, plays=False) == ["it has no buffer"]


@pytest.mark.parametrize(
    ("model", "options", "match"),
    [
        (b"34461A", {"samples": 10_001}, "samples = 10001 is beyond the 10000 readings"),
        (b"34460A", {"samples": 1001}, "beyond the 1000 readings that a 34460A holds"),
        (b"34461A", {"interval_s": 1e-3}, "a 34461A has no sample timer"),
        (b"34461A", {"nplc": 0.001}, r"nplc = 0.001 .* 34461A has. Give one of 0.02, 0.2, 1, 10,"),
        (b"34465A", {"nplc": 0.05}, "nplc = 0.05 is none that a 34465A has"),
        (b"34461A", {"interval_s": 1e-3, "nplc": 0.06}, "2 problems"),
    ],
)
def test_what_a_model_can_not_is_refused_before_anything_is_set(model, options, match):
    with (
        transcript(
            (b"*IDN?", IDENTITY.replace(b"34465A", model)), (b"SENS:FUNC?", b'"VOLT"'),
            (b"TRIG:SOUR?", b"IMM"),
        ) as session,
        pytest.raises(RefusedError, match=match),
    ):  # fmt: skip
        Keysight34465A("dmm", session, options).prepare()


def test_a_check_of_the_bench_says_it_too():
    identity = IDENTITY.replace(b"34465A", b"34461A")
    with transcript((b"*IDN?", identity)) as session:
        (finding,) = of_model(known(session, {"samples": 20_000}))
    assert finding.fails
    assert (finding.words, finding.hint) == (
        "samples = 20000 is beyond the 10000 readings that a 34461A holds", "Give fewer samples",
    )  # fmt: skip
    assert of_model(object()) == []
