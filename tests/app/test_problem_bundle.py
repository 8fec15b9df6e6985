"""The bundle for a report: what is in it, and what must not be."""

from __future__ import annotations

import errno
import getpass
import json
import platform
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from app.config import Settings
from app.problem_bundle import Mask, write_bundle
from instruments.bench_file import parse_bench, read_bench
from models.errors import TwinrigError

IDENTITIES = {
    "magnet.x": "KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82",
    "lockin": "Stanford_Research_Systems,SR830,s/n37210,ver1.07",
}
USER = "efischer"  # a name that is long enough to be masked, whoever runs this
HOME = Path.home()
LOG = [
    f"error: {HOME}/rigs/smith/rig.toml: can't be read",
    "error: x at TCPIP0::192.168.10.21::5025::SOCKET: no reply to MEAS:CURR?",
    "info: heard KEPCO,BIT 4886 36-12  08-04-2023,H249977,4.04-1.82",
    "info: lockin is Stanford_Research_Systems,SR830,s/n37210,ver1.07",
    "warning: USB0::0x0957::0x0618::MY51000042::INSTR is gone; 10.0.7.9 doesn't answer",
    f"info: on {platform.node()}, for {USER}",
    "error: C:\\Users\\smith\\Documents\\Twinrig\\rec-1\\recording.nc is locked",
    "error: D:\\Tom Miller\\My data\\rec 1\\recording.nc: damaged",
    "error: \\\\nas7\\spin group\\Fischer, Eva\\data\\rec: gone",
    "info: heard LSCI,MODEL336,LSA23ZF/#######,2.9",
    "error: ASRL/dev/serial/by-id/usb-FTDI_A900XYZ1-if00-port0::INSTR is busy",
    "info: [fe80::1c2:3ff%eth0]:5025 and 2001:db8:0:1::17 answer, 00:1A:2b:3C:4d:5E doesn't",
    "info: at 12:34:56, 2026-11-29 01:02:03, by eva.fischer+rig@phys.example.edu",
    "info: recording of SVI-07 b by Dr. Fischer: line torn at 3 K",
]
SECRETS = (
    "192.168.10.21", "10.0.7.9", "H249977", "37210", "MY51000042", "C:\\Users",
    "Tom Miller", "spin group", "Fischer", "LSA23ZF", "A900XYZ1", "virtual-kepco",
    str(HOME / "rigs"), "/home/", "/rigs/smith",
    "fe80", "2001:db8", "1A:2b:3C", "example.edu", "SVI-07", "torn at", "Meyer",
)  # fmt: skip


@pytest.fixture
def texts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    told = {"sample": "SVI-07 b", "operator": "Dr. Fischer"}
    queued = [{"about": {**told, "operator": "Meyer", "notes": "line torn at 3 K"}}]
    forms = {"record": {"n": 1, **told, "queue": {"entries": queued}}}
    settings = Settings(bench=str(HOME / "rigs" / "smith" / "rig.toml"), forms=forms)
    path = write_bundle(tmp_path / "out", LOG, settings, read_bench("virtual"), IDENTITIES)
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name).decode("utf-8") for name in bundle.namelist()}


def test_it_says_what_is_inside_and_holds_just_that(texts: dict[str, str]) -> None:
    assert set(texts) == {
        "README.txt", "log.txt", "versions.json", "bench.json", "settings.json",
    }  # fmt: skip
    for name in set(texts) - {"README.txt"}:
        assert name in texts["README.txt"]
    assert "crash.txt" in texts["README.txt"]  # where there is one: test_crash_trace.py
    assert json.loads(texts["versions.json"])["PyQt6"][0].isdigit()
    assert json.loads(texts["bench.json"])["bench"]["magnets"]["x"]["driver"] == "kepco-bop"
    assert json.loads(texts["settings.json"])["forms"]["record"]["n"] == 1


@pytest.mark.parametrize("secret", SECRETS)
def test_no_address_serial_number_or_place_is_in_it(texts: dict[str, str], secret: str) -> None:
    found = [name for name, text in texts.items() if secret.lower() in text.lower()]
    assert not found


def test_neither_user_nor_computer_is_named(texts: dict[str, str]) -> None:
    log = texts["log.txt"].splitlines()
    assert "info: on HOST, for USER" in log


def test_what_helps_stays_readable(texts: dict[str, str]) -> None:
    assert "no reply to MEAS:CURR?" in texts["log.txt"]
    assert "KEPCO,BIT 4886 36-12  08-04-2023,SERIAL,4.04-1.82" in texts["log.txt"]
    assert "rec-1/recording.nc is locked" in texts["log.txt"]
    assert "[IP]:5025 and IP answer, MAC doesn't" in texts["log.txt"]
    assert "at 12:34:56, 2026-11-29 01:02:03, by MAIL" in texts["log.txt"]
    assert "recording of SAMPLE by OPERATOR: NOTES" in texts["log.txt"]


def test_addresses_of_the_bench_are_masked_wherever_they_stand() -> None:
    text = Path("resources/virtual-nanoring.toml").read_text("utf-8")
    mask = Mask(parse_bench(text, "here"), {})
    for line in text.splitlines():
        if "::" in line:
            assert "::" not in mask(line.replace('"', " ")), line


def test_a_host_of_the_bench_is_masked_where_it_stands_alone() -> None:
    spec = read_bench("virtual")
    there = replace(spec.magnets["x"], resource="TCPIP0::kepco.lab.example.edu::5025::SOCKET")
    mask = Mask(replace(spec, magnets={"x": there}), {})
    assert mask("kepco.lab.example.edu refused the link") == "RESOURCE refused the link"


def test_a_disk_that_is_full_keeps_no_half_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(zipfile.ZipFile, "writestr", full)
    with pytest.raises(TwinrigError, match="the disk is full"):
        write_bundle(tmp_path, LOG, Settings(), read_bench("virtual"), IDENTITIES)
    assert list(tmp_path.iterdir()) == []


def test_a_log_with_a_name_that_is_no_text_is_told(tmp_path: Path) -> None:
    word = b"/mnt/f\xfcr".decode("utf-8", "surrogateescape")
    path = write_bundle(tmp_path, [f"error: {word}"], Settings(), read_bench("virtual"), IDENTITIES)
    with zipfile.ZipFile(path) as bundle:
        assert "f?r" in bundle.read("log.txt").decode("utf-8")
