"""Nothing is unpickled or evaluated: the source is searched, and every reader is fed a bomb."""

from __future__ import annotations

import ast
import io
import os
import pickle
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from app.config import load_settings
from app.deployment_store import load_deployment
from app.fit_checkpoint import load_checkpoint
from app.importing.reading import read_all
from app.library.library import Library
from app.store import RecordingWriter, load_network, load_twin, read_recording, sequences_from
from instruments.bench_file import read_bench
from models.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("app", "instruments", "models", "training", "resources")
MODULES = {
    "pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "yaml",
    "copyreg", "pandas", "jsonpickle",
}  # fmt: skip
CALLS = {"eval", "exec", "compile", "__import__"}
METHODS = {
    "torch.load", "torch.save", "torch.jit.load", "np.fromfile", "np.genfromtxt", "np.load",
    "np.save", "numpy.load", "scipy.io.loadmat", "pd.read_pickle", "os.system", "os.popen",
}  # fmt: skip
SAFE_WITH = {"np.load": "allow_pickle", "np.save": "allow_pickle"}
PIPES = {"app/operations/child.py"}
"""multiprocessing pickles what goes through the unnamed pipe to a child that this program started
itself; no file and no other program can put a byte into it."""


def sources() -> list[Path]:
    """Every module of the app."""
    found = [path for name in PACKAGES for path in (ROOT / name).rglob("*.py")]
    return [*found, ROOT / "start.py"]


def findings(path: Path) -> list[str]:
    """What a module does that could run what a file says."""
    tree = ast.parse(path.read_text("utf-8"))
    found = []
    for node in ast.walk(tree):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        found += [f"line {node.lineno}: imports {n}" for n in names if n.split(".")[0] in MODULES]
        if "multiprocessing" in names and _relative(path) not in PIPES:
            found.append(f"line {node.lineno}: multiprocessing, whose pipes pickle")
        if isinstance(node, ast.Call):
            found += _of_call(node)
    return found


def _of_call(node: ast.Call) -> list[str]:
    called = ast.unparse(node.func)
    keywords = {word.arg: ast.unparse(word.value) for word in node.keywords}
    if keywords.get("shell") == "True":
        return [f"line {node.lineno}: {called} through a shell"]
    if called in SAFE_WITH and keywords.get(SAFE_WITH[called]) == "False":
        return []
    if called in CALLS or called in METHODS:
        return [f"line {node.lineno}: calls {called}"]
    return []


def _relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def test_no_module_unpickles_evaluates_or_runs_a_shell() -> None:
    found = {_relative(path): lines for path in sources() if (lines := findings(path))}
    assert found == {}
    assert len(sources()) > 150


@pytest.mark.parametrize(
    "code",
    [
        "import pickle", "from joblib import load", "eval('1')", "np.load(f)", "torch.load(f)",
        "np.load(f, allow_pickle=True)", "subprocess.run('x', shell=True)",
        "import multiprocessing",
    ],
)  # fmt: skip
def test_the_search_finds_what_it_looks_for(code: str, tmp_path: Path) -> None:
    path = ROOT / "app" / "not_there.py"
    bad = tmp_path / "bad.py"
    bad.write_text(code)

    class Bad(type(path)):  # type: ignore[misc]
        """A module of the app with this text."""

        def read_text(self, encoding: str | None = None, errors: str | None = None) -> str:
            return bad.read_text(encoding, errors)

    assert findings(Bad(path))


class Bomb:
    """Touches a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.mkdir, (str(self.path),))


def bombs(target: Path) -> dict[str, bytes]:
    """The bomb as it may come: bare, in every protocol, in numpy's files, in torch's."""
    bomb = Bomb(target)
    made = {f"protocol {p}": pickle.dumps(bomb, protocol=p) for p in range(6)}
    array = np.empty(1, dtype=object)
    array[0] = bomb
    npy, npz, torch = io.BytesIO(), io.BytesIO(), io.BytesIO()
    np.save(npy, array, allow_pickle=True)
    np.savez(npz, values=array)
    with zipfile.ZipFile(torch, "w") as archive:
        archive.writestr("archive/data.pkl", made["protocol 2"])
        archive.writestr("archive/version", "3")
    return {**made, "npy": npy.getvalue(), "npz": npz.getvalue(), "torch": torch.getvalue()}


READERS: dict[str, Callable[[Path], object]] = {
    "twin.json": load_twin,
    "network.json": load_network,
    "deployment.json": load_deployment,
    "recording.nc": read_recording,
    "journal.bin": lambda path: read_recording(path.parent),
    "run.lock": lambda path: RecordingWriter.resume(path.parent),
    "checkpoint.safetensors": lambda path: load_checkpoint(path.parent),
    "weights.safetensors": lambda path: load_twin(path.parent),
    "sequences.json": sequences_from,
    "bench.toml": read_bench,
    "measured.npz": read_all,
    "measured.npy": read_all,
    "measured.csv": read_all,
    "measured.nc": read_all,
}


def test_a_bomb_goes_off_where_it_is_unpickled(tmp_path: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(tmp_path / "boom")))
    assert (tmp_path / "boom").is_dir()
    np.load(io.BytesIO(bombs(tmp_path / "again")["npy"]), allow_pickle=True)
    assert (tmp_path / "again").is_dir()


@pytest.mark.parametrize("name", READERS)
def test_no_reader_sets_a_bomb_off(name: str, tmp_path: Path) -> None:
    target = tmp_path / "boom"
    contents = bombs(target)
    if name.endswith(".nc") and name.startswith("measured"):
        contents = {"npy": contents["npy"], "protocol 5": contents["protocol 5"]}  # a child each
    for kind, content in contents.items():
        folder = tmp_path / kind
        folder.mkdir()
        (folder / name).write_bytes(content)
        with pytest.raises(InputError):
            READERS[name](folder / name)
        assert not target.exists(), f"{name} as {kind}"
    assert Library(tmp_path).artefacts() is not None
    assert not target.exists()


def test_settings_of_the_window_are_no_pickle(tmp_path: Path) -> None:
    for content in bombs(tmp_path / "boom").values():
        (tmp_path / "window.json").write_bytes(content)
        load_settings(tmp_path / "window.json")
    assert not (tmp_path / "boom").exists()
