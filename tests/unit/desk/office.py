"""The desk with what is around it: a WeChat that remembers, a clock, and customers who write."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Any

from sqlalchemy import select

from connectors.wechat.bubbles import Button
from runxia.clock import FixedClock
from runxia.utility import Utility
from services.delivery import Delivery
from services.desk.desk import Desk
from services.desk.model import Done, Understood
from services.desk.sending import Sending
from services.desk.takeover import Takeover
from services.errors import SystemUnavailable
from services.handover import Handovers
from services.media import MediaStore
from services.payments import Payments
from services.quota import Quota
from store.db import Database
from store.live import Change
from store.models import Assignment, ConversationRecord, Message, Outbox
from tests.fakes import FakeCsms

ANNA, BELLA, CARLA = "oAnna", "oBella", "oCarla"
_numbers = count(1)


@dataclass
class Chat:
    """WeChat, as far as it can be sent to. ``slow``: seconds of each call; ``down``: it does not answer."""

    sent: list[tuple[str, str]] = field(default_factory=list)
    slow: float = 0.0
    down: bool = False

    async def _take(self, openid: str, what: str) -> None:
        await asyncio.sleep(self.slow)
        if self.down:
            raise SystemUnavailable("wechat")
        self.sent.append((openid, what))

    async def send_text(self, openid: str, text: str) -> None:
        await self._take(openid, text)

    async def send_menu(self, openid: str, text: str, buttons: Sequence[Button]) -> None:
        await self._take(openid, f"{text} {[button.title for button in buttons]}")

    async def send_image(self, openid: str, media_id: str) -> None:
        await self._take(openid, f"image {media_id}")

    async def upload_image(self, content: bytes, content_type: str) -> str:
        return content_type

    async def send_template(self, openid: str, template_id: str, data: Mapping[str, str], url: str = "") -> None:
        await self._take(openid, template_id)


@dataclass
class Bot:
    """The dialogue engine, of its own accord."""

    triggered: list[str] = field(default_factory=list)

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any]) -> list[dict[str, Any]]:
        self.triggered.append(intent)
        return [{"text": f"机器人：{intent}"}]


class Heard:
    """Remembers what was published."""

    def __init__(self) -> None:
        self.changes: list[Change] = []

    async def publish(self, change: Change) -> None:
        self.changes.append(change)

    def listen(self) -> Any:
        raise NotImplementedError


def understood(intent: str = "bill_current", confidence: float = 0.9, **more: Any) -> Understood:
    """What the dialogue tells of a message."""
    usual: dict[str, Any] = {"actions": [Done("action_bill", "FormKeepingRulePolicy", 1.0)]}
    return Understood(intent, confidence, **(usual | more))


@dataclass
class Office:
    """Everything together. The clock stands at 9:30 on a Monday."""

    db: Database
    clock: FixedClock
    utility: Utility
    chat: Chat
    bot: Bot
    live: Heard
    csms: FakeCsms
    desk: Desk
    handovers: Handovers
    delivery: Delivery
    quota: Quota
    takeover: Takeover
    sending: Sending
    payments: Payments
    media: MediaStore

    async def write(
        self, openid: str = ANNA, text: str = "你好", what: Understood | None = None, kind: str = "text", **content: Any,
    ) -> int:
        """A customer writes, and the bot has understood; the conversation's id."""
        now = self.clock.now()
        async with self.db.begin() as session:
            said = Message(
                key=f"in{next(_numbers)}", openid=openid, direction="in", kind=kind, grant="message", state="answered",
                content=json.dumps({"shown": text, "message": text, **content}, ensure_ascii=False), created_at=now,
            )
            session.add(said)
            await session.flush()
            standing = await self.desk.ledger.heard(session, openid, kind, text, now)
            if what is not None:
                await self.desk.ledger.understood(session, openid, said.id, what)
            return standing.id

    async def answer(self, openid: str, text: str) -> int:
        """The bot has answered the customer's last message in WeChat's call; the message's id."""
        async with self.db.begin() as session:
            asked = (await session.scalars(
                select(Message.id).where(Message.openid == openid, Message.direction == "in").order_by(Message.id.desc()),
            )).first()
            content = json.dumps({"text": text}, ensure_ascii=False)
            self.delivery.record(session, openid, f"answers:{asked}", "reply", "reply", content, "sent")
            await self.desk.ledger.spoke(session, openid, "bot", [])
        return (await self.messages(openid))[-1].id

    async def row(self, conversation_id: int) -> ConversationRecord:
        """As it is now."""
        async with self.db.read() as session:
            return await session.get_one(ConversationRecord, conversation_id)

    async def stands(self, conversation_id: int) -> tuple[str, str | None]:
        """State and owner."""
        row = await self.row(conversation_id)
        return row.state, row.owner

    async def steps(self, conversation_id: int) -> list[str]:
        """What happened at the desk."""
        async with self.db.read() as session:
            mine = select(Assignment.step).where(Assignment.conversation_id == conversation_id).order_by(Assignment.id)
            return list(await session.scalars(mine))

    async def messages(self, openid: str) -> list[Message]:
        """All of them, in order."""
        async with self.db.read() as session:
            return list(await session.scalars(select(Message).where(Message.openid == openid).order_by(Message.id)))

    async def outbox(self) -> list[tuple[str, dict[str, Any]]]:
        """What the worker is to tell."""
        async with self.db.read() as session:
            return [(row.kind, json.loads(row.payload)) for row in await session.scalars(select(Outbox).order_by(Outbox.id))]

    async def come(self, *logins: str, capacity: int | None = None) -> None:
        """Staff come online, one after the other."""
        for login in logins:
            await self.desk.roster.set_online(login, online=True, capacity=capacity)
