"""Damage to a folder of files: cut, flipped, exchanged, replaced by what is no file; from a seed.

A case is one or two damages to a working copy of an artefact's folder. Nothing here knows what the
files mean; `fuzz_forgeries` writes files that look right.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Callable
    from pathlib import Path

    Damage = Callable[[Path, random.Random, "Folder"], str]

MOST_FLIPS = 64
RUBBISH = (
    b"",
    b"\0" * 4096,
    b"hello\n",
    b"{}",
    b"[]",
    b"null",
    b"[" * 20000,
    b'{"a":' * 20000,
    b'{"kind": "twin", "schema": NaN}',
    b'{"kind": "network", "schema": 1e999}',
    b'{"kind": "recording", "schema": ' + b"9" * 5000 + b"}",
    b"\x89HDF\r\n\x1a\n",
    b"\x89HDF\r\n\x1a\n" + b"\xff" * 300,
    b"twinrig journal 1\nrunning    \n",
    b"twinrig journal 2\nrunning    \n",
    b"\xff\xff\xff\xff\xff\xff\xff\x7f{}",
    b"PK\x03\x04" + b"\0" * 200,
    b"\x80\x04\x95" + b"x" * 50,
    "ÿ\ud7ff ünïcode".encode("utf-16"),
)


class Folder:
    """An artefact's folder that can be damaged and brought back."""

    def __init__(self, original: Path, work: Path) -> None:
        self.original, self.work = original, work
        self.files = sorted(
            str(p.relative_to(original)) for p in original.rglob("*") if p.is_file()
        )
        self.strangers: list[bytes] = []
        self.restore()

    def restore(self) -> None:
        """Make the working copy like the original again."""
        if self.work.is_symlink() or self.work.is_file():
            self.work.unlink()
        shutil.rmtree(self.work, ignore_errors=True)
        shutil.copytree(self.original, self.work)

    def digest(self) -> str:
        """Of every name and byte in the working copy."""
        digest = hashlib.sha256()
        for path in sorted(self.work.rglob("*")):
            digest.update(f"{path.relative_to(self.work)}\n".encode())
            if path.is_file() and not path.is_symlink():
                digest.update(path.read_bytes())
        return digest.hexdigest()

    def is_as_it_was(self, file: str) -> bool:
        """Whether a file of the working copy is that of the original."""
        path = self.work / file
        return path.is_file() and path.read_bytes() == self.content(file)

    def content(self, file: str) -> bytes:
        """Of the original."""
        return (self.original / file).read_bytes()


def cut(path: Path, rng: random.Random, folder: Folder) -> str:
    """Truncated at any byte."""
    content = path.read_bytes()
    at = rng.randrange(len(content)) if content else 0
    path.write_bytes(content[:at])
    return f"cut at {at}"


def flip(path: Path, rng: random.Random, folder: Folder) -> str:
    """One to many bits, anywhere."""
    content = bytearray(path.read_bytes())
    count = rng.choice((1, 1, 1, 2, 3, 8, MOST_FLIPS))
    places = [rng.randrange(len(content) * 8) for _ in range(count if content else 0)]
    for place in places:
        content[place // 8] ^= 1 << place % 8
    path.write_bytes(content)
    return f"flip bits {places[:4]}"


def move_bytes(path: Path, rng: random.Random, folder: Folder) -> str:
    """A block overwritten, doubled, inserted or taken out."""
    content = path.read_bytes()
    at, size = rng.randrange(len(content) + 1), rng.choice((1, 4, 16, 100, 512, 4096))
    block = rng.choice((bytes(size), rng.randbytes(size), content[at : at + size]))
    kind = rng.choice(("overwrite", "insert", "remove", "append"))
    if kind == "overwrite":
        content = content[:at] + block + content[at + size :]
    elif kind == "insert":
        content = content[:at] + block + content[at:]
    elif kind == "remove":
        content = content[:at] + content[at + size :]
    else:
        content += block
    path.write_bytes(content)
    return f"{kind} {size} at {at}"


def rubbish(path: Path, rng: random.Random, folder: Folder) -> str:
    """Something else in the file's place."""
    content = rng.choice((*RUBBISH, rng.randbytes(rng.randrange(2000))))
    path.write_bytes(content)
    return f"rubbish {content[:20]!r}"


def stranger(path: Path, rng: random.Random, folder: Folder) -> str:
    """Another artefact's file, or another file of this one."""
    others = [folder.content(file) for file in folder.files]
    path.write_bytes(rng.choice([*folder.strangers, *others]))
    return "stranger"


def no_file(path: Path, rng: random.Random, folder: Folder) -> str:
    """Missing, a folder, a loop of links, a link to nowhere, an endless pipe."""
    path.unlink()
    kinds = ["missing", "folder"]
    if os.name == "posix":
        kinds += ["loop", "dangling", "to folder", "pipe", "zero"]
    kind = rng.choice(kinds)
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind != "missing":
        targets = {"loop": path.name, "dangling": "nowhere", "to folder": ".", "zero": "/dev/zero"}
        path.symlink_to(targets[kind])
    return kind


DAMAGES: tuple[Damage, ...] = (cut, cut, flip, flip, flip, move_bytes, rubbish, stranger, no_file)


def damage(folder: Folder, rng: random.Random) -> str:
    """Damage one file of the working copy, sometimes two; returns words that say how."""
    words = []
    for file in rng.sample(folder.files, min(len(folder.files), rng.choice((1, 1, 1, 2)))):
        made = rng.choice(DAMAGES)
        words.append(f"{file}: {made(folder.work / file, rng, folder)}")
    return "; ".join(words)
