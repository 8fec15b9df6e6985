"""Which page shows an artefact of the Library, and what the button says that opens it."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from app.gui.words import BEING_READ
from app.library.kinds import BEGUN

if TYPE_CHECKING:
    from app.library.index import Entry

OPENS = {
    "cal": "calibrate", "rec": "twin", "twin": "twin", "net": "network", "dep": "deploy",
    "sweep": "network", "tab": "network",
}  # fmt: skip
"""The page that shows an artefact; of others it is their report."""
MAKES = {**OPENS, "rec": "record", "cmp": "twin", "curve": "twin"}
"""The page whose form made it."""
OPENS_BEGUN = {"fit": "twin", "train": "network", "record": "record"}
"""The page that goes on with a run of a verb; of others it is the Deploy page."""


def page_of(entry: Entry) -> str:
    """The page on which an artefact is shown, or a run without its result goes on; empty: none."""
    if lacks_fits(entry):
        return "twin"
    if entry.kind == BEGUN:
        return OPENS_BEGUN.get(str(entry.facts.form["verb"]), "deploy")
    return OPENS.get(entry.kind, "")


def lacks_fits(entry: Entry) -> bool:
    """Whether it is a comparison of twins or a curve that ended early: it has no report yet."""
    return entry.kind in ("cmp", "curve") and entry.facts.status not in ("", "running")


class Opening(NamedTuple):
    """What the button says, what stands below it, and whether it can be pressed."""

    words: str
    cost: str
    role: str = ""
    can: bool = True


def opening(chosen: Entry | None, *, read: bool, any_there: bool) -> Opening:
    """Of the one entry that is chosen, if one is; `read`: what there is, is known."""
    if not read:
        return Opening("Open", BEING_READ, can=False)
    if not any_there:
        return Opening("Record something", "goes to the Record page")
    if chosen is None:
        return Opening("Open", "choose one artefact", can=False)
    if chosen.problem:
        return Opening("Open", chosen.problem, "fault", can=False)
    if not (page := page_of(chosen)):
        return Opening("Open", "its report")
    ended_early = chosen.kind == BEGUN or lacks_fits(chosen)
    goes_on = ", where it goes on" if ended_early else ""
    return Opening("Open", f"on the {page.capitalize()} page{goes_on}")
