"""C sources of ours: compiled once a machine and source, loaded with ctypes, shared by threads.

Decision: a shared library compiled on first use with whatever C compiler there is, not a wheel.
Context: `-march=native` is worth a factor of three. A rig PC seldom has a compiler, nor does a bare
Debian: pip's `ziglang` is one for every system (the extra `compiler`; `start.py` adds it where none
is found), whose code is as fast as GCC's.
Consequence: without any PyTorch does the same, of the virtual nanoring array numpy; every fit and
training notes which one runs. `TWINRIG_KERNEL=torch` forces both.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import platformdirs

from models.paths import anything_at

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")
COMPILERS = ("cc", "gcc", "clang")
FLAGS = (
    "-O3",
    "-march=native",
    "-std=c11",
    "-shared",
    "-fPIC",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
)
VERSION_TIMEOUT_S = 30.0  # ziglang's first start on a slow disk
COMPILE_TIMEOUT_S = 120.0
MOST_THREADS = 4


@functools.cache
def library(package: str, name: str, given: tuple[str, ...]) -> tuple[ctypes.CDLL | None, str]:
    """The source `name.c` of a package, compiled with these definitions; and what runs, in words.

    None where it is not to be had, with the reason. The source gives `source_hash()`.
    """
    if os.environ.get("TWINRIG_KERNEL") == "torch":
        return None, "PyTorch (TWINRIG_KERNEL=torch)"
    words = "PyTorch (no C compiler found; `pip install ziglang` is one)"
    for compiler in compilers():
        try:
            return _load(compiler, package, name, given)
        except (OSError, subprocess.SubprocessError) as error:
            words = f"PyTorch (the C kernel could not be built: {_why(error)})"
    return None, words


def _why(error: OSError | subprocess.SubprocessError) -> str:
    """What went wrong; of a compiler its own last words, not the command that it was called by."""
    said: bytes = getattr(error, "stderr", None) or b""
    lines = [line for line in said.decode(errors="replace").splitlines() if line.strip()]
    wrong = [line for line in lines if "error" in line] or lines
    return wrong[0].strip() if wrong else str(error)


def compilers() -> list[tuple[str, ...]]:
    """How each C compiler of this computer is called: the system's own, then pip's `ziglang`.

    On Windows that only: there GCC keeps a stack aligned to 16 bytes and puts wider vectors on it
    all the same (GCC's bug 54412), and the others speak another dialect of options.
    """
    system = () if sys.platform == "win32" else COMPILERS
    found: list[tuple[str, ...]] = [(path,) for path in map(shutil.which, system) if path]
    if importlib.util.find_spec("ziglang"):
        found.append((sys.executable, "-P", "-m", "ziglang", "cc"))
    return found


def _load(
    compiler: tuple[str, ...], package: str, name: str, given: tuple[str, ...]
) -> tuple[ctypes.CDLL | None, str]:
    code = resources.files(package).joinpath(f"{name}.c").read_bytes()
    asked = subprocess.run(
        [*compiler, "--version"], capture_output=True, timeout=VERSION_TIMEOUT_S, check=True
    )
    version = asked.stdout.decode(errors="replace").partition("\n")[0].strip()
    if len(compiler) > 1:
        version += " of ziglang"
    built_for = repr((version, FLAGS, given, platform.machine(), _processor()))
    digest = hashlib.sha256(code + built_for.encode()).hexdigest()[:24]
    folder = Path(platformdirs.user_cache_dir("twinrig"))
    target = folder / f"{name.replace('_', '-')}-{digest}.so"
    if not anything_at(target):
        folder.mkdir(parents=True, exist_ok=True)
        _compile(compiler, code, (f'-DSOURCE_HASH="{digest}"', *given), target)
    loaded = ctypes.CDLL(str(target))
    loaded.source_hash.restype = ctypes.c_char_p
    if loaded.source_hash() != digest.encode():
        return None, f"PyTorch ({target} was built from another source: delete it)"
    return loaded, f"C kernel ({version})"


def _compile(compiler: tuple[str, ...], code: bytes, given: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file, built = Path(folder) / "kernel.c", Path(folder) / "kernel.so"
        file.write_bytes(code)
        command = [*compiler, *FLAGS, *given, str(file), "-o", str(built), "-lm"]
        places = ("TMPDIR", "TMP", "TEMP", "ZIG_GLOBAL_CACHE_DIR", "ZIG_LOCAL_CACHE_DIR")
        subprocess.run(
            command,
            check=True,
            capture_output=True,
            timeout=COMPILE_TIMEOUT_S,
            # else ziglang's pieces of a C library stay for good, and a full TMPDIR ends it
            env=os.environ | dict.fromkeys(places, folder),
        )
        try:
            os.replace(built, target)
        except PermissionError:  # Windows: a process beside this one was sooner and has it loaded
            if not anything_at(target):
                raise


def _processor() -> str:
    """The processor's name: a home folder may be shared between machines of different kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x for x in lines if x.startswith("flags")), platform.processor())


def threads_ignored() -> str:
    """What `TWINRIG_THREADS` says where that is no number of threads; else empty."""
    given = os.environ.get("TWINRIG_THREADS", "")
    return "" if given.isdecimal() and int(given) > 0 else given


def threads() -> int:
    """Cores that this process may use, four at most; `TWINRIG_THREADS` says otherwise."""
    if (given := os.environ.get("TWINRIG_THREADS")) and not threads_ignored():
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_THREADS)


def in_parts(batch: int, most: int, tile: int, part: Callable[[int, int], T]) -> list[T]:
    """What `part(first, count)` returns for a batch in `most` parts of whole tiles, in their order.

    Each but the first runs in a thread: `ctypes` lets go of Python's lock.
    """
    size = -(-batch // max(most, 1) // tile) * tile
    firsts = range(0, max(batch, 1), max(size, tile))
    counts = [min(size, batch - first) for first in firsts]
    if len(counts) == 1:
        return [part(0, batch)]
    others = [
        _pool(len(counts)).submit(part, first, count)
        for first, count in zip(firsts[1:], counts[1:], strict=True)
    ]
    return [part(0, counts[0]), *(other.result() for other in others)]


@functools.cache
def _pool(parts: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(parts - 1, thread_name_prefix="kernel")
