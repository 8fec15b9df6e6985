"""Discovery lists what VISA sees; a library that hangs is said, not waited for."""

from __future__ import annotations

import threading
import time

import pytest

from instruments import discovery
from models.errors import TwinrigError


class Manager:
    """A resource manager whose listing is given."""

    def __init__(self, listing):
        self._listing = listing

    def list_resources(self, query):
        assert query == "?*"  # sockets, too
        return self._listing()


def test_lists_this_computers_resources():
    assert all("::" in name for name in discovery.list_resources())


def test_the_list_is_sorted(monkeypatch):
    found = ("GPIB0::8::INSTR", "ASRL1::INSTR")
    monkeypatch.setattr(discovery, "resource_manager", lambda: Manager(lambda: found))
    assert discovery.list_resources() == ["ASRL1::INSTR", "GPIB0::8::INSTR"]


def test_a_library_that_hangs_is_an_error_in_time(monkeypatch):
    release = threading.Event()
    monkeypatch.setattr(discovery, "resource_manager", lambda: Manager(lambda: release.wait(30)))
    begin = time.monotonic()
    with pytest.raises(TwinrigError, match=r"nothing within 0.1 s.*by hand"):
        discovery.list_resources(0.1)
    assert time.monotonic() - begin < 2.0
    release.set()


def test_a_library_that_fails_is_an_error_with_its_words(monkeypatch):
    def fail():
        raise OSError("no libvisa.so")

    monkeypatch.setattr(discovery, "resource_manager", fail)
    with pytest.raises(TwinrigError, match=r"no libvisa\.so"):
        discovery.list_resources()
