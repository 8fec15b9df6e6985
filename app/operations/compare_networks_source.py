"""Where the networks of a comparison come from: the stochastic twin and its recordings."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from models.errors import InputError, raise_problems

if TYPE_CHECKING:
    from app.operations.compare_networks_plan import Plan


class Source:
    """The stochastic twin: what it was fitted on, and how many runs of the device that took."""

    def __init__(self, plan: Plan) -> None:
        from app.store import load_twin

        twins = [load_twin(Path(path)) for path in plan.twins]
        problems = []
        if twins[0].deterministic:
            problems.append(f"{plan.twin}: is deterministic; --twin takes the stochastic one")
        if len(twins) > 1 and not twins[1].deterministic:
            problems.append(f"{plan.deterministic}: has noise; --deterministic takes one without")
        self.recordings = [str(p["path"]) for p in twins[0].meta.get("parents", [])]
        missing = [path for path in self.recordings if not Path(path).exists()]
        if len(twins) == 1 and (missing or not self.recordings):
            problems.append(
                f"{plan.twin}: its recordings are not there ({', '.join(missing) or 'none named'}) "
                "to fit a deterministic twin: give one with --deterministic"
            )
        raise_problems(InputError, "compare-networks", problems)
        meta = twins[0].meta
        self.fitted: dict[str, Any] = {
            key: meta[key] for key in ("iterations", "seed") if key in meta
        }
        self.recorded = None if missing or not self.recordings else self._recorded()
        runs = "unknown" if self.recorded is None else str(self.recorded)
        self.words = f"runs of the device in the twin's recordings: {runs}"

    def _recorded(self) -> int:
        """Complete repeats of all recordings: each one reset and one sequence."""
        from app.store import read_recording

        return sum(int(read_recording(Path(path)).complete.sum()) for path in self.recordings)
