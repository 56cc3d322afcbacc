"""What hangs on the website's board: the standing notices and what was published, in ``DATA_DIR/website.db``."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from pydantic import TypeAdapter

from sandbox import sqlite
from sandbox.website import standing
from services.website import OutageNotice, QualityReport

SHOWN_AFTER = timedelta(days=7)  # how long an outage stays on the board when it is over

_SCHEMA = """
CREATE TABLE IF NOT EXISTS published (number TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS bare (kind TEXT PRIMARY KEY);
"""
_NOTICE, _REPORT = TypeAdapter(OutageNotice), TypeAdapter(QualityReport)


class Board:
    """Newest first. What is published with a number that exists takes its place."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite.connect(path)
        self._connection.executescript(_SCHEMA)

    def notices(self, now: datetime) -> list[OutageNotice]:
        """The outage notices that the site shows."""
        ours = {each.notice_no: each for each in ([] if self._is_bare("outage") else standing.notices(now))}
        ours |= {each.notice_no: each for each in map(_NOTICE.validate_json, self._bodies("outage"))}
        shown = [each for each in ours.values() if each.published_at <= now and each.ends_at > now - SHOWN_AFTER]
        return sorted(shown, key=lambda notice: notice.published_at, reverse=True)

    def reports(self, now: datetime) -> list[QualityReport]:
        """The quality reports that the site shows."""
        ours = {each.report_no: each for each in ([] if self._is_bare("quality") else standing.reports(now))}
        ours |= {each.report_no: each for each in map(_REPORT.validate_json, self._bodies("quality"))}
        return sorted(ours.values(), key=lambda report: (report.sampled_on, report.published_at), reverse=True)

    def publish(self, what: OutageNotice | QualityReport) -> None:
        """Put up a notice or a report."""
        if isinstance(what, OutageNotice):
            row = (what.notice_no, "outage", _NOTICE.dump_json(what).decode())
        else:
            row = (what.report_no, "quality", _REPORT.dump_json(what).decode())
        self._connection.execute("INSERT OR REPLACE INTO published VALUES (?,?,?)", row)

    def take_down(self, kind: str) -> None:
        """Leave nothing of a kind (``outage``, ``quality``) on the board, not even what always hangs there."""
        self._connection.execute("DELETE FROM published WHERE kind = ?", (kind,))
        self._connection.execute("INSERT OR IGNORE INTO bare VALUES (?)", (kind,))

    def clear(self) -> None:
        """As on the first day."""
        self._connection.executescript("DELETE FROM published; DELETE FROM bare;")

    def next_number(self, prefix: str) -> str:
        """A number that no notice has."""
        count = int(self._connection.execute("SELECT count(*) FROM published").fetchone()[0])
        return f"{prefix}{count + 1:04d}"

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def _bodies(self, kind: str) -> list[str]:
        rows = self._connection.execute("SELECT body FROM published WHERE kind = ?", (kind,)).fetchall()
        return [str(row["body"]) for row in rows]

    def _is_bare(self, kind: str) -> bool:
        return self._connection.execute("SELECT 1 FROM bare WHERE kind = ?", (kind,)).fetchone() is not None
