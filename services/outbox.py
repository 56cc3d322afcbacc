"""The transactional outbox: what is to be sent is written in the transaction of its cause.

The worker sends it afterwards. The de-duplication key makes a repeated cause harmless.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from store.models import Outbox


async def enqueue(
    session: AsyncSession, clock: Clock, *, openid: str, kind: str, payload: Mapping[str, Any], dedupe_key: str,
    not_before: datetime | None = None,
) -> bool:
    """Write one thing to send; whether it is new.

    ``kind`` and its ``payload``:
        ``answers``: ``{"answers": [...]}``, Rasa's REST answers, to be delivered as they are;
        ``trigger``: ``{"intent": "EXTERNAL_...", "entities": {...}}``, so that the dialogue says it and knows it was said;
        ``template``: ``{"template": name, "data": {...}, "url": ...}``, a template message.
    """
    known = await session.execute(select(Outbox.id).where(Outbox.dedupe_key == dedupe_key))
    if known.scalar_one_or_none() is not None:
        return False
    now = clock.now()
    session.add(
        Outbox(
            dedupe_key=dedupe_key, openid=openid, kind=kind, payload=json.dumps(payload, ensure_ascii=False),
            state="waiting", not_before=not_before or now, created_at=now,
        ),
    )
    return True
