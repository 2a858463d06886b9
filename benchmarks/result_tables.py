"""Tables in Markdown, and the places in documents that they are written to."""

from __future__ import annotations

from pathlib import Path


def as_table(rows: list[list[str]]) -> str:
    """Return the rows, the first of which is the heading, as Markdown."""
    lines = ["| " + " | ".join(cells) + " |" for cells in rows]
    lines.insert(1, "|---" * len(rows[0]) + "|")
    return "\n".join(lines)


def replaced(text: str, tables: dict[str, str], end_mark: str) -> str:
    """Return the text with each table between its mark and the next end; SystemExit where it has no place for any."""
    if not any(mark in text for mark in tables):
        raise SystemExit(
            f"the file has no place for a table: it lacks the lines\n{next(iter(tables))}\n{end_mark}"
        )
    for mark, table in tables.items():
        before, begin, rest = text.partition(mark)
        _, end, after = rest.partition(end_mark)
        if begin and not end:
            raise SystemExit(f"the file has no end of its table: it lacks the line\n{end_mark}")
        if begin:
            text = f"{before}{mark}\n\n{table}\n\n{end}{after}"
    return text


def write_between_marks(path: Path, tables: dict[str, str], end_mark: str) -> None:
    """Put the tables between their marks in a document; SystemExit where it has no place for any."""
    path.write_text(replaced(path.read_text("utf-8"), tables, end_mark), "utf-8")
