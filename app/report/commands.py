"""The command lines that repeat what a report shows."""

from __future__ import annotations

from itertools import count, takewhile
from typing import TYPE_CHECKING, Any

from app.cli.network import words_of
from app.operations.reference import FOLDER as REFERENCE
from app.report.search import whole_iterations
from app.so_far import KEY as UNFINISHED
from app.train_request import several
from models.command import command_line
from models.paths import anything_at, file_at, folder_at
from models.wiring import layers_text
from training.fit_settings import can_have_members

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from app.report.run import Found
    from models.twin import Twin

BENCH = "BENCH.toml"  # the reader's own
BETTERED = {
    "recalibrate": ("steps",),
    "polish": ("runs", "rate", "seed"),
    "refine": (
        "rounds", "pieces", "repeats", "scoring", "scoring_repeats", "fit_iterations",
        "train_iterations", "piece_steps", "seed",
    ),
}  # fmt: skip
"""What betters a network on the device, and what its plan keeps that its command takes."""


def commands_of(found: Found) -> list[str]:
    """Commands that make the same artefacts anew, in the order of the thread."""
    from app.deployment import nodes_folder
    from app.report.network import read_deployment
    from app.store import load_network, load_twin, read_recording

    lines = []
    if anything_at(found.run / "demo.json"):
        from app.operations.demo import read_settings

        _, quick, seed = read_settings(found.run)
        lines.append(demo_command(quick, seed))
    for path in found.calibrations:
        lines.append(recording_command(path, 1, read_recording(path).meta))
    for path in found.recordings:
        if path.name == REFERENCE and path.parent in found.recordings:
            continue  # the recording around it makes it
        recording = read_recording(path)
        lines.append(recording_command(path, recording.response.shape[1], recording.meta))
    for path in found.twins:
        twin = load_twin(path)
        recordings = [parent["path"] for parent in twin.meta.get("parents", [])]
        lines.append(fit_command(path, recordings, twin))
    for path in found.networks:
        network = load_network(path)
        twins = [twin.path for twin in network.twins]
        nodes = [layer.nodes for layer in network.layers]
        made = train_command(path, twins, nodes, network.meta)
        words = bench_words([device.bench for device in network.devices])
        lines.append(bettered_command(path, words) or made)
    for path in found.deployments:
        body = read_deployment(path).body
        played = takewhile(folder_at, (path / nodes_folder(k) for k in count()))
        words = bench_words([read_recording(one).meta.get("bench") for one in played])
        words += _seed_of_runs(path)
        lines.append(deploy_command(path, str(body["network"]), words, body.get("repeats", 1)))
    if found.tables:
        from app.operations.compare_networks import table_command

        lines += [table_command(path) for path in found.tables]
    return lines


def notes_of(found: Found) -> list[str]:
    """What the commands don't repeat, in sentences."""
    from app.store import load_twin

    timed = [path.name for path in found.twins if "minutes" in load_twin(path).meta]
    if not timed:
        return []
    return [
        f"{', '.join(timed)}: ended by --minutes, in which no two fits come equally far; the "
        "command's iterations, as many as it came to, give a twin like it, not the same numbers."
    ]


def bench_words(names: Sequence[object]) -> list[str]:
    """`--bench` for each rig by the name it had: a built-in one's word, or the reader's file."""
    from instruments.bench_file import BUILT_IN, read_bench

    built_in = {read_bench(word).name: word for word in BUILT_IN}
    files = [BENCH] if len(names) < 2 else [f"BENCH-{k + 1}.toml" for k in range(len(names))]
    words = [built_in.get(str(name), file) for name, file in zip(names or [""], files, strict=True)]
    return [part for word in dict.fromkeys(words) for part in ("--bench", word)]


def recording_command(path: Path, repeats: int, meta: dict[str, Any]) -> str:
    """Command that makes a recording again as it was made, by whatever verb."""
    again = ["--sequences", path.resolve(), "--repeats", repeats]
    out = [*_seed(meta), "--out", _new(path)]
    if meta.get("simulated"):
        twins = [parent["path"] for parent in meta.get("parents", [])]
        return _line("simulate", *(twins or ["TWIN"]), *again, *out)
    if isinstance(plan := meta.get("calibration"), dict):
        asked = (("magnet", "magnet"), ("teslameter", "teslameter"), ("points", "points"),
                 ("share", "share"), ("settle", "settle_s"))  # fmt: skip
        options = [word for name, key in asked if key in plan for word in (f"--{name}", plan[key])]
        benches = bench_words([meta.get("bench")])
        return _line("bench", "calibrate", *benches, *options, *out)
    if isinstance(origin := meta.get("imported"), dict):
        mapped = ["--map", origin["map"]] if origin.get("map") else []
        return _line("import", origin.get("path", "FILE"), *mapped, "--out", _new(path))
    options = ["--blocked"] if meta.get("interleave") is False else []
    for option, name in (("--reference", "reference_steps"), ("--stop-at-drift", "stop_at_drift")):
        options += [option, meta[name]] if meta.get(name) else []
    return _line("record", *bench_words([meta.get("bench")]), *again, *options, *out)


def fit_command(path: Path, recordings: Sequence[str], twin: Twin) -> str:
    """Command that fits the twin again."""
    meta = twin.meta
    objective = meta.get("objective", "energy")  # named: what is usual hangs on repeats and machine
    kind = ["--deterministic"] if twin.deterministic else ["--objective", objective]
    before = meta.get("from")
    kind += ["--from", before["path"]] if isinstance(before, dict) else []
    if twin.noise_rank is not None and not isinstance(before, dict):  # else that one's structure
        kind += ["--noise-rank", twin.noise_rank]
    if can_have_members(objective) and not isinstance(before, dict):
        kind += ["--members", twin.members]
    iterations = _count(meta)
    if (whole := whole_iterations(meta)) is not None:
        kind, iterations = [*kind, "--search"], ["--iterations", whole]
    return _line("fit", *recordings, *kind, *iterations, *_seed(meta), "--out", _new(path))


def train_command(
    path: Path, twins: Sequence[str], layers: Sequence[int], meta: dict[str, Any]
) -> str:
    """Command that trains the network again."""
    nodes = layers_text(layers, meta.get("options", {}).get("parallel", ()))
    judge = ["--judge", *several(meta["judge"])] if meta.get("judge") else []
    judge += ["--readout-from-judge"] if meta.get("readout_from_judge") else []
    options = words_of(meta.get("options", {}))
    own = twins[: len(meta.get("twins", twins))]  # behind them stand those of an ensemble
    return _line(
        "train", "--task", meta.get("task", "TASK"), "--twin",
        *(own if len(set(own)) > 1 else own[:1]),
        "--layers", nodes, *judge, *options, *_count(meta), *_seed(meta), "--out", _new(path),
    )  # fmt: skip


def bettered_command(path: Path, benches: Sequence[str]) -> str | None:
    """Command that betters a network on the device again; None: it was only trained."""
    from app.artefacts import read_head
    from app.operations.recalibrate import KIND, RUN
    from app.operations.transfer_parts import SCHEMA

    kind = next((kind for kind in BETTERED if file_at(path / f"{kind}.json")), None)
    if kind is None:
        return None
    plan = read_head(path / f"{kind}.json", kind, SCHEMA)
    asked = {name: plan["asked"][name] for name in BETTERED[kind] if name in plan["asked"]}
    options = [
        word
        for name, value in asked.items()
        if value is not None
        for word in (f"--{name.replace('_', '-')}", value)
    ]
    options += _seed_of_runs(path / RUN) if kind == KIND else []  # the others' plans have it
    return _line(kind, plan["network"], *benches, *options, "--out", _new(path))


def deploy_command(path: Path, network: str, benches: Sequence[str], repeats: int = 1) -> str:
    """Command that runs the network on the device again."""
    averaged = ["--repeats", repeats] if repeats > 1 else []
    return _line("deploy", network, *benches, *averaged, "--out", _new(path))


def demo_command(quick: bool, seed: int) -> str:
    """Command that runs the demo again."""
    return _line("demo", *(["--quick"] if quick else []), "--seed", seed)


def _new(path: Path) -> str:
    return f"{path.name}-again"


def _seed(meta: dict[str, Any]) -> list[Any]:
    return ["--seed", meta["seed"]] if isinstance(meta.get("seed"), int) else []


def _seed_of_runs(path: Path) -> list[Any]:
    """`--seed` of a deployment on a virtual rig of the command's own: its noise."""
    from app.deployment import nodes_folder
    from app.store import read_recording

    nodes = path / nodes_folder(0)
    return _seed(read_recording(nodes).meta) if folder_at(nodes) else []


def _count(meta: dict[str, Any]) -> list[Any]:
    unfinished = meta.get(UNFINISHED)  # of a fit that goes on: what it was asked for
    count = unfinished.get("of") if isinstance(unfinished, dict) else meta.get("iterations")
    return ["--iterations", count] if isinstance(count, int) else []


def _line(*words: Any) -> str:
    return command_line(["twinrig", *map(str, words)])
