"""The pages of the window, each made when it is first shown."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from app.gui.pages.page import Page
    from app.gui.pages.shell import Shell

PAGE_CLASSES = {
    "bench": "BenchPage",
    "monitor": "MonitorPage",
    "record": "RecordPage",
    "twin": "TwinPage",
    "network": "NetworkPage",
    "deploy": "DeployPage",
    "library": "LibraryPage",
    "log": "LogPage",
    "settings": "SettingsPage",
    "welcome": "WelcomePage",
    "keys": "KeysPage",
    "words": "WordsPage",
    "calibrate": "CalibratePage",
    "bench_draft": "BenchDraftPage",
    "serve": "ServePage",
    "demo": "DemoPage",
    "import_data": "ImportDataPage",
}


def make_page(key: str, shell: Shell) -> Page:
    """Make the page `key`; its module is imported now, not at the start."""
    module = import_module(f"app.gui.pages.{key}")
    page: Page = getattr(module, PAGE_CLASSES[key])(shell)
    return page
