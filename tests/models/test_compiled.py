"""What compiles the kernels: where it works, and what it said where it failed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from models import compiled

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Compiler = Callable[[str], str]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="compilers that are shell scripts")


@pytest.fixture
def tried(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Compiler]:
    """Tries a compiler that does this when it compiles; what runs then, in words."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    script = tmp_path / "cc"
    monkeypatch.setattr(compiled, "compilers", lambda: [(str(script),)])

    def words(does: str) -> str:
        script.write_text(f"#!/bin/sh\ntest $# -eq 1 && exit 0\n{does}\nexit 1\n")
        script.chmod(0o755)
        compiled.library.cache_clear()
        return compiled.library("models", "latent_path", ("-DSTATE=1",))[1]

    yield words
    compiled.library.cache_clear()


def test_why_a_compiler_failed_is_told_in_its_own_words(tried: Compiler) -> None:
    """The command it was called by was, 300 characters without the reason."""
    says = "echo in the kernel: >&2; echo kernel.c:467: fatal error: no space >&2"
    assert tried(says).endswith("could not be built: kernel.c:467: fatal error: no space)")
    assert "returned non-zero exit status 1" in tried("")


def test_a_compiler_needs_no_temporary_folder_of_the_system(
    tried: Compiler, tmp_path: Path
) -> None:
    """One that was full cost the kernel."""
    seen = tmp_path / "seen"
    tried(f'echo "$TMPDIR" > {seen}')
    assert str(tmp_path / "twinrig") in seen.read_text()
