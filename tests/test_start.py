"""start.py: what it installs, when it installs again, what it runs; without a network."""

from __future__ import annotations

import importlib.util
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from models import compiled

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n'
DEBIAN_13 = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n'
POSIX = pytest.mark.skipif(os.name != "posix", reason="signals and groups of POSIX")


@pytest.fixture
def start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """start.py as a module whose repository and venv are in `tmp_path`."""
    spec = importlib.util.spec_from_file_location("start_under_test", ROOT / "start.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    (tmp_path / "models").mkdir()
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    (tmp_path / "models" / "path.c").write_text("int x;\n")
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "VENV", tmp_path / ".venv")
    return module


def test_imports_nothing_but_the_standard_library() -> None:
    command = [sys.executable, "-I", "-S", "-c", "import runpy; runpy.run_path('start.py')"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("changed", ["pyproject.toml", "models/path.c", "models/new.c"])
def test_installs_again_when_what_it_rests_on_changes(
    start: ModuleType, tmp_path: Path, changed: str
) -> None:
    before = start.installed_hash(tmp_path)
    (tmp_path / "models" / "twin.py").write_text("x = 1\n")
    assert start.installed_hash(tmp_path) == before
    (tmp_path / changed).write_text("changed\n")
    assert start.installed_hash(tmp_path) != before


def test_a_checkout_with_windows_line_ends_has_the_same_hash(
    start: ModuleType, tmp_path: Path
) -> None:
    before = start.installed_hash(tmp_path)
    (tmp_path / "pyproject.toml").write_bytes(b"[project]\r\n")
    assert start.installed_hash(tmp_path) == before


def test_is_ready_only_with_both_stamps_of_this_hash_and_an_interpreter(
    start: ModuleType,
) -> None:
    python = venv_made_at(start, start.VENV)
    ready = []
    for name in ("installed", "qt"):
        ready.append(start._is_ready("abc"))
        start.write_stamp(name, "abc")
    ready += [start._is_ready("abc"), start._is_ready("def")]
    python.unlink()
    assert [*ready, start._is_ready("abc")] == [False, False, True, False, False]


def venv_made_at(start: ModuleType, place: Path, options: str = "") -> Path:
    """An interpreter in the venv, and what `python -m venv` notes of itself there."""
    python: Path = start.venv_python()
    python.parent.mkdir(parents=True)
    python.touch()
    made = f"version = 3.11.7\ncommand = /usr/bin/python3 -m venv {options}{place}\n"
    (start.VENV / "pyvenv.cfg").write_text(made)
    return python


@pytest.mark.parametrize("options", ["", '--upgrade-deps --prompt="my rig" '])
@pytest.mark.parametrize("moved", [False, True])
def test_a_moved_or_copied_folder_is_set_up_anew(
    start: ModuleType, tmp_path: Path, moved: bool, options: str
) -> None:
    venv_made_at(start, tmp_path / "old" / ".venv" if moved else start.VENV, options)
    for name in ("installed", "qt"):
        start.write_stamp(name, "abc")
    assert start._is_ready("abc") is not moved


@pytest.mark.skipif(os.name == "nt", reason="links are a privilege on Windows")
def test_a_folder_reached_through_a_link_is_in_its_place(start: ModuleType, tmp_path: Path) -> None:
    link = tmp_path.with_name(f"{tmp_path.name}-link")
    link.symlink_to(tmp_path)
    venv_made_at(start, link / ".venv")
    assert start._is_in_its_place()


def test_paths_of_windows(start: ModuleType) -> None:
    assert start.venv_python(windows=True) == start.VENV / "Scripts" / "python.exe"
    assert start.venv_script("ruff", windows=True) == start.VENV / "Scripts" / "ruff.exe"
    assert start.venv_script("ruff", windows=False) == start.VENV / "bin" / "ruff"


def test_runs_twinrig_where_the_user_stands(start: ModuleType) -> None:
    command = start.run_command(["record", "--out", "x"])
    assert command[1:] == ["-P", "-m", "app", "record", "--out", "x"]


@pytest.mark.parametrize(
    ("arguments", "pytest_words"),
    [
        (["-q"], ["-m", "not full", "-q"]),
        (["--full"], []),
        (["-k", "store", "--full", "-x"], ["-k", "store", "-x"]),
    ],
)
def test_test_runs_every_check_in_order(
    start: ModuleType, arguments: list[str], pytest_words: list[str]
) -> None:
    steps = [step for row in start.test_steps(arguments) for step in row]
    tails = [" ".join([Path(s[0]).stem, *s[1:]]) for s in steps]
    assert tails[:2] == ["ruff check .", "ruff format --check ."]
    assert tails[2].endswith("-m mypy")
    assert tails[3].endswith("-m mypy --platform win32 --cache-dir .mypy_cache/win32")
    assert tails[4] == "lint-imports"
    assert [s[1:] for s in steps[5:]] == [["-m", "pytest", *pytest_words]]


def test_all_tests_keep_every_core_busy_and_what_measures_runs_by_itself(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start.os, "cpu_count", lambda: 2)
    *_, (every,), (measuring,) = start.test_steps([])
    assert every[1:5] == ["-m", "pytest", "-m", "not full"]
    spread = ["--dist", "loadfile", "--max-worker-restart=0"]
    assert every[5:] == ["-n", "3", *spread, "--ignore=tests/benchmarks"]
    assert measuring[3:] == ["-m", "not full", "tests/benchmarks"]


def test_a_failed_check_does_not_hide_the_next(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    python = sys.executable
    first, failing, last = ([python, "-c", f"raise SystemExit({code})"] for code in (0, 3, 0))
    for steps in ([[first], [failing], [last]], [[first, failing], [last]]):
        monkeypatch.setattr(start, "test_steps", lambda _, steps=steps: steps)
        assert start.run_tests([]) == 1
        said = capsys.readouterr().err
        assert said.count("ok    ") == 2
        assert said.count("FAILED") == 1


def test_children_beside_each_other_run_at_the_same_time(start: ModuleType, tmp_path: Path) -> None:
    """Each waits for the file that the other one writes."""
    wait = (
        "import pathlib, sys, time\n"
        "own, other = map(pathlib.Path, sys.argv[1:])\n"
        "own.touch()\n"
        "end_s = time.monotonic() + 60\n"
        "while not other.exists():\n"
        "    assert time.monotonic() < end_s\n"
        "    time.sleep(0.01)"
    )
    here, there = str(tmp_path / "here"), str(tmp_path / "there")
    children = [[sys.executable, "-c", wait, *files] for files in ((here, there), (there, here))]
    assert start.call_all(children) == [0, 0]


def test_a_child_that_cannot_be_started_leaves_none_without_an_owner(
    start: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The one before it is waited for, the one behind it runs, and neither code is lost."""
    done = tmp_path / "done"
    slow = f"import pathlib, time\ntime.sleep(0.3)\npathlib.Path({str(done)!r}).touch()"
    missing = str(tmp_path / "no-such-program")
    commands = [[sys.executable, "-c", slow], [missing], [sys.executable, "-c", "exit(3)"]]
    assert start.call_all(commands) == [0, 127, 3]
    assert done.exists()
    assert f"{missing} can't be started" in capsys.readouterr().err


def test_all_checks_passed_is_zero(start: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(start, "test_steps", lambda _: [[[sys.executable, "-c", ""]]])
    assert start.run_tests([]) == 0


@pytest.mark.parametrize(
    ("listing", "expected"),
    [
        ("torch (2.13.0)\nAvailable versions: 2.13.0, 2.12.1\n", (None, False)),
        ("torch (2.13.0+cpu)\nAvailable versions: 2.13.0+cpu, 2.9.1+cpu\n", ("2.13.0+cpu", True)),
        ("torch (2.15.0)\nAvailable versions: 2.15.0, 2.13.0+cpu\n", ("2.13.0+cpu", True)),
        ("torch (3.0.0+cpu)\nAvailable versions: 3.0.0+cpu, 2.3.1+cpu\n", (None, False)),
        ("ERROR: No matching distribution found for torch\n", (None, False)),
    ],
)  # fmt: skip
def test_takes_the_cpu_build_of_torch_that_is_on_offer(
    start: ModuleType, listing: str, expected: tuple[str | None, bool]
) -> None:
    assert start.cpu_torch_of(listing) == expected
    pins = [w for w in start.install_command(expected[0]) if w.startswith("torch==")]
    assert pins == ([f"torch=={expected[0]}"] if expected[0] else [])


ONLY_CUDA = "Available versions: 2.13.0"
CPU_BUILDS = "Available versions: 2.13.0+cpu, 2.12.1+cpu"


def pip_that_says(index: str, of_cpu_index: str, configuration: str) -> Callable[..., Any]:
    """Pip's answers: what its own index has, what PyTorch's has, what it was told."""

    def answer(command: list[str], _env: object = None) -> tuple[int, str]:
        if command[-2:] == ["config", "list"]:
            return 0, configuration
        assert command[3:6] == ["index", "versions", "torch"]
        return 0, of_cpu_index if "--index-url" in command else index

    return answer


@pytest.mark.parametrize(
    ("index", "of_cpu_index", "configuration", "card", "expected", "said"),
    [
        (CPU_BUILDS, "", "", False, ("2.13.0+cpu", None), ""),
        (ONLY_CUDA, CPU_BUILDS, "", False, ("2.13.0+cpu", "INDEX"), "about 200 MB"),
        (ONLY_CUDA, CPU_BUILDS, "", True, (None, None), "a card of NVIDIA"),
        (ONLY_CUDA, "no network", "", False, (None, None), "gave none"),
        (ONLY_CUDA, CPU_BUILDS, "global.index-url='https://mirror'", False, (None, None), "given"),
        (ONLY_CUDA, CPU_BUILDS, ":env:.no-index='1'", False, (None, None), "given"),
    ],
)
def test_takes_pytorch_without_cuda_where_no_card_is_there(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    index: str,
    of_cpu_index: str,
    configuration: str,
    card: bool,
    expected: tuple[str | None, str | None],
    said: str,
) -> None:
    monkeypatch.setattr(start, "output_of", pip_that_says(index, of_cpu_index, configuration))
    monkeypatch.setattr(start, "_has_nvidia_card", lambda: card)
    monkeypatch.setattr(sys, "platform", "linux")
    pin, further = start._torch_choice()
    assert (pin, further and further.replace(start.CPU_INDEX, "INDEX")) == expected
    text = capsys.readouterr().err
    assert said in text
    assert ("3 GB" in text) is (pin is None)
    instead = f"PIP_EXTRA_INDEX_URL={start.CPU_INDEX}"
    assert (instead in text) is (pin is None and of_cpu_index == CPU_BUILDS)
    options = start.install_command(pin, further)
    assert ("--extra-index-url" in options) is (further is not None)


@pytest.mark.parametrize(
    ("found", "windows", "extras"),
    [
        ("gcc", False, ".[dev]"),
        ("", False, ".[dev,compiler]"),
        ("gcc", True, ".[dev,compiler]"),  # whose vectors crash there
    ],
)
def test_brings_a_compiler_where_the_system_has_none_that_serves(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, found: str, windows: bool, extras: str
) -> None:
    monkeypatch.setattr(start, "WINDOWS", windows)
    monkeypatch.setattr(start.shutil, "which", lambda name: name if name == found else None)
    assert extras in start.install_command(None)
    assert start.COMPILERS == compiled.COMPILERS


@pytest.mark.parametrize(
    ("os_release", "glib"),
    [
        (DEBIAN_12, "libglib2.0-0"),
        (DEBIAN_13, "libglib2.0-0t64"),
        ("ID=debian\n", "libglib2.0-0t64"),
        ('ID=ubuntu\nVERSION_ID="22.04"\n', "libglib2.0-0"),
        ('ID=ubuntu\nVERSION_ID="24.04"\n', "libglib2.0-0t64"),
    ],
)
def test_glib_has_two_names_in_debian(start: ModuleType, os_release: str, glib: str) -> None:
    assert start.glib_package(os_release) == glib


def test_a_screen_needs_more_packages(start: ModuleType) -> None:
    bare, screen = (start.qt_packages("libglib2.0-0", s) for s in (False, True))
    assert "libxcb-cursor0" in screen
    assert "libxcb-cursor0" not in bare
    assert {"libegl1", "libgl1", "fonts-dejavu-core", "libglib2.0-0"} <= set(bare)


def test_root_tries_the_other_name_of_glib(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[str] = []

    def call(command: list[str], _env: dict[str, str], *, aside: bool) -> int:
        assert aside
        ran.append(" ".join(command))
        return 100 if "libglib2.0-0t64" in command else 0

    monkeypatch.setattr(start, "call", call)
    assert start._apt_install([start.qt_packages(g, False) for g in start.GLIB_PACKAGES])
    assert ran[0].startswith("apt-get update")
    assert ran[-1].endswith(" libglib2.0-0")


@pytest.mark.parametrize(("needs_window", "code"), [(True, 1), (False, None)])
def test_without_root_it_says_the_one_line(
    start: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    needs_window: bool,
    code: int | None,
) -> None:
    monkeypatch.setattr(start, "_may_apt", lambda: False)
    monkeypatch.setattr(start, "_qt_fault", lambda: "ImportError: libEGL.so.1")
    if code is None:
        start._check_qt("abc", needs_window)
    else:
        with pytest.raises(SystemExit) as stopped:
            start._check_qt("abc", needs_window)
        assert stopped.value.code == code
    said = capsys.readouterr().err
    assert "libEGL.so.1" in said
    assert "sudo apt-get update && sudo apt-get install -y libxkbcommon0" in said


def test_a_python_without_venv_gets_the_one_line(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(start, "_has_venv_modules", lambda _: False)
    monkeypatch.setattr(start, "_may_apt", lambda: False)
    with pytest.raises(SystemExit):
        start._need_venv_modules(sys.executable)
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}-venv"
    assert f"sudo apt-get install -y {version}" in capsys.readouterr().err


def test_standard_output_is_the_commands_also_on_the_first_start(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    chatting = [sys.executable, "-c", "print('Collecting numpy')"]
    monkeypatch.setattr(start, "install_command", lambda *_: chatting)
    monkeypatch.setattr(start, "_venv_works", lambda: True)
    monkeypatch.setattr(start, "_torch_choice", lambda: (None, None))
    start.VENV.mkdir()
    start._install("abc")
    said = capfd.readouterr()
    assert (said.out, "Collecting numpy" in said.err) == ("", True)
    assert start.stamp_says("installed", "abc")


@pytest.mark.parametrize("works", [True, False])
def test_a_rig_is_made_safe_before_an_update_is_installed(
    start: ModuleType, monkeypatch: pytest.MonkeyPatch, works: bool
) -> None:
    """Without network, or as another user, `start.py safe` was refused after each update."""

    done: list[str] = []

    def become(command: list[str]) -> None:
        done.append(command[-2])
        raise SystemExit

    def begin(*arguments: str) -> list[str]:
        done.clear()
        with pytest.raises(SystemExit):
            start.main(arguments)
        return list(done)

    monkeypatch.setattr(start, "set_up", lambda needs_window: done.append("set up"))
    monkeypatch.setattr(start, "replace_by", become)
    monkeypatch.setattr(start, "_is_in_its_place", lambda: True)
    monkeypatch.setattr(start, "output_of", lambda *_: (0 if works else 1, ""))
    assert begin("safe", "B.toml") == (["safe"] if works else ["set up", "safe"])
    assert begin("monitor", "B.toml") == ["set up", "monitor"]
    monkeypatch.setattr(start, "_is_ready", lambda wanted: True)
    assert begin("safe", "B.toml") == ["set up", "safe"]


@pytest.mark.parametrize("verb", ["monitor", "safe"])
def test_another_programs_pythonpath_is_neither_imported_nor_counted_as_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: ModuleType, verb: str
) -> None:
    """`start.py safe` ran the `app` of whatever web project stood in PYTHONPATH."""
    (tmp_path / "theirs" / "app").mkdir(parents=True)
    (tmp_path / "theirs" / "app" / "__main__.py").write_text("raise SystemExit('theirs')\n")
    for name in ("PYTHONPATH", "PIP_TARGET", "PIP_PREFIX"):
        monkeypatch.setenv(name, str(tmp_path / "theirs"))
    seen: list[dict[str, str]] = []
    python = [sys.executable, "-P", "-c", "import app; print(app.__path__)"]

    def become(_command: list[str]) -> None:
        seen.append(dict(os.environ))
        assert str(tmp_path) not in start.output_of(python)[1]
        raise SystemExit

    monkeypatch.setattr(start, "set_up", lambda needs_window: seen.append(dict(os.environ)))
    monkeypatch.setattr(start, "replace_by", become)
    with pytest.raises(SystemExit):
        start.main([verb, "B.toml"])
    assert len(seen) == 2
    assert not any(set(environment) & set(start.ELSEWHERE) for environment in seen)


def test_a_pip_that_installs_for_the_user_installs_into_the_venv(start: ModuleType) -> None:
    """With PIP_USER=1, or `user = true` in pip.conf, the set-up failed: "a full disk?"."""
    command = [sys.executable, *start.install_command(None)[1:]]
    words = [*command[: command.index("-e")], "--dry-run", "--no-index", "twinrig-is-not-there"]
    said = start.output_of(words, {"PIP_USER": "1"})[1]
    assert "No matching distribution" in said
    assert "'--user' install" not in said


def test_two_at_once_take_turns(start: ModuleType) -> None:
    with start.only_one():
        file = (start.VENV / "start.lock").open("a+b")
        with file:
            assert not start._try_lock(file)
    with (start.VENV / "start.lock").open("a+b") as file:
        assert start._try_lock(file)


CHILD = """
import signal, sys, time
signal.signal(signal.{name}, lambda *_: sys.exit(7))
print("up", flush=True)
for _ in range(300):  # a signal just before a long sleep would wait for its end
    time.sleep(0.1)
"""
PARENT = """
import runpy, sys
start = runpy.run_path({start!r})
start["call"]([sys.executable, "-c", {child!r}])
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_signals_reach_the_child_and_its_exit_code_comes_back(name: str) -> None:
    code = PARENT.format(start=str(ROOT / "start.py"), child=CHILD.format(name=name))
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"up\n"
        parent.send_signal(getattr(signal, name))
        assert parent.wait(timeout=20) == 7


HASTY = """
import os, runpy, signal, subprocess
start = runpy.run_path({start!r})
starts = subprocess.Popen

def hasty(command, **how):
    child = starts(command, **how | dict(stdout=subprocess.PIPE))
    child.stdout.readline()
    os.kill(os.getpid(), signal.{name})
    return child

subprocess.Popen = hasty
start["call_all"]([[{python!r}, "-c", {child!r}]])
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_signal_that_comes_while_a_child_is_started_reaches_it(name: str) -> None:
    code = HASTY.format(
        start=str(ROOT / "start.py"), python=sys.executable, name=name,
        child=CHILD.format(name=name),
    )  # fmt: skip
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode, done.stderr) == (7, "")


PIP = """\
#!/bin/sh
trap "exit 1" INT TERM
case "$*" in *install*) echo up >&2; sleep 20 & wait ;; esac
"""


@POSIX
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_a_set_up_that_was_stopped_says_how_to_go_on(name: str, tmp_path: Path) -> None:
    """The last words were pip's, and the code, 1, was that of a failure."""
    shutil.copy(ROOT / "start.py", tmp_path)
    (tmp_path / "pyproject.toml").write_text("[project]\n")
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /usr\n")
    python.write_text(PIP)
    python.chmod(0o755)
    command = [sys.executable, str(tmp_path / "start.py"), "--version"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as parent:
        assert parent.stderr is not None
        said = iter(parent.stderr.readline, "")
        assert any(line == "up\n" for line in said)
        parent.send_signal(getattr(signal, name))
        assert list(said) == ["start.py: stopped; the same command goes on from here\n"]
        assert parent.wait(timeout=20) == 130


INSTALLING = """
import runpy, sys
from pathlib import Path
start = runpy.run_path({start!r})
start["set_up"].__globals__.update(
    VENV=Path({venv!r}), _venv_works=lambda: True, _torch_choice=lambda: (),
    _is_ready=lambda wanted: False, install_command=lambda: [sys.executable, "-c", {child!r}],
)
start["set_up"](False)
"""


@POSIX
def test_the_pip_of_a_killed_start_keeps_the_next_one_waiting(
    start: ModuleType, tmp_path: Path
) -> None:
    """Two pips installed into one venv at once."""
    child = "import os, time; os.write(2, b'%d' % os.getpid()); time.sleep(60)"
    code = INSTALLING.format(start=str(ROOT / "start.py"), venv=str(start.VENV), child=child)
    with subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE) as parent:
        assert parent.stderr is not None
        said = parent.stderr.readline()
        assert b"installing Twinrig" in said
        pip = int(parent.stderr.read1(20))
        parent.kill()
    try:
        with (start.VENV / "start.lock").open("a+b") as file:
            assert not start._try_lock(file)
            os.kill(pip, signal.SIGKILL)
            until_s = time.monotonic() + 10
            while not start._try_lock(file):
                assert time.monotonic() < until_s
                time.sleep(0.05)
    finally:
        with suppress(ProcessLookupError):
            os.kill(pip, signal.SIGKILL)


@POSIX
def test_becomes_the_command(tmp_path: Path) -> None:
    code = (
        "import os, runpy, sys\nprint(os.getpid(), flush=True)\n"
        f"runpy.run_path({str(ROOT / 'start.py')!r})['replace_by']"
        "([sys.executable, '-c', 'import os; print(os.getpid()); raise SystemExit(4)'])"
    )
    begin = time.monotonic()
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    before, after = done.stdout.split()
    assert (before, done.returncode) == (after, 4)
    assert time.monotonic() - begin < 20


@POSIX
def test_becomes_the_command_though_its_streams_are_closed() -> None:
    code = (
        f"import runpy, sys; runpy.run_path({str(ROOT / 'start.py')!r})['replace_by']"
        "([sys.executable, '-c', 'raise SystemExit(4)'])"
    )
    shell = f"{shlex.join([sys.executable, '-c', code])} <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", shell], check=False).returncode == 4
