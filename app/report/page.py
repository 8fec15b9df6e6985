"""One self-contained HTML page: tables, figures as SVG in it and PNG beside it, no scripts."""

from __future__ import annotations

import html
import io
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
from matplotlib.text import Text

from app.artefacts import write_bytes

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from matplotlib.figure import Figure

PAGE = "report.html"
LONGEST_NAME = 80  # characters of a figure's: a file system has room for 255 bytes
STYLE = """
:root { color-scheme: light; }
body { font: 14px/1.5 Inter, "DejaVu Sans", system-ui, sans-serif; color: #1C2126;
  background: #fff; max-width: 880px; margin: 32px auto; padding: 0 16px; }
h1 { font-size: 22px; font-weight: 600; margin: 0 0 4px; }
h2 { font-size: 16px; font-weight: 600; margin: 36px 0 8px; padding-top: 12px;
  border-top: 1px solid #E0E3E6; }
p { margin: 8px 0; } p.lead { font-size: 16px; } p.note, figcaption { color: #58616B; }
figure { margin: 16px 0; break-inside: avoid; } figure svg { width: 100%; height: auto; }
table { border-collapse: collapse; margin: 12px 0; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: 4px 14px 4px 0; border-bottom: 1px solid #EDEFF1; }
th { font-weight: 500; color: #58616B; } th:first-child, td:first-child { text-align: left; }
td.words { text-align: left; } tr { break-inside: avoid; }
dl { display: grid; grid-template-columns: 200px 1fr; gap: 4px 16px; } dd { margin: 0; }
pre { background: #F4F5F6; padding: 10px 12px; overflow-x: auto; white-space: pre-wrap; }
a { color: #1C2126; } @media print { body { margin: 0; max-width: none; } }
"""


@dataclass
class Page:
    """A page as it grows, section by section.

    Attributes
    ----------
    title, lead
        Heading, and the sentences that say what was gained and lost.
    parts
        Finished HTML, in order.
    figures
        File name → figure, written as PNG beside the page.
    values
        What a program may want of the page: the twin's errors and coverage, the verdict.
    explained
        Names in its tables whose meaning its end tells.
    run
        Folder that artefacts are named within; None: by their own folder's name.
    """

    title: str
    lead: list[str] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    figures: dict[str, Figure] = field(default_factory=dict)
    values: dict[str, Any] = field(default_factory=dict)
    explained: list[str] = field(default_factory=list)
    run: Path | None = None

    def named(self, path: Path) -> str:
        """What an artefact is called: its folder, below the run; rounds have one of each name."""
        if self.run is None or path == self.run or not path.is_relative_to(self.run):
            return path.name
        return path.relative_to(self.run).as_posix()

    def heading(self, text: str) -> None:
        """Begin a section."""
        self.parts.append(f"<h2>{html.escape(text)}</h2>")

    def text(self, words: str, *, note: bool = False) -> None:
        """Add a paragraph; a note is grey."""
        self.parts.append(f"<p{' class=note' if note else ''}>{html.escape(words)}</p>")

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table; the first column is a name, a last one headed by nothing is words."""
        cells = "".join(f"<th>{html.escape(name)}</th>" for name in head)
        body = "".join(f"<tr>{self._row(row, worded=head[-1] == '')}</tr>" for row in rows)
        self.parts.append(f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>")

    def definitions(self, pairs: Iterable[tuple[str, str]]) -> None:
        """Add names and what is said of each, side by side."""
        rows = (f"<dt>{html.escape(name)}</dt><dd>{html.escape(said)}</dd>" for name, said in pairs)
        self.parts.append(f"<dl>{''.join(rows)}</dl>")

    @staticmethod
    def _row(row: Sequence[str], *, worded: bool) -> str:
        last = len(row) - 1
        return "".join(
            f"<td{' class=words' if worded and place == last else ''}>{html.escape(cell)}</td>"
            for place, cell in enumerate(row)
        )

    def figure(self, name: str, figure: Figure, caption: str) -> None:
        """Add a figure; `name` becomes its PNG's file name, `/` in it a dash, a long one cut."""
        for text in figure.findobj(Text):  # a `$` in a name is no formula
            text.set_parse_math(False)
        self.figures[self._file_of(name.replace("/", "-"))] = figure
        drawn = _svg(figure, f"figure-{len(self.figures)}")
        self.parts.append(
            f'<figure role="img" aria-label="{html.escape(caption, quote=True)}">'
            f"{drawn}<figcaption>{html.escape(caption)}</figcaption></figure>"
        )

    def _file_of(self, name: str) -> str:
        """A file name that no other figure has: `a/b` and `a-b` are two, and so are long names."""
        if len(name) > LONGEST_NAME:
            name = f"{name[: LONGEST_NAME // 2]}…{name[-(LONGEST_NAME // 2) :]}"
        taken, number, free = {one.casefold() for one in self.figures}, 1, name
        while f"{free}.png".casefold() in taken:
            number += 1
            free = f"{name}-{number}"
        return f"{free}.png"

    def code(self, lines: Sequence[str]) -> None:
        """Add commands or other fixed text."""
        self.parts.append(f"<pre>{html.escape(chr(10).join(lines))}</pre>")

    def links(self, links: Sequence[tuple[str, str]]) -> None:
        """Add a list of links: address relative to the page, words."""
        items = "".join(
            f'<li><a href="{html.escape(address, quote=True)}">{html.escape(words)}</a></li>'
            for address, words in links
        )
        self.parts.append(f"<ul>{items}</ul>")

    def html(self) -> str:
        """The whole page."""
        lead = "".join(f"<p class=lead>{html.escape(words)}</p>" for words in self.lead)
        return (
            '<!doctype html><html lang="en"><head><meta charset="utf-8">'
            '<meta name="viewport" content="width=device-width, initial-scale=1">'
            f"<title>{html.escape(self.title)}</title><style>{STYLE}</style></head><body>"
            f"<h1>{html.escape(self.title)}</h1>{lead}{''.join(self.parts)}</body></html>\n"
        )

    def write(self, folder: Path) -> Path:
        """Write `report.html` and the PNG files into a folder; returns the page's path."""
        for name, figure in self.figures.items():
            png = io.BytesIO()
            figure.savefig(png, format="png", dpi=130)
            write_bytes(folder / name, png.getvalue())
        write_bytes(folder / PAGE, self.html().encode("utf-8", "replace"))
        return folder / PAGE


def _svg(figure: Figure, name: str) -> str:
    """The figure as inline SVG; ids are made unique, as one page holds several figures.

    `name` is a plain word: no address of an id holds what a folder's name may.
    """
    text = io.StringIO()
    with mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "path.simplify": True}):
        figure.savefig(text, format="svg", metadata={"Date": None})
    body = text.getvalue()
    body = body[body.index("<svg") :]
    body = re.sub(r'\bid="([^"]+)"', rf'id="{name}-\1"', body)
    body = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", body)
    return re.sub(r'href="#([^"]+)"', rf'href="#{name}-\1"', body)
