"""A written report as a test sees it: its text, its tables, its tags."""

from __future__ import annotations

from html.parser import HTMLParser

_VOID = {"meta", "path", "use", "br", "img"}


class Page(HTMLParser):
    """Collects visible text, tables and attributes, and fails on tags that are not closed in order."""

    def __init__(self, source: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.rows: list[list[str]] = []
        self.tables: list[list[list[str]]] = []
        self.bold: list[str] = []
        self.feed(source)
        self.close()
        assert not self.open, f"left open: {self.open}"

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs
        if tag not in _VOID:
            self.open.append(tag)
        if tag == "table":
            self.tables.append([])
        elif tag == "tr":
            self.rows.append([])
            self.tables[-1].append(self.rows[-1])
        elif tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_endtag(self, tag: str) -> None:
        if tag not in _VOID:
            assert self.open and self.open[-1] == tag, f"</{tag}> inside {self.open}"
            self.open.pop()

    def handle_data(self, data: str) -> None:
        if {"style", "pre"} & set(self.open):
            return
        self.text += data.replace("\u00a0", " ")
        if "td" in self.open or ("th" in self.open and "tr" in self.open):
            self.rows[-1][-1] += data.replace("\u00a0", " ")
        if "b" in self.open:
            self.bold.append(data)
