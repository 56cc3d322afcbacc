"""What has changed in another system since it was last asked, behind a cursor in the database.

Asked anew after any outage, a feed goes on where it stopped: the cursor moves in the transaction that takes a change in.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import timedelta
from enum import Enum
from typing import Final, Protocol

from sqlalchemy.ext.asyncio import AsyncSession

from services.errors import SystemUnavailable
from store.db import Database, insert_for
from store.models import ApplicationFeed

# An answer to a filing that has not come by then is not coming; what the feed tells of it instead is news to the customer.
ANSWER_LATE: Final = timedelta(seconds=60)


class Change(Protocol):
    """Something that changed; a later change has a greater ``sequence``."""

    @property
    def sequence(self) -> int:
        """The place in the feed."""


class Taken(Enum):
    """What became of a change: it was ours, it was not, or it cannot be taken in yet."""

    OURS = "ours"
    OTHER = "other"
    NOT_YET = "not_yet"


async def follow[C: Change](
    db: Database, name: str,
    changes: Callable[[int], Awaitable[Sequence[C]]], take: Callable[[AsyncSession, C], Awaitable[Taken]],
) -> int:
    """Take in what has changed, up to the first change whose time has not come; how many were ours.

    Args:
        db: where the cursor is kept.
        name: of the feed.
        changes: asks the other system for all after a place in the feed; while it is unavailable, nothing has changed.
        take: takes one change in, within the transaction.
    """
    async with db.read() as session:
        feed = await session.get(ApplicationFeed, name)
    after = feed.after if feed is not None else 0
    try:
        changed = await changes(after)
    except SystemUnavailable:
        return 0  # the client has logged it
    if not changed:
        return 0
    async with db.begin() as session:
        ours, reached = 0, after
        for change in changed:
            taken = await take(session, change)
            if taken is Taken.NOT_YET:
                break
            ours += taken is Taken.OURS
            reached = change.sequence
        if reached > after:
            row = insert_for(session, ApplicationFeed).values(name=name, after=reached)
            await session.execute(row.on_conflict_do_update(index_elements=["name"], set_={"after": reached}))
        return ours
