"""The knowledge base: answers with the utility's facts, browsing, searching, and what customers think of answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select

from runxia.clock import Clock
from runxia.faq import FaqCategory, FaqEntry
from runxia.utility import Utility
from store.db import Database, insert_for
from store.models import AnswerRating

USEFUL, FAIR, USELESS = 5, 3, 1
LEAST_USEFUL = 4  # scores from here on say that an answer helped
MOST_USELESS = 2
COMMENT_LENGTH = 500


@dataclass(frozen=True, slots=True)
class RatingCount:
    """How an answer was rated: how often in all, as helpful, and as no help; the mean score, 1 to 5."""

    entry: str
    ratings: int
    useful: int
    useless: int
    mean: float


class Knowledge:
    """The entries of ``data/faq`` and their ratings."""

    def __init__(self, db: Database, clock: Clock, utility: Utility, categories: Sequence[FaqCategory]) -> None:
        self._db = db
        self._clock = clock
        self._facts = facts(utility)
        self.categories = tuple(categories)
        self._entries = {entry.id: entry for category in categories for entry in category.entries}

    def entry(self, entry_id: str) -> FaqEntry | None:
        """An entry; none where it was removed since it was offered."""
        return self._entries.get(entry_id)

    def category(self, name: str) -> FaqCategory | None:
        """A category by its name."""
        return next((category for category in self.categories if category.name == name), None)

    def answer(self, entry: FaqEntry) -> str:
        """The answer with the utility's facts filled in."""
        return entry.answer.format_map(self._facts)

    def related(self, entry: FaqEntry, most: int) -> list[FaqEntry]:
        """Entries about the same: those that share keywords, then the others of the category."""
        def nearness(other: FaqEntry) -> tuple[int, bool]:
            return (len(set(entry.keywords) & set(other.keywords)), other.category == entry.category)

        others = [other for other in self._entries.values() if other.id != entry.id and any(nearness(other))]
        return sorted(others, key=nearness, reverse=True)[:most]

    def search(self, words: str, most: int) -> list[FaqEntry]:
        """Entries that hold all of the words (parted by spaces), the likeliest first."""
        wanted = words.lower().split()
        scored = [(min((_hit(entry, word) for word in wanted), default=0), entry) for entry in self._entries.values()]
        found = [(score, entry) for score, entry in scored if score]
        return [entry for _, entry in sorted(found, key=lambda pair: pair[0], reverse=True)[:most]]

    async def rate(self, openid: str, entry: str, message_id: int, score: int, comment: str = "") -> None:
        """Keep what a customer thinks of the answer to a message; a second opinion replaces the first.

        ``entry`` is an entry's id, or the action that answered. ``score``: 1 to 5. ``comment``: in the customer's words.
        """
        now = self._clock.now()
        said = {"score": score, "comment": comment[:COMMENT_LENGTH], "created_at": now}
        async with self._db.begin() as session:
            new = insert_for(session, AnswerRating).values(openid=openid, entry=entry, message_id=message_id, **said)
            await session.execute(new.on_conflict_do_update(index_elements=["openid", "entry", "message_id"], set_=said))

    async def counts(self, since: datetime) -> list[RatingCount]:
        """How answers were rated since then, those that helped least first."""
        useful = func.sum(case((AnswerRating.score >= LEAST_USEFUL, 1), else_=0))
        useless = func.sum(case((AnswerRating.score <= MOST_USELESS, 1), else_=0))
        asked = (
            select(AnswerRating.entry, func.count(), useful, useless, func.avg(AnswerRating.score))
            .where(AnswerRating.created_at >= since).group_by(AnswerRating.entry).order_by(useless.desc(), AnswerRating.entry)
        )
        async with self._db.read() as session:
            rows = (await session.execute(asked)).tuples().all()
        return [RatingCount(entry, count, yes, no, round(float(mean), 2)) for entry, count, yes, no, mean in rows]


def facts(utility: Utility) -> Mapping[str, str]:
    """What an answer may say of the utility: the ``{placeholders}`` of ``data/faq``."""
    residential, security, commitments = utility.tariff.residential, utility.security, utility.commitments
    start_month, start_day = (int(part) for part in utility.tariff.year_starts.split("-"))
    since = utility.tariff.effective_from
    return {
        "utility": utility.name, "short_name": utility.short_name, "assistant": utility.assistant_name,
        "hotline": utility.hotline.phone, "hotline_hours": utility.hotline.hours, "website": utility.website,
        "where_to_find": utility.account_no.where_to_find, "water_source": utility.water_source,
        "tariff_source": utility.tariff.source, "effective_from": f"{since.year}年{since.month}月{since.day}日",
        "year_starts": f"{start_month}月{start_day}日", "people_included": str(residential.people_included),
        "extra_volume": str(residential.extra_volume_per_person),
        "late_fee_per_day": f"{utility.late_fee.per_day * 100:f}".rstrip("0").rstrip(".") + "%",
        "link_minutes": str(utility.payments.link_minutes),
        "password_min": str(security.password.min_length), "password_max": str(security.password.max_length),
        "urgent_arrival_hours": str(commitments.urgent_arrival_hours),
        "repair_arrival_hours": str(commitments.repair_arrival_hours),
        "complaint_days": str(commitments.complaint_days), "business_days": str(commitments.business_days),
    }


def _hit(entry: FaqEntry, word: str) -> int:
    """How much an entry is about a word; 0 where it does not hold it."""
    if word in (keyword.lower() for keyword in entry.keywords):
        return 4
    if word in entry.question.lower():
        return 3
    if any(word in keyword.lower() for keyword in entry.keywords):
        return 2
    return int(any(word in text.lower() for text in (*entry.texts, entry.answer)))
