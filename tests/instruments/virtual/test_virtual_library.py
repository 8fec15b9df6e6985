"""The rig below PyVISA, in this process: PyVISA's own resources on it."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import pytest
import pyvisa
from pyvisa import constants

from instruments.virtual.kepco_bop import IDENTITY
from instruments.virtual.library import VirtualVisaLibrary, open_virtual, resource_name
from instruments.virtual.rig import VirtualRig
from models.errors import InputError

DEVICE = "leaky-integrator"
KEPCO = "TCPIP0::virtual-kepco-bop::5025::SOCKET"
SR830 = "TCPIP0::virtual-sr830::5025::SOCKET"
CLOCK = "TCPIP0::virtual-clock::5025::SOCKET"


@pytest.fixture
def manager():
    manager = pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig(DEVICE)))
    yield manager
    manager.close()


def opened(manager, name, **kwargs):
    return manager.open_resource(name, read_termination="\n", write_termination="\n", **kwargs)


def test_it_lists_its_instruments_but_not_its_clock(manager):
    assert set(manager.list_resources("?*")) == {KEPCO, SR830}
    assert manager.list_resources() == ()  # PyVISA's default asks for ::INSTR


def test_an_instrument_of_a_kind_has_a_port_of_its_own():
    assert resource_name("kepco-bop") == KEPCO
    assert resource_name("kepco-bop#2") == "TCPIP0::virtual-kepco-bop::5026::SOCKET"
    rig = VirtualRig(DEVICE, models=("kepco-bop", "kepco-bop"))
    manager = pyvisa.ResourceManager(VirtualVisaLibrary(rig))
    with opened(manager, resource_name("kepco-bop#2")) as second:
        second.write("CURR 3")
    with opened(manager, KEPCO) as first:
        assert first.query("CURR?") == "0.0E0"
    manager.close()


def test_a_plain_script_sets_and_reads(manager):
    with opened(manager, KEPCO) as supply, opened(manager, SR830) as lockin:
        assert supply.query("*IDN?") == IDENTITY
        supply.write("OUTP ON")
        supply.write("CURR 5.5")
        assert float(supply.query("MEAS:CURR?")) == pytest.approx(5.5, abs=1e-3)
        assert len(lockin.query_ascii_values("SNAP? 1,2")) == 2
        assert lockin.query("SENS?;HARM?") == "15"
        assert lockin.read() == "2"


def test_an_address_that_is_not_of_the_rig_is_not_found(manager):
    with pytest.raises(pyvisa.VisaIOError) as caught:
        opened(manager, "TCPIP0::virtual-sr860::5025::SOCKET")
    assert caught.value.error_code == constants.StatusCode.error_resource_not_found


def test_a_read_with_nothing_to_come_times_out_at_once_on_a_rig_that_does_not_wait(manager):
    with opened(manager, KEPCO, timeout=60_000) as supply:
        supply.write("CURR 1")
        start_s = time.monotonic()
        with pytest.raises(pyvisa.VisaIOError) as caught:
            supply.read()
        assert caught.value.error_code == constants.StatusCode.error_timeout
        assert time.monotonic() - start_s < 10.0
        assert supply.query("CURR?") == "1.0E0"


def test_on_a_rig_in_real_time_a_reply_waits_for_its_time_and_a_time_out_lasts():
    manager = pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig(DEVICE, accelerate=1.0)))
    with opened(manager, CLOCK, timeout=2000) as clock:
        start_s = time.monotonic()
        clock.query("ADVANCE 0.05")
        assert time.monotonic() - start_s > 0.04
        clock.timeout = 100
        clock.write("ADVANCE 0.3")
        with pytest.raises(pyvisa.VisaIOError):  # 0.1 s is too short
            clock.read()
        clock.timeout = 2000
        assert clock.read() == "0.350000000"  # late, and still whole
    manager.close()


def test_on_a_rig_slower_than_life_a_time_out_lasts_as_long_as_it_was_asked_for():
    manager = pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig(DEVICE, accelerate=0.01)))
    with opened(manager, KEPCO, timeout=50) as supply:
        start_s = time.monotonic()
        with pytest.raises(pyvisa.VisaIOError):
            supply.read()
        assert 0.04 < time.monotonic() - start_s < 4.0  # a hundredfold would be 5 s
    manager.close()


def test_without_a_termination_character_the_bytes_come_as_they_are(manager):
    resource = manager.open_resource(KEPCO)
    resource.write("CURR?")
    assert resource.read_raw() == b"0.0E0\n"


def test_a_read_of_fewer_bytes_leaves_the_rest(manager):
    with opened(manager, KEPCO) as supply:
        supply.write("*IDN?")
        assert supply.read_bytes(5) == b"KEPCO"
        assert supply.read() == IDENTITY[5:]


def test_clear_forgets_half_a_message_and_a_reply_that_was_not_read(manager):
    with opened(manager, KEPCO) as supply:
        supply.write("*IDN?")
        supply.write_raw(b"CURR 1")
        supply.clear()
        assert supply.query("CURR?") == "0.0E0"


def test_the_attributes_pyvisa_uses_are_there(manager):
    with opened(manager, KEPCO) as supply:
        supply.timeout = 250
        assert supply.timeout == 250
        assert supply.resource_name == KEPCO
        assert supply.interface_type == constants.InterfaceType.tcpip
        assert supply.resource_info.resource_class == "SOCKET"
        with pytest.raises(pyvisa.VisaIOError):
            supply.get_visa_attribute(constants.ResourceAttribute.asrl_data_bits)


def test_a_closed_session_says_so(manager):
    supply = opened(manager, KEPCO)
    supply.close()
    with pytest.raises(pyvisa.errors.InvalidSession):
        supply.query("*IDN?")
    with opened(manager, KEPCO) as again:
        assert again.query("*IDN?") == IDENTITY


def test_each_rig_is_its_own():
    managers = [pyvisa.ResourceManager(VirtualVisaLibrary(VirtualRig(DEVICE))) for _ in range(2)]
    with opened(managers[0], KEPCO) as supply:
        supply.write("CURR 2")
    with opened(managers[1], KEPCO) as supply:
        assert supply.query("CURR?") == "0.0E0"
    for manager in managers:
        manager.close()


@dataclass(frozen=True)
class Spec:
    device: str | None = DEVICE
    seed: int = 3
    accelerate: float = float("inf")
    models: tuple[str, ...] = ()


def test_open_virtual_gives_a_manager_and_the_clocks_address():
    manager, clock_name = open_virtual(Spec())
    with opened(manager, clock_name) as clock:
        assert clock.query("ADVANCE 2") == "2.000000000"
    assert set(manager.list_resources("?*")) == {KEPCO, SR830}
    manager.close()
    with pytest.raises(InputError, match="unknown; did you mean"):
        open_virtual(Spec(device="spin-vortex-ices"))


def test_a_set_and_a_gated_read_cost_well_under_a_millisecond(manager):
    with opened(manager, KEPCO) as supply, opened(manager, SR830) as lockin:
        supply.write("OUTP ON")
        times_s = []
        for step in range(600):
            start_s = time.perf_counter()
            supply.write(f"CURR {5.5 + step % 30 * 0.1:.6f}")
            lockin.query("SNAP? 1,2")
            times_s.append(time.perf_counter() - start_s)
    assert statistics.median(times_s) < 0.6e-3  # 0.06 ms on an idle core: room for a busy one
