"""The parts of the desk that need nothing but the database."""

from __future__ import annotations

from dataclasses import dataclass

from runxia.clock import Clock
from runxia.utility import Utility
from services.desk.inbox import Inbox
from services.desk.ledger import Ledger
from services.desk.reviews import Reviews
from services.desk.roster import Roster
from services.desk.search import Search
from store.db import Database
from store.live import Live


@dataclass(frozen=True, slots=True)
class Desk:
    """See :mod:`services.desk`."""

    search: Search
    ledger: Ledger
    roster: Roster
    inbox: Inbox
    reviews: Reviews

    @classmethod
    def over(cls, db: Database, clock: Clock, utility: Utility, live: Live) -> Desk:
        """Put together."""
        search = Search(db)
        return cls(
            search=search, ledger=Ledger(db, clock, search), roster=Roster(db, clock, utility, live),
            inbox=Inbox(db, clock, utility, search), reviews=Reviews(db, clock, utility, live),
        )
