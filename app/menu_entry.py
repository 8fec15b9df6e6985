"""Twinrig in the system's menu: one entry of the user's own that opens the window.

On Linux a desktop entry (Desktop Entry Specification 1.5, freedesktop.org), on Windows a link in
the Start menu. It runs `start.py`, as the README says it: what an update needs is installed first.

Decision: no library. pyshortcuts 1.9 leaves a path with a space unquoted, and brings three more.
"""

from __future__ import annotations

import os
import sys
from importlib.resources import files
from pathlib import Path

import platformdirs

from models.errors import InputError, TwinrigError
from models.paths import anything_at

START = Path(__file__).resolve().parents[1] / "start.py"
DESKTOP_ID = "twinrig"
"""By this name the desktop finds the entry, and with it the icon, of a window."""

LINUX = """\
[Desktop Entry]
Type=Application
Version=1.5
Name=Twinrig
Comment=Record a stochastic device, fit its twin, train a network, deploy it back
Exec={command}
Icon={icon}
Terminal=false
Categories=Science;Physics;
StartupWMClass=twinrig
"""
WINDOWS = ";".join(
    (
        "$link = (New-Object -ComObject WScript.Shell).CreateShortcut($env:TWINRIG_LINK)",
        "$link.TargetPath = $env:TWINRIG_PYTHON",
        "$link.Arguments = $env:TWINRIG_ARGUMENTS",
        "$link.WorkingDirectory = $env:TWINRIG_FOLDER",
        "$link.IconLocation = $env:TWINRIG_ICON",
        "$link.WindowStyle = 7",  # the console with what start.py says begins minimised
        "$link.Save()",
    )
)
POWERSHELL_S = 60.0


def entry_path() -> Path:
    """Where the entry is, or would be.

    Raises
    ------
    InputError
        A system whose menu takes none from us.
    """
    if sys.platform == "darwin":
        raise InputError(f"macOS has no menu that takes an entry: run python3 {START}")
    name = "Twinrig.lnk" if sys.platform == "win32" else f"{DESKTOP_ID}.desktop"
    return platformdirs.user_applications_path() / name


def has_entry() -> bool:
    """Whether the menu has the entry; raises as `entry_path`, and OSError where that is refused."""
    return anything_at(entry_path())


def put_entry() -> Path:
    """Write the entry, or write it anew for this folder; returns its path.

    Raises
    ------
    InputError
        A system whose menu takes none.
    TwinrigError
        The disk, or Windows' shell, refuses.
    """
    path = entry_path()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if sys.platform == "win32":
            _link(path)
        else:
            path.write_text(linux_entry(Path(sys.executable).resolve(), START), "utf-8")
    except OSError as fault:
        raise TwinrigError(f"{path}: can't be written: {fault.strerror or fault}") from fault
    return path


def take_entry() -> bool:
    """Remove the entry; False where there was none.

    Raises
    ------
    InputError
        A system whose menu takes none.
    TwinrigError
        The disk refuses.
    """
    path = entry_path()
    try:
        path.unlink()
    except FileNotFoundError:
        return False
    except OSError as fault:
        raise TwinrigError(f"{path}: can't be removed: {fault.strerror or fault}") from fault
    return True


def linux_entry(python: Path, start: Path) -> str:
    """The desktop entry's text."""
    words = " ".join(_exec_word(str(word)) for word in (python, start))
    return LINUX.format(command=words, icon=_string(str(icon_path("svg"))))


def icon_path(kind: str) -> Path:
    """The program's icon, `svg` or `ico`."""
    return Path(str(files("resources"))) / "icons" / f"twinrig.{kind}"


def _exec_word(word: str) -> str:
    """A word of `Exec`, quoted; the whole value is unescaped once before, as a string."""
    for sign in ("\\", '"', "`", "$"):
        word = word.replace(sign, "\\" + sign)
    return _string('"' + word.replace("%", "%%") + '"')


def _string(text: str) -> str:
    return text.replace("\\", "\\\\")


def _link(path: Path) -> None:
    """Have Windows' shell write the link: its format has no other public writer."""
    import subprocess  # no start of the window should pay for it

    given = {
        "TWINRIG_LINK": str(path),
        "TWINRIG_PYTHON": str(Path(sys.base_prefix) / "python.exe"),
        "TWINRIG_ARGUMENTS": f'"{START}"',
        "TWINRIG_FOLDER": str(START.parent),
        "TWINRIG_ICON": str(icon_path("ico")),
    }
    command = ["powershell", "-NoProfile", "-NonInteractive", "-Command", WINDOWS]
    try:
        done = subprocess.run(
            command, env=os.environ | given, capture_output=True, text=True, timeout=POWERSHELL_S,
            check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired as late:
        raise TwinrigError(f"{path}: PowerShell did not end within {POWERSHELL_S:.0f} s") from late
    if done.returncode != 0 or not anything_at(path):
        raise TwinrigError(f"{path}: PowerShell could not write it: {done.stderr.strip()}")
