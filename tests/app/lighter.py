"""Less of what an operation's test pays for and doesn't ask about; `full` tests have all of it.

Scores of a twin rest on 200 halves of the repeats, baselines on four echo-state networks, each the
best of 175 by 16 passes: that so many are enough, and that the best is chosen as it should be, is
asked in tests/training.
"""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pytest

WORD = "TWINRIG_TESTS_LIGHTER"
"""In the environment of children that fork (`forked`): they compute as the test's process does."""
LESS = {
    ("training.halves", "SPLITS"): 20,
    ("training.baselines.echo_state", "NETWORKS"): 1,
    ("training.baselines.echo_state", "PASSES"): 2,
    ("training.baselines.echo_state", "LEAKS"): (0.4,),
    ("training.baselines.echo_state", "RADII"): (1.0,),
    ("training.baselines.echo_state", "INPUT_SCALES"): (0.7, 2.0),
}
_WHOLE: dict[tuple[str, str], object] = {}


def lighten(patch: pytest.MonkeyPatch) -> None:
    """Take less from here on, in the children that fork too."""
    for (module, name), value in LESS.items():
        _WHOLE.setdefault((module, name), getattr(import_module(module), name))
        patch.setattr(f"{module}.{name}", value)
    patch.setenv(WORD, "1")


def take_all(patch: pytest.MonkeyPatch) -> None:
    """Take what a user's operations take, though the module takes less."""
    for (module, name), value in _WHOLE.items():
        patch.setattr(f"{module}.{name}", value)
    patch.delenv(WORD, raising=False)


def lighten_child() -> None:
    """Take less for as long as this child lives, where its parent does."""
    if os.environ.get(WORD):
        for (module, name), value in LESS.items():
            setattr(import_module(module), name, value)
