"""A user whom the system has no account of, without HOME: a container, a service."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from served_rig import ROOT, served_rig

from app.home_folder import find_home

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.skipif(os.name != "posix", reason="Windows knows the folder by itself")
NOBODY = (
    "import pwd, sys\n"
    "def nobody(user): raise KeyError(user)\n"
    "pwd.getpwuid = nobody\n"
    "from app.__main__ import main\n"
    "sys.exit(main())\n"
)


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[int], object]:
    """No HOME, no account, temporary files of the test's own."""
    import pwd

    def unknown(user: int) -> object:
        raise KeyError(user)

    monkeypatch.delenv("HOME", raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return unknown


def test_a_rig_is_made_safe_for_a_user_without_a_home(tmp_path: Path) -> None:
    """It ended with a traceback before it had asked the supply."""
    around = {name: value for name, value in os.environ.items() if name != "HOME"}
    with served_rig(tmp_path) as rig:
        run = subprocess.run(
            [sys.executable, "-c", NOBODY, "safe", str(rig.bench), "--json"],
            cwd=ROOT, env={**around, "TMPDIR": str(tmp_path)}, capture_output=True, text=True,
            check=False,
        )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout.splitlines()[-1])["status"] == "done"
    assert f"are kept in {tmp_path}" in run.stderr


def test_the_folder_is_the_users_own_and_the_same_each_time(
    nobody: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_home()
    home = Path(os.environ["HOME"])
    assert home.parent == tmp_path
    assert home.stat().st_mode & 0o777 == 0o700
    monkeypatch.delenv("HOME")
    find_home()
    assert Path(os.environ["HOME"]) == home


def test_a_folder_that_another_has_laid_there_is_not_taken(nobody: object, tmp_path: Path) -> None:
    """Kernels would be loaded from it."""
    theirs = tmp_path / "theirs"
    theirs.mkdir()
    (tmp_path / f"twinrig-home-{os.getuid()}").symlink_to(theirs)
    find_home()
    home = Path(os.environ["HOME"])
    assert home.parent == tmp_path
    assert not home.is_symlink()


@pytest.mark.parametrize("home", [None, "", "not/absolute"])
def test_an_account_has_its_own_folder(home: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    import pwd

    if home is None:
        monkeypatch.delenv("HOME", raising=False)
    else:
        monkeypatch.setenv("HOME", home)
    find_home()
    assert os.environ["HOME"] == pwd.getpwuid(os.getuid()).pw_dir


def test_a_home_that_is_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/somewhere")
    find_home()
    assert os.environ["HOME"] == "/somewhere"
