"""The definite-length block of IEEE 488.2 (8.7.9): `#`, a digit n, n digits of length, the bytes.

`#0…`, a block of indefinite length that only END ends, is refused: a socket has no END.
"""

from __future__ import annotations

LONGEST_BYTES = 64 * 1024 * 1024  # judgement: a length beyond it is a spoilt header


def read_block(received: bytes | bytearray, end: bytes = b"") -> tuple[bytes, int] | None:
    """The payload of a block and how many bytes it and its terminator take; None while incomplete.

    Parameters
    ----------
    received
        What has arrived so far.
    end
        The terminator that follows the block; empty where none does.

    Raises
    ------
    ValueError
        It can't become a block any more.
    """
    if not received:
        return None
    if received[:1] != b"#" or received[1:2] == b"0" or not (received[1:2] or b"1").isdigit():
        raise ValueError("no definite-length block")
    digits = int(received[1:2] or b"9")
    length = bytes(received[2 : 2 + digits])
    if length and not length.isdigit():
        raise ValueError("the block's length is no number")
    if len(length) < digits:
        return None
    start, size = 2 + digits, int(length)
    if size > LONGEST_BYTES:
        raise ValueError(f"a block of {size} bytes")
    tail = bytes(received[start + size : start + size + len(end)])
    if tail != end[: len(tail)]:
        raise ValueError("the block goes on behind its length")
    if len(received) < start + size + len(end):
        return None
    return bytes(received[start : start + size]), start + size + len(end)


def as_block(payload: bytes) -> bytes:
    """A payload with its header.

    >>> as_block(b"abc")
    b'#13abc'
    """
    size = str(len(payload)).encode("ascii")
    return b"#" + str(len(size)).encode("ascii") + size + payload
