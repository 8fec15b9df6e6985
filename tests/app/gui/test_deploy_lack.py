"""What the Deploy page says before a network can be deployed."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.gui.deploy_lack import Asked
from app.gui.offered import GONE
from app.gui.words import BEING_READ

READY = Asked("", Path("net-1"), True, "", "net-1", "", True)
NONE = replace(READY, network=None, read=False, text="")


def test_a_network_that_was_read_lacks_nothing_but_a_bench() -> None:
    assert READY.lack is None
    assert replace(READY, unread="an earlier look failed").lack is None


def test_what_was_handed_over_is_waited_for_whatever_is_shown_meanwhile() -> None:
    lack = replace(READY, coming="dep-7").lack
    assert lack is not None
    assert (lack.cost, lack.role, lack.header) == ("dep-7 is read …", "", None)


def test_a_file_that_is_being_read_or_cannot_be() -> None:
    reading = replace(READY, read=False).lack
    assert reading is not None
    assert (reading.cost, reading.role) == ("the network is read …", "")
    unread = replace(READY, read=False, unread="weights are missing").lack
    assert unread is not None
    assert (unread.cost, unread.role) == ("can't be read: choose another network", "fault")


def test_one_that_is_gone_from_the_library_is_named() -> None:
    lack = replace(READY, fault=GONE).lack
    assert lack is not None
    assert lack.cost == "the network is gone: choose another"
    assert lack.header == ("Nothing to deploy", f"net-1: {GONE}")
    damaged = replace(READY, fault="its file is cut short").lack
    assert damaged is not None
    assert damaged.cost == "the network is damaged: choose another"


def test_an_empty_library_is_told_from_one_that_is_not_read_yet() -> None:
    first = replace(NONE, listed=False).lack
    assert first is not None
    assert (first.cost, first.role) == (BEING_READ, "")
    empty = NONE.lack
    assert empty is not None
    assert (empty.cost, empty.role) == ("train a network first", "attention")
