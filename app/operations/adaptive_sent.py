"""What a network sends to a bench's device, as sequences for a twin to be fitted on."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from app.store import load_network
from models.errors import InputError, RefusedError, raise_problems

if TYPE_CHECKING:
    from app.operations.adaptive_rounds import ForTwin
    from instruments.bench import Bench
    from models.sequence import FieldSequence


def sent_to(bench: Bench, asked: ForTwin) -> list[FieldSequence]:
    """Windows of what the network that is asked for sends to this bench; none without a network.

    Raises
    ------
    InputError
        The network can't be read, or its runs are shorter than a sequence.
    RefusedError
        None of its devices has the bench's drive window and reset.
    """
    if not asked.network:
        return []
    from training.acquire import sent_by

    network = load_network(Path(asked.network))
    known = (("window", bench.spec.window), ("reset", bench.spec.reset))
    played = [
        number
        for number, device in enumerate(network.devices)
        if all(getattr(device, name) == now for name, now in known)
    ]
    if not played:
        problems = [
            f"{name} of the network is {getattr(device, name)}, the bench's is {now}"
            for device in network.devices
            for name, now in known
            if getattr(device, name) != now
        ]
        raise_problems(RefusedError, asked.network, problems)
    sent = sent_by(network, asked.steps, played)
    if not sent:
        raise InputError(
            f"{asked.network}: its runs have {network.steps} steps, fewer than the {asked.steps} "
            "of a sequence: ask for shorter ones"
        )
    return sent
