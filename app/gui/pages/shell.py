"""The window as a page sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from pathlib import Path

    from app.gui.job import JobSpec
    from app.gui.served_rig import ServedRig
    from app.gui.theme import Theme
    from app.session import Session


class Shell(Protocol):
    """What a page may ask of the window around it."""

    theme: Theme
    session: Session
    log: list[str]
    bench_file: str

    def run(self, spec: JobSpec) -> bool:
        """Run an operation; False where another one runs."""

    def open_page(self, key: str, artefact: Path | None = None) -> None:
        """Go to a page, with an artefact chosen there."""

    def toast(self, text: str, level: str = "info", trace: str = "") -> None:
        """Say something without interrupting."""

    def stop(self) -> None:
        """Stop what runs."""

    def pause(self) -> None:
        """Pause what runs on the bench after its repeat, or let it go on."""

    def reconnect(self) -> None:
        """Connect the bench again, in a worker."""

    def open_bench(self, path: Path) -> None:
        """Close this bench and open another bench file."""

    def served_rig(self) -> ServedRig:
        """The virtual rig that the window serves on TCP, or could serve."""

    def fill_form(self, key: str, values: dict[str, Any]) -> None:
        """Put values into a page's form."""

    def use_virtual(self) -> None:
        """Go to the virtual rig."""

    def set_theme(self, mode: str) -> None:
        """Light, dark, or as the system."""

    def start_guide(self) -> None:
        """Walk through a first run."""

    def report_problem(self) -> None:
        """Write a bundle for a report."""
