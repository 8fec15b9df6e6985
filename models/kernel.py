"""The C kernel of the latent path: compiled once a machine and source, loaded with ctypes.

Decision: a shared library compiled on first use with whatever C compiler there is, not a wheel.
Context: `-march=native` is worth a factor of three; most Windows rig PCs have no compiler.
Consequence: without a compiler the PyTorch path does the same; `describe()` says which one runs,
and every fit and training notes it. `TWINRIG_KERNEL=torch` forces the PyTorch path.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import os
import platform
import shutil
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import platformdirs
import torch

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from torch import Tensor

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
COMPILE_TIMEOUT_S = 120.0
ROOMS, MAX_HIDDEN = (16, 32), 128  # latent states that a kernel is built for; units
TILE = 16  # paths that the kernel takes at a time
SMALLEST_PART, SMALLEST_SHARE = 32, 1000  # paths, and steps of paths, that are worth a thread
MOST_THREADS = 4


@dataclass(frozen=True)
class Kernel:
    """The loaded library.

    Calls share a batch between threads (`ctypes` lets go of Python's lock) where each gets enough
    of it; `threads` of 1 keeps to the caller's.
    """

    library: ctypes.CDLL
    threads: int = 1

    def forward(
        self, start: Tensor, drive: Tensor, noise: Tensor, weights: Sequence[Tensor]
    ) -> Tensor:
        """States `(T, B, D)`; arguments as `LatentPath.forward`, contiguous float32 on the CPU."""
        states = torch.empty_like(noise)

        def part(first: int, count: int) -> None:
            self.library.forward(
                *_addresses(start, drive, noise, *weights),
                *_sizes(noise, weights, first, count),
                *_addresses(states),
            )

        self._in_parts(noise, part)
        return states

    def backward(
        self,
        start: Tensor,
        drive: Tensor,
        noise: Tensor,
        weights: Sequence[Tensor],
        states: Tensor,
        grad_states: Tensor,
        with_weights: bool,
    ) -> tuple[Tensor, Tensor, list[Tensor | None]]:
        """Gradients of start, drive and (if wanted) of the weights."""
        grad_start, grad_drive = torch.empty_like(start), torch.empty_like(drive)

        def part(first: int, count: int) -> list[Tensor | None]:
            grads = [torch.empty_like(w) if with_weights else None for w in weights]
            self.library.backward(
                *_addresses(start, drive, noise, *weights),
                *_sizes(noise, weights, first, count),
                *_addresses(states, grad_states, grad_start, grad_drive, *grads),
            )
            return grads

        total, *others = self._in_parts(noise, part)
        for grads in others:
            for one, other in zip(total, grads, strict=True):
                if one is not None and other is not None:
                    one += other
        return grad_start, grad_drive, total

    def _in_parts(self, noise: Tensor, part: Callable[[int, int], T]) -> list[T]:
        """What `part(first, count)` returns for the batch's parts, in their order."""
        steps, batch, _ = noise.shape
        most = min(self.threads, batch // SMALLEST_PART, steps * batch // SMALLEST_SHARE)
        size = -(-batch // max(most, 1) // TILE) * TILE
        firsts = range(0, max(batch, 1), max(size, TILE))
        counts = [min(size, batch - first) for first in firsts]
        if len(counts) == 1:
            return [part(0, batch)]
        others = [
            _pool(self.threads).submit(part, first, count)
            for first, count in zip(firsts[1:], counts[1:], strict=True)
        ]
        return [part(0, counts[0]), *(other.result() for other in others)]


@functools.cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads - 1, thread_name_prefix="kernel")


def _threads() -> int:
    """Cores that this process may use, four at most; `TWINRIG_THREADS` says otherwise."""
    given = os.environ.get("TWINRIG_THREADS", "")
    if given.isdecimal() and int(given) > 0:
        return int(given)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(cores or 1, MOST_THREADS)


def _addresses(*tensors: Tensor | None) -> list[ctypes.c_void_p]:
    return [ctypes.c_void_p(0 if t is None else t.data_ptr()) for t in tensors]


def _sizes(noise: Tensor, weights: Sequence[Tensor], first: int, count: int) -> list[ctypes.c_int]:
    numbers = (*noise.shape, weights[1].shape[0], first, count)
    return [ctypes.c_int(n) for n in numbers]


def suits(noise: Tensor, hidden: int) -> bool:
    """Whether a kernel's arrays hold this problem: float32 on the CPU, D ≤ 32, H ≤ 128."""
    fits = noise.shape[2] <= ROOMS[-1] and hidden <= MAX_HIDDEN
    return fits and noise.dtype == torch.float32 and noise.device.type == "cpu"


def source() -> bytes:
    """The C source."""
    return resources.files("models").joinpath("latent_path.c").read_bytes()


def load(latent: int = ROOMS[0]) -> tuple[Kernel | None, str]:
    """The kernel for so many latent states, or None, and the reason in words."""
    return _loaded(next((room for room in ROOMS if latent <= room), ROOMS[-1]))


@functools.cache
def _loaded(room: int) -> tuple[Kernel | None, str]:
    if os.environ.get("TWINRIG_KERNEL") == "torch":
        return None, "PyTorch (TWINRIG_KERNEL=torch)"
    compiler = next((p for p in map(shutil.which, COMPILERS) if p), None)
    if compiler is None:
        return None, "PyTorch (no C compiler found)"
    try:
        return _load(compiler, room)
    except (OSError, subprocess.SubprocessError) as error:
        return None, f"PyTorch (the C kernel could not be built: {error})"


def describe(latent: int = ROOMS[0], hidden: int = 0) -> str:
    """Which path a twin of these sizes runs by on this processor, in words."""
    if latent > ROOMS[-1] or hidden > MAX_HIDDEN:
        return (
            f"PyTorch (the C kernel, which is faster, holds {ROOMS[-1]} latent states and "
            f"{MAX_HIDDEN} hidden units at most: this twin has {latent} and {hidden})"
        )
    return load(latent)[1]


def _load(compiler: str, room: int) -> tuple[Kernel | None, str]:
    code = source()
    asked = subprocess.run([compiler, "--version"], capture_output=True, timeout=10, check=True)
    version = asked.stdout.decode(errors="replace").partition("\n")[0].strip()
    built_for = repr((version, FLAGS, room, platform.machine(), _processor()))
    digest = hashlib.sha256(code + built_for.encode()).hexdigest()[:24]
    folder = Path(platformdirs.user_cache_dir("twinrig"))
    target = folder / f"latent-path-{digest}.so"
    if not target.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _compile(compiler, code, (f'-DSOURCE_HASH="{digest}"', f"-DSTATE={room}"), target)
    library = ctypes.CDLL(str(target))
    library.source_hash.restype = ctypes.c_char_p
    if library.source_hash() != digest.encode():
        return None, f"PyTorch ({target} was built from another source: delete it)"
    library.forward.restype = library.backward.restype = None
    return Kernel(library, _threads()), f"C kernel ({version})"


def _compile(compiler: str, code: bytes, given: tuple[str, ...], target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        file, built = Path(folder) / "latent_path.c", Path(folder) / "kernel.so"
        file.write_bytes(code)
        command = [compiler, *FLAGS, *given, str(file), "-o", str(built)]
        subprocess.run(command, check=True, capture_output=True, timeout=COMPILE_TIMEOUT_S)
        try:
            os.replace(built, target)
        except PermissionError:  # Windows: a process beside this one was sooner and has it loaded
            if not target.exists():
                raise


def _processor() -> str:
    """The processor's name: a home folder may be shared between machines of different kinds."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((x for x in lines if x.startswith("flags")), platform.processor())
