"""Definite-length blocks: by their length alone, over every way that bytes can arrive."""

from __future__ import annotations

import pytest
import pyvisa
from hypothesis import given
from hypothesis import strategies as st
from scripted import scripted

from instruments.clock import Stop
from instruments.ieee_block import as_block, read_block
from instruments.link_errors import LinkError
from instruments.virtual.library import VirtualVisaLibrary, resource_name
from instruments.virtual.rig import VirtualRig
from instruments.visa import VisaSession, resource_manager


@given(st.binary(max_size=300), st.sampled_from([b"", b"\n", b"\r\n"]))
def test_every_beginning_is_incomplete_and_the_whole_is_the_payload(payload, end):
    block = as_block(payload) + end
    for size in range(len(block)):
        assert read_block(block[:size], end) is None
    assert read_block(block, end) == (payload, len(block))
    assert read_block(block + b"more", end) == (payload, len(block))


@pytest.mark.parametrize(
    "received", [b"1.5,2.5\n", b"#0abc", b"#x12", b"#2a3", b"#9999999999", b"#13abcd"]
)
def test_what_is_no_block_is_told_at_once(received):
    with pytest.raises(ValueError, match="block"):
        read_block(received, b"\n")


def session_of(resource: str, **options) -> VisaSession:
    return VisaSession(
        resource, rm=resource_manager(), name="vna", stop=Stop(), timeout_s=0.5, **options
    )


PAYLOAD = bytes(range(256)) * 40  # line feeds among it


@pytest.mark.parametrize("terminated", [True, False])
def test_a_block_in_pieces_is_put_together_whatever_bytes_it_holds(terminated):
    block = as_block(PAYLOAD) + (b"\n" if terminated else b"")
    pieces = [block[:1], 0.02, block[1:3], 0.02, block[3:5000], 0.02, block[5000:]]
    with scripted(lambda heard: pieces if heard == b"D?" else b"1\n") as instrument:
        session = session_of(instrument.resource)
        try:
            assert session.query_block("D?", terminated=terminated) == PAYLOAD
            assert session.query("N?") == "1"
        finally:
            session.close()


def test_the_time_out_counts_from_the_last_piece():
    block = as_block(PAYLOAD) + b"\n"
    pieces = [part for at in range(0, len(block), 2000) for part in (block[at : at + 2000], 0.2)]
    with scripted(lambda _: pieces) as instrument:  # six pieces: longer than 0.5 s in all
        session = session_of(instrument.resource)
        try:
            assert session.query_block("D?") == PAYLOAD
        finally:
            session.close()


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (b"+1.0E+00\n", "expected a block: no definite-length block"),
        (as_block(PAYLOAD)[:5000], "no answer|did not end"),
        (as_block(b"abc") + b"d\n", "goes on behind its length"),
    ],
)
def test_another_answer_or_a_part_of_one_is_an_error_and_the_link_recovers(answer, words):
    with scripted(lambda heard: answer if heard == b"D?" else b"1\n") as instrument:
        session = session_of(instrument.resource)
        try:
            with pytest.raises(LinkError, match=words):
                session.query_block("D?")
            assert session.query("N?") == "1"
        finally:
            session.close()


def test_a_block_comes_through_the_virtual_library_with_and_without_terminator():
    rig = VirtualRig()
    lockin = rig.instruments["sr830"]
    block = as_block(PAYLOAD).decode("latin-1")
    lockin.respond = lambda message: {"T?": block + "\n", "U?": block}.get(message, "1\n")
    session = VisaSession(
        resource_name("sr830"), rm=pyvisa.ResourceManager(VirtualVisaLibrary(rig)), name="lockin",
        stop=Stop(), shared=False,
    )  # fmt: skip
    try:
        assert session.query_block("T?") == PAYLOAD
        assert session.query_block("U?", terminated=False) == PAYLOAD
        assert session.query("N?") == "1"
    finally:
        session.close()
