"""Discovery lists what VISA sees; a library that hangs is said, not waited for."""

from __future__ import annotations

import time

import pytest
import pyvisa
from blocking_visa import library

from instruments import discovery
from models.errors import TwinrigError


@pytest.fixture
def use(monkeypatch):
    """Make a library the computer's installed VISA."""

    def made(**kwargs):
        visa = library(**kwargs)
        monkeypatch.setattr(discovery, "resource_manager", lambda: pyvisa.ResourceManager(visa))
        return visa

    return made


@pytest.fixture(scope="module")
def here():
    """What this computer's own VISA finds: some of its ways take a second."""
    return discovery.discover()


def test_lists_this_computers_resources(here):
    assert all("::" in name for name in here.resources)
    assert here.library


def test_the_list_is_sorted(use):
    use(resources=("GPIB0::8::INSTR", "ASRL1::INSTR"))
    assert discovery.discover().resources == ["ASRL1::INSTR", "GPIB0::8::INSTR"]


def test_a_serial_port_is_listed_once_and_not_as_an_adapter_that_may_be_on_it(use):
    use(resources=("PRLGX-ASRL::/dev/ttyUSB0::INTFC", "ASRL/dev/ttyUSB0::INSTR"))
    assert discovery.discover().resources == ["ASRL/dev/ttyUSB0::INSTR"]


def test_nothing_is_opened_and_not_a_byte_is_sent(use):
    visa = use(resources=("GPIB0::8::INSTR",))
    discovery.discover()
    assert visa.calls == ["list_resources"]


def test_a_library_that_hangs_is_an_error_in_time(use):
    visa = use(lists_after_s=30.0)
    begin = time.monotonic()
    with pytest.raises(TwinrigError, match=r"nothing within 0.1 s.*by hand"):
        discovery.discover(0.1)
    assert time.monotonic() - begin < 10.0
    visa.wake.set()


def test_a_library_that_fails_is_an_error_with_its_words(monkeypatch):
    def fail():
        raise OSError("no libvisa.so")

    monkeypatch.setattr(discovery, "resource_manager", fail)
    with pytest.raises(TwinrigError, match=r"no libvisa\.so"):
        discovery.discover()


def test_a_missing_backend_is_said_with_what_to_install(here):
    """pyvisa-py, which the tests run on, has no GPIB unless linux-gpib is there."""
    pytest.importorskip("pyvisa_py")
    try:
        import gpib  # noqa: F401
    except ImportError:
        said = " ".join(here.missing)
        assert "GPIB" in said
        assert "linux-gpib" in said
        assert "NI-VISA" in said
