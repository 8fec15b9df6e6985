#!/usr/bin/env python3
"""One command on a fresh machine: make `.venv`, install Twinrig into it once, run it.

    python3 start.py                     the window
    python3 start.py demo                any twinrig command: record, fit, train, deploy, …
    python3 start.py test [--full]       every check; further arguments go to pytest

Standard library only, and one file, however long: it runs before anything is installed, under
whatever Python is there, and is read by whoever must trust it first. It installs again when
`pyproject.toml` or a compiled source changed, or the folder was moved or copied.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections import deque
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

ROOT = Path(__file__).resolve().parent
VENV = ROOT / ".venv"
OLDEST, NEWEST = (3, 11), (3, 14)
BENCHMARKS = "tests/benchmarks"
WINDOWS = os.name == "nt"

# rig.md: without any one of these Qt's import or first window fails on a bare Debian
QT_PACKAGES = (
    "libxkbcommon0",
    "libegl1",
    "libgl1",
    "libfontconfig1",
    "libdbus-1-3",
    "fonts-dejavu-core",
)
GLIB_PACKAGES = ("libglib2.0-0t64", "libglib2.0-0")  # Debian 13 and later, Debian 12 and before
SCREEN_PACKAGES = (
    "libxcb-cursor0",
    "libxcb-icccm4",
    "libxcb-image0",
    "libxcb-keysyms1",
    "libxcb-randr0",
    "libxcb-render-util0",
    "libxcb-shape0",
    "libxcb-xkb1",
    "libxkbcommon-x11-0",
)
QT_CHECK = "from PyQt6 import QtWidgets, QtGui"
SAFE_CHECK = "import app.cli.main, app.operations.safe, pyvisa, pyvisa_py"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"
TORCH_NOTE = "start.py: PyTorch comes next, its build with CUDA, about 3 GB: {reason}"
TORCH_INSTEAD = """\
To take the CPU build (about 200 MB) instead, press Ctrl-C and run
  PIP_EXTRA_INDEX_URL={index} {command}"""
COMPILERS = ("cc", "gcc", "clang")  # as models/compiled.py looks for them
ELSEWHERE = ("PYTHONPATH", "PYTHONHOME", "PIP_TARGET", "PIP_PREFIX")  # each leads out of the venv


def say(text: str) -> None:
    """Tell the user what is going on (standard error: standard output belongs to the command)."""
    print(text, file=sys.stderr, flush=True)


def fail(text: str) -> NoReturn:
    """Say what is wrong and what to do, exit code 1."""
    say(f"start.py: {text}")
    raise SystemExit(1)


# ---------------------------------------------------------------- where things are


def venv_python(windows: bool = WINDOWS) -> Path:
    """The venv's interpreter."""
    return VENV / "Scripts" / "python.exe" if windows else VENV / "bin" / "python"


def venv_script(name: str, windows: bool = WINDOWS) -> Path:
    """A program that pip installed into the venv."""
    return VENV / "Scripts" / f"{name}.exe" if windows else VENV / "bin" / name


def installed_hash(root: Path = ROOT) -> str:
    """SHA-256 over `pyproject.toml` and the C sources: what an installation rests on."""
    digest = hashlib.sha256()
    for path in [root / "pyproject.toml", *sorted((root / "models").glob("*.c"))]:
        content = path.read_bytes().replace(b"\r\n", b"\n")
        digest.update(f"{path.name} {len(content)}\n".encode())
        digest.update(content)
    return digest.hexdigest()


def stamp_says(name: str, value: str) -> bool:
    """Whether the stamp `name` was written for `value`."""
    try:
        return (VENV / name).read_text(encoding="utf-8").strip() == value
    except OSError:
        return False


def write_stamp(name: str, value: str) -> None:
    """Write a stamp whole: it is what the next start believes."""
    partial = VENV / f"{name}.partial"
    partial.write_text(value + "\n", encoding="utf-8")
    os.replace(partial, VENV / name)


# ---------------------------------------------------------------- command lines


def run_command(arguments: Sequence[str]) -> list[str]:
    """Twinrig itself; -P: a folder `app` where the user stands is not ours."""
    return [str(venv_python()), "-P", "-m", "app", *arguments]


def test_steps(arguments: Sequence[str]) -> list[list[list[str]]]:
    """The checks in order, those of one row beside each other; what pytest is told by `arguments`.

    `--full` includes the long tests, the rest goes to pytest.

    All tests run on every core, one file more than there are cores at a time (many wait for a rig,
    a window, a process: two cores were idle for a fifth of it), and what measures runs by itself
    behind them; the long ones and what somebody chose run one after another, since many of them
    measure, too.
    """
    python = str(venv_python())
    rest = [word for word in arguments if word != "--full"]
    selection = [] if "--full" in arguments else ["-m", "not full"]
    tests = [[*selection, *rest]]
    if not arguments:
        at_a_time = str((os.cpu_count() or 1) + 1)
        # a crashed worker ends the run by its test's name: replaced, xdist 3.8 hung at the end
        spread = ["--dist", "loadfile", "--max-worker-restart=0"]
        side_by_side = ["-n", at_a_time, *spread, f"--ignore={BENCHMARKS}"]
        tests = [[*selection, *side_by_side, *rest], [*selection, BENCHMARKS, *rest]]
    # a cache of its own: of another platform mypy believes nothing and checks all anew
    win32 = ["--platform", "win32", "--cache-dir", ".mypy_cache/win32"]
    return [
        [[str(venv_script("ruff")), "check", "."]],
        [[str(venv_script("ruff")), "format", "--check", "."]],
        [[python, "-m", "mypy"], [python, "-m", "mypy", *win32]],  # each has one core for itself
        [[str(venv_script("lint-imports"))]],
        *([[python, "-m", "pytest", *words]] for words in tests),
    ]


def install_command(cpu_torch: str | None, index: str | None = None) -> list[str]:
    """Pip's command line; `cpu_torch` pins the CPU build, which may be of a further `index`.

    Where the system has no C compiler that serves the one of the extra `compiler` comes along.
    """
    extras = "dev" if not WINDOWS and any(map(shutil.which, COMPILERS)) else "dev,compiler"
    pin = [f"torch=={cpu_torch}"] if cpu_torch else []
    further = ["--extra-index-url", index] if index else []
    pip = [str(venv_python()), "-m", "pip"]
    return [*pip, "install", "--no-input", "--no-user", "-e", f".[{extras}]", *pin, *further]


def apt_line(packages: Sequence[str]) -> str:
    """The one line that a user without root has to run."""
    return f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"


def venv_package(version: tuple[int, int]) -> str:
    """Debian's package with venv and ensurepip of this Python."""
    return f"python{version[0]}.{version[1]}-venv"


def glib_package(os_release: str) -> str:
    """Debian's name of glib, by `/etc/os-release`: renamed in Debian 13 and Ubuntu 24.04."""
    found = dict(re.findall(r'^(\w+)="?([^"\n]*)"?$', os_release, flags=re.MULTILINE))
    number = re.match(r"\d+", found.get("VERSION_ID", ""))
    limit = 24 if found.get("ID") == "ubuntu" else 13
    renamed = number is None or int(number.group()) >= limit  # testing and sid have no number
    return GLIB_PACKAGES[0] if renamed else GLIB_PACKAGES[1]


def qt_packages(glib: str, screen: bool) -> list[str]:
    """What Qt needs of the system; with a screen also what its xcb platform needs."""
    return [*QT_PACKAGES, glib, *(SCREEN_PACKAGES if screen else ())]


def cpu_torch_of(listing: str) -> tuple[str | None, bool]:
    """The CPU build in the output of `pip index versions torch`, if any.

    Returns the version to pin (None: nothing to pin), and whether a CPU build is on offer.
    """
    line = re.search(r"^Available versions:(.*)$", listing, flags=re.MULTILINE)
    versions = [word.strip() for word in line.group(1).split(",")] if line else []
    cpu = [v for v in versions if v.endswith("+cpu") and (2, 4) <= _numbers(v)[:2] < (3, 0)]
    if not cpu:
        return None, False
    return max(cpu, key=_numbers), True


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(n) for n in re.findall(r"\d+", version.partition("+")[0]))


# ---------------------------------------------------------------- child processes


class Stopped(SystemExit):
    """A signal ended this program while a child ran; the code is the child's."""


def call(
    command: Sequence[str],
    env: dict[str, str] | None = None,
    *,
    aside: bool = False,
    holds: Sequence[int] = (),
) -> int:
    """Run a child as `call_all` does; its exit code."""
    return call_all([command], env, aside=aside, holds=holds)[0]


def call_all(
    commands: Sequence[Sequence[str]],
    env: dict[str, str] | None = None,
    *,
    aside: bool = False,
    holds: Sequence[int] = (),
) -> list[int]:
    """Run children in the repository; Ctrl-C and SIGTERM reach each once, and all are waited for.

    `aside`: what they print is people's, on standard error; a command's `--json` comes behind it.
    `holds`: descriptors that stay open as long as they live, too (not of Windows).
    One that can't be started is said and has the code 127, as `output_of` tells it; the others run.
    """
    how: dict[str, Any] = {"cwd": ROOT, "env": {**os.environ, **(env or {})}}
    if aside:
        how["stdout"] = 2
    if sys.platform == "win32":
        with _deaf():
            asked = [_started(command, how) for command in commands]
            return [_code(child) for child in asked]
    children: list[subprocess.Popen[bytes] | None] = []
    received: list[int] = []
    owed: deque[int] = deque()  # what has come while the children were still being started

    def pass_on() -> None:
        with suppress(IndexError):  # a second signal may come amid this and pass on both
            while True:
                number = owed.popleft()
                for child in children:
                    _tell(child, number)

    def forward(number: int, _frame: Any) -> None:
        received.append(number)
        owed.append(number)
        if len(children) == len(commands):
            pass_on()

    names = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = {number: signal.signal(number, forward) for number in names}
    try:
        for command in commands:
            own = {"start_new_session": True, "pass_fds": tuple(holds)}
            children.append(_started(command, {**how, **own}))
        pass_on()
        codes = [_code(child) for child in children]
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    if received:
        raise Stopped(next((code for code in codes if code > 0), 128 + received[0]))
    return [code if code >= 0 else 128 - code for code in codes]


def _started(command: Sequence[str], how: dict[str, Any]) -> subprocess.Popen[bytes] | None:
    """The running child; None where it can't be started, which is said."""
    try:
        return subprocess.Popen(list(command), **how)
    except OSError as fault:
        say(f"start.py: {command[0]} can't be started ({fault.strerror})")
        return None


def _code(child: subprocess.Popen[bytes] | None) -> int:
    """Wait for a child: its exit code, 127 of one that was never started."""
    return 127 if child is None else child.wait()


def _tell(child: subprocess.Popen[bytes] | None, number: int) -> None:
    """Signal a child's group; the number of one that has ended may be another's by now."""
    if child is not None and child.returncode is None and sys.platform != "win32":
        with suppress(ProcessLookupError):
            os.killpg(child.pid, number)


@contextmanager
def _deaf() -> Iterator[None]:
    """Windows gives Ctrl-C to every program of the console: the child answers it, we wait."""
    names = [signal.SIGINT, getattr(signal, "SIGBREAK", signal.SIGINT)]
    before = {number: signal.signal(number, lambda *_: None) for number in names}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def replace_by(command: Sequence[str]) -> NoReturn:
    """Become the command: its signals and its exit code are then simply its own."""
    if sys.stdout is not None:  # started with it closed
        sys.stdout.flush()
    if not WINDOWS:
        os.execv(command[0], list(command))
    with _deaf():
        raise SystemExit(subprocess.call(list(command)))


def output_of(
    command: Sequence[str], env: dict[str, str] | None = None, *, holds: Sequence[int] = ()
) -> tuple[int, str]:
    """Exit code and output of a short command; `holds` as of `call_all`."""
    environment = {**os.environ, **(env or {})}
    try:
        done = subprocess.run(
            list(command),
            cwd=ROOT,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
            pass_fds=() if WINDOWS else tuple(holds),
        )
    except OSError as fault:
        return 127, str(fault)
    return done.returncode, done.stdout


# ---------------------------------------------------------------- one set-up at a time


@contextmanager
def only_one() -> Iterator[int]:
    """Hold the set-up's lock, a descriptor; the system frees it when its owner dies.

    So none is ever stale. Of a start.py that was killed pip goes on: it holds the lock, too.
    """
    try:
        VENV.mkdir(exist_ok=True)
        file = (VENV / "start.lock").open("a+b")
    except OSError as fault:
        fail(
            f"{VENV} can't be written ({fault.strerror}): whose it is must run start.py once, also "
            "after each update; or clone into a folder of your own"
        )
    with file:
        told = False
        while not _try_lock(file):
            if not told:
                say("start.py: another start.py is setting up .venv; waiting for it")
                told = True
            time.sleep(0.3)
        yield file.fileno()


def _try_lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            file.seek(0)
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):
        return False
    except OSError as fault:
        say(f"start.py: this disk has no locks ({fault.strerror}); start it once at a time")
    return True


# ---------------------------------------------------------------- set-up


def set_up(needs_window: bool) -> None:
    """Make the venv and install into it where that is due, and check that Qt imports."""
    wanted = installed_hash()
    if _is_ready(wanted):
        return
    with only_one() as lock:
        if _is_ready(wanted):
            return
        if not stamp_says("installed", wanted) or not _venv_works():
            _install(wanted, [lock])
        _check_qt(wanted, needs_window)


def _is_ready(wanted: str) -> bool:
    stamped = stamp_says("installed", wanted) and stamp_says("qt", wanted)
    return stamped and os.path.exists(venv_python()) and _is_in_its_place()


def _is_in_its_place() -> bool:
    """Whether the venv lies where it was made: in a moved or copied folder it names the old one.

    There it would find no Twinrig, or silently run the other folder's.
    """
    try:
        config = (VENV / "pyvenv.cfg").read_text(encoding="utf-8")
    except OSError:
        return False
    made = re.search(
        r'^command = .* -m venv (?:--(?:prompt=".*?"|\S+) )*(.+)$', config, re.MULTILINE
    )
    return made is None or Path(made.group(1)).resolve() == VENV.resolve()  # None: by virtualenv


def _venv_works() -> bool:
    code, _ = output_of([str(venv_python()), "-m", "pip", "--version"])
    return code == 0 and _is_in_its_place()


def _install(wanted: str, holds: Sequence[int] = ()) -> None:
    if not _venv_works():
        _make_venv(holds)
    say(f"start.py: installing Twinrig into {VENV} (once; some minutes)")
    if call(install_command(*_torch_choice()), aside=True, holds=holds) != 0:
        fail(
            "the installation failed, pip says why above (no network? a full disk?); "
            "the same command tries again"
        )
    write_stamp("installed", wanted)


def _torch_choice() -> tuple[str | None, str | None]:
    """The CPU build to pin (None: whatever pip finds), and the index that has it besides pip's own.

    Pip's own configuration is asked first. PyPI has builds with CUDA only for Linux: where no card
    of NVIDIA is there, PyTorch's index of CPU builds is asked, unless pip was given an index.
    """
    cpu_torch, offered = cpu_torch_of(_torch_versions())
    if offered or not sys.platform.startswith("linux"):  # elsewhere PyPI has CPU builds
        return cpu_torch, None
    if _has_nvidia_card():
        reason = "this computer has a card of NVIDIA"
    elif _has_own_index():
        reason = "the index that pip was given offers no CPU build"
    else:
        asked = _torch_versions("--index-url", CPU_INDEX, "--timeout", "10", "--retries", "1")
        cpu_torch, offered = cpu_torch_of(asked)
        if offered:
            say(f"start.py: no card of NVIDIA: PyTorch's CPU build (about 200 MB) of {CPU_INDEX}")
            return cpu_torch, CPU_INDEX
        say(TORCH_NOTE.format(reason=f"{CPU_INDEX}, which has CPU builds, gave none"))
        return None, None
    command = " ".join(["python3", "start.py", *sys.argv[1:]])
    say(TORCH_NOTE.format(reason=reason))
    say(TORCH_INSTEAD.format(index=CPU_INDEX, command=command))
    return None, None


def _torch_versions(*options: str) -> str:
    """What pip says of PyTorch's versions."""
    return output_of([str(venv_python()), "-m", "pip", "index", "versions", "torch", *options])[1]


def _has_nvidia_card() -> bool:
    driver = Path("/proc/driver/nvidia/version").exists()
    return driver or shutil.which("nvidia-smi") is not None


def _has_own_index() -> bool:
    """Whether pip was told of an index: who has a mirror has a reason."""
    listing = output_of([str(venv_python()), "-m", "pip", "config", "list"])[1]
    return re.search(r"index[-_]url|no[-_]index", listing, flags=re.IGNORECASE) is not None


def _make_venv(holds: Sequence[int]) -> None:
    if (VENV / "pyvenv.cfg").exists() and not _is_in_its_place():
        say("start.py: this folder was moved or copied; making its .venv anew")
    python = _suitable_python()
    _need_venv_modules(python)
    for path in VENV.iterdir():  # whatever is left of an old or half-made one
        if path.name != "start.lock":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
    code, output = output_of([python, "-m", "venv", str(VENV)], holds=holds)
    if code != 0:
        fail(f"{python} -m venv failed:\n{output}")


def _suitable_python() -> str:
    """An interpreter that Twinrig runs on: this one, or another of the system."""
    if OLDEST <= sys.version_info[:2] <= NEWEST:
        return sys.executable
    for minor in range(NEWEST[1], OLDEST[1] - 1, -1):
        found = shutil.which(f"python3.{minor}")
        if found:
            return found
    here = ".".join(str(n) for n in sys.version_info[:2])
    fail(
        f"this is Python {here}; Twinrig runs on 3.{OLDEST[1]} to 3.{NEWEST[1]}: install one and "
        f"start it by name, e.g. python3.{NEWEST[1]} start.py"
    )


def _need_venv_modules(python: str) -> None:
    """Debian ships Python without venv or ensurepip: install them, or say the one line."""
    if _has_venv_modules(python):
        return
    code, output = output_of([python, "-c", "import sys; print(*sys.version_info[:2])"])
    major, minor = (int(n) for n in output.split()) if code == 0 else sys.version_info[:2]
    package = venv_package((major, minor))
    if _may_apt():
        say(f"start.py: this Python has no venv; installing {package}")
        _apt_install([[package], ["python3-venv"]])
        if _has_venv_modules(python):
            return
    what = "" if shutil.which("apt-get") else " (or what your system calls it)"
    fail(f"{python} has no venv or ensurepip; run this{what}, then again:\n  {apt_line([package])}")


def _has_venv_modules(python: str) -> bool:
    if python == sys.executable:
        importlib.invalidate_caches()
        return all(importlib.util.find_spec(name) for name in ("venv", "ensurepip"))
    return output_of([python, "-c", "import venv, ensurepip"])[0] == 0


def _may_apt() -> bool:
    if sys.platform == "win32" or shutil.which("apt-get") is None:
        return False
    return os.geteuid() == 0


def _apt_install(choices: Sequence[Sequence[str]]) -> bool:
    """Install the first choice of packages that this Debian has; True when one went in."""
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    call(["apt-get", "update", "-qq"], quiet, aside=True)
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    return any(call([*command, *packages], quiet, aside=True) == 0 for packages in choices)


def _check_qt(wanted: str, needs_window: bool) -> None:
    """Import Qt in the venv; where that fails, install its system libraries or say the line."""
    fault = _qt_fault()
    screen = bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
    if fault and _may_apt():
        say("start.py: Qt misses libraries of the system; installing them")
        likely = glib_package(_os_release())
        names = sorted(GLIB_PACKAGES, key=lambda name: name != likely)
        _apt_install([qt_packages(glib, screen) for glib in names])
        fault = _qt_fault()
    if not fault:
        write_stamp("qt", wanted)
        return
    packages = qt_packages(glib_package(_os_release()), screen)
    text = f"Qt doesn't import ({fault}); on Debian or Ubuntu run\n  {apt_line(packages)}"
    if needs_window:
        fail(text)
    say(f"start.py: {text}\nthis command needs no window and goes on")


def _qt_fault() -> str:
    command = [str(venv_python()), "-c", QT_CHECK]
    code, output = output_of(command, {"QT_QPA_PLATFORM": "offscreen"})
    lines = output.strip().splitlines()
    return "" if code == 0 else (lines[-1] if lines else f"exit code {code}")


def _os_release() -> str:
    try:
        return Path("/etc/os-release").read_text(encoding="utf-8")
    except OSError:
        return ""


# ---------------------------------------------------------------- what the user asked for


def run_tests(arguments: Sequence[str]) -> int:
    """Run every check, also after a failure; 1 when any failed."""
    table = []
    for commands in test_steps(arguments):
        shown = [" ".join([Path(command[0]).stem, *command[1:]]) for command in commands]
        say("\n" + "\n".join(f"── {words}" for words in shown))
        begin = time.monotonic()
        codes = call_all(commands, {"QT_QPA_PLATFORM": "offscreen"})
        seconds = time.monotonic() - begin
        table += [(words, code, seconds) for words, code in zip(shown, codes, strict=True)]
    say("")
    for words, code, seconds in table:
        say(f"{'ok    ' if code == 0 else 'FAILED'} {seconds:6.1f} s  {words}")
    return 1 if any(code for _, code, _ in table) else 0


def _safe_as_it_is(arguments: Sequence[str]) -> bool:
    """Whether a rig is to be made safe, and what is installed does it although an update waits.

    Decision: current may be flowing. An update takes minutes, a network and the right to write.
    """
    if list(arguments[:1]) != ["safe"] or _is_ready(installed_hash()) or not _is_in_its_place():
        return False
    return output_of([str(venv_python()), "-P", "-c", SAFE_CHECK])[0] == 0


def main(arguments: Sequence[str]) -> NoReturn:
    """Set up, then test or become the command; the venv alone says what is imported.

    Of another `PYTHONPATH` pip would leave out what lies there, and a folder `app` would be run.
    """
    for name in ELSEWHERE:
        os.environ.pop(name, None)
    if _safe_as_it_is(arguments):
        say("start.py: an update is not installed yet; the rig is made safe first, as it is")
        replace_by(run_command(arguments))
    testing = bool(arguments) and arguments[0] == "test"
    try:
        set_up(needs_window=testing or not arguments)
    except Stopped:
        raise KeyboardInterrupt from None
    if testing:
        raise SystemExit(run_tests(arguments[1:]))
    replace_by(run_command(arguments))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except KeyboardInterrupt:
        say("start.py: stopped; the same command goes on from here")
        raise SystemExit(130) from None
