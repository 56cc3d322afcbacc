"""The audit log: who did what to which account."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from store.models import AuditEntry

SYSTEM = "system"


def record(
    session: AsyncSession, clock: Clock, actor: str, action: str, account_no: str | None = None,
    outcome: str = "ok", detail: str | None = None,
) -> None:
    """Add an entry within the transaction of what it tells about."""
    session.add(
        AuditEntry(at=clock.now(), actor=actor, action=action, account_no=account_no, outcome=outcome, detail=detail),
    )
