"""Twinrig's entry in the system's menu: what a desktop or Windows' shell would run of it."""

from __future__ import annotations

import configparser
import json
import re
import struct
import sys
from pathlib import Path

import platformdirs
import pytest

from app import menu_entry
from app.cli.main import main
from app.menu_entry import START, entry_path, icon_path, linux_entry, put_entry
from models.errors import InputError, TwinrigError

FAKE_POWERSHELL = """\
#!/bin/sh
env | grep ^TWINRIG_ > "$SEEN"
printf '%s' "$4" > "$SEEN.command"
: > "$TWINRIG_LINK"
"""


@pytest.fixture
def menu(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "share" / "applications"
    monkeypatch.setattr(platformdirs, "user_applications_path", lambda: folder)
    return folder


def run_of(entry: str) -> list[str]:
    """The words that a desktop runs, by the specification: string, quotes, field codes."""
    parser = configparser.RawConfigParser()
    parser.read_string(entry)
    value = parser["Desktop Entry"]["Exec"].replace("\\\\", "\0").replace("\0", "\\")
    quoted = re.findall(r'"((?:[^"\\]|\\.)*)"', value)
    return [re.sub(r"\\(.)", r"\1", word).replace("%%", "%") for word in quoted]


@pytest.mark.parametrize(
    "folder", ["/opt/twinrig", "/home/a b/50 % off", '/x/"q"/$HOME/`id`/back\\slash']
)
def test_the_desktop_runs_start_py_wherever_it_lies(folder: str) -> None:
    start, python = Path(folder) / "start.py", Path(folder) / "bin" / "python3"
    assert run_of(linux_entry(python, start)) == [str(python), str(start)]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="Linux' form")
def test_the_entry_is_put_anew_and_taken_out(menu: Path, capsys: pytest.CaptureFixture) -> None:
    for _ in range(2):
        assert main(["shortcut", "--json"]) == 0
        path = Path(json.loads(capsys.readouterr().out.splitlines()[-1])["path"])
        assert path == menu / "twinrig.desktop"
        python, start = run_of(path.read_text("utf-8"))
        assert Path(python).samefile(sys.executable)
        assert Path(start) == START
        assert START.is_file()
    assert main(["shortcut", "--remove"]) == 0
    assert "is out of the menu" in capsys.readouterr().err
    assert not path.exists()
    assert main(["shortcut", "--remove"]) == 0
    assert "wasn't in the menu" in capsys.readouterr().err


def test_a_disk_that_refuses_is_told(menu: Path, capsys: pytest.CaptureFixture) -> None:
    menu.parent.mkdir()
    menu.write_text("a file where the folder should be")
    assert main(["shortcut"]) == 1
    assert str(menu) in capsys.readouterr().err


def test_macos_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(InputError, match=r"run python3 .*start\.py"):
        entry_path()


@pytest.mark.skipif(sys.platform == "win32", reason="a shell script stands for PowerShell")
def test_windows_shell_is_given_every_part(
    menu: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake, seen = tmp_path / "powershell", tmp_path / "seen"
    fake.write_text(FAKE_POWERSHELL)
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setenv("SEEN", str(seen))
    monkeypatch.setattr(sys, "platform", "win32")
    assert put_entry() == menu / "Twinrig.lnk"
    given = dict(line.split("=", 1) for line in seen.read_text().splitlines())
    assert given["TWINRIG_ARGUMENTS"] == f'"{START}"'
    assert Path(given["TWINRIG_ICON"]).is_file()
    command = Path(f"{seen}.command").read_text()
    assert all(f"$env:{name}" in command for name in given if name.startswith("TWINRIG_L"))
    assert command.endswith("$link.Save()")

    fake.write_text("#!/bin/sh\necho 'policy forbids' >&2\nexit 1\n")
    with pytest.raises(TwinrigError, match="policy forbids"):
        put_entry()
    monkeypatch.setattr(menu_entry, "POWERSHELL_S", 0.1)
    fake.write_text("#!/bin/sh\nexec sleep 5\n")
    with pytest.raises(TwinrigError, match="did not end within"):
        put_entry()


def test_the_icon_has_every_size_that_windows_asks_for() -> None:
    data = icon_path("ico").read_bytes()
    count = struct.unpack_from("<HHH", data)[2]
    entries = [struct.unpack_from("<BBBBHHII", data, 6 + 16 * n) for n in range(count)]
    assert [entry[0] or 256 for entry in entries] == [16, 24, 32, 48, 64, 256]
    for size, *_, length, at in entries:
        png = data[at : at + length]
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack_from(">II", png, 16) == (size or 256, size or 256)
