"""A transcript that takes anything for right would prove no driver."""

from __future__ import annotations

import pytest
from scripted import transcript


@pytest.mark.parametrize(
    ("exchanges", "said", "match"),
    [
        ((), ["CURR 5"], r"sent b'CURR 5', due was b'nothing'"),
        (((b"X?", b"1"),), ["X?", "CURR 5"], r"sent b'CURR 5', due was b'nothing'"),
        (((b"CURR 1", b""),), ["CURR 5"], r"sent b'CURR 5', due was b'CURR 1'"),
        (((b"X?", b"1"), (b"OUTP OFF", b"")), ["X?"], r"never sent: .*OUTP OFF"),
        (((b"X?", b"1\n2"),), ["X?"], "never read"),
    ],
)
def test_what_is_sent_beside_a_transcript_or_left_of_it_fails_the_test(exchanges, said, match):
    def driver(session):
        for message in said:
            (session.query if "?" in message else session.write)(message)

    with pytest.raises(AssertionError, match=match), transcript(*exchanges) as session:
        driver(session)
