"""README and MEASURED: what they link to and the tests that they name are there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = ("README.md", "MEASURED.md")


def anchors(text):
    """What a link may end in: GitHub's names of the headings, and those set by hand."""
    headings = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    named = [re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings]
    return {*named, *re.findall(r'<a name="([^"]+)">', text)}


def test_a_heading_is_named_as_github_names_it():
    text = '# The demo\'s twin\n## What became of 3,815 faults\n<a name="few"></a>\n'
    assert anchors(text) == {"the-demos-twin", "what-became-of-3815-faults", "few"}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_link_leads_somewhere(name):
    text = (ROOT / name).read_text()
    links = [link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link]
    assert links
    for link in links:
        path, _, anchor = link.partition("#")
        target = ROOT / (path or name)
        assert target.is_file(), link
        assert not anchor or anchor in anchors(target.read_text()), link


@pytest.mark.parametrize("name", DOCUMENTS)
def test_every_test_that_prints_a_figure_is_there(name):
    named = set(re.findall(r"tests/[\w/]+\.py", (ROOT / name).read_text()))
    assert named
    assert not [path for path in named if not (ROOT / path).is_file()]
