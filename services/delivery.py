"""Brings what the dialogue says to the customer, outside the answer to WeChat's own call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from typing import Any, Final, Protocol

from sqlalchemy import Select, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.wechat.bubbles import Answer, Bubble, Button, Image, Menu, Text, compose, dump, load, numbered
from connectors.wechat.limits import MESSAGE_WINDOW_SECONDS
from connectors.wechat.text import split
from runxia.clock import Clock
from services.desk.model import State
from services.errors import SystemUnavailable, Undeliverable
from services.floor import Floor
from services.prompts import Prompts
from services.quota import Quota
from store.db import Database
from store.models import ConversationRecord, Message

UNSENT: Final = ("queued", "held")
_UNSENT_BECAUSE: Final = {"quota": "held", "window": "held", "taken": "withheld"}


class Messenger(Protocol):
    """Sends to a customer. Raises ``SystemUnavailable`` (try again later) or ``Undeliverable`` (never)."""

    async def send_text(self, openid: str, text: str) -> None:
        """Send a text."""
        ...

    async def send_menu(self, openid: str, text: str, buttons: Sequence[Button]) -> None:
        """Send a text with choices."""
        ...

    async def send_image(self, openid: str, media_id: str) -> None:
        """Send an uploaded picture."""
        ...

    async def upload_image(self, content: bytes, content_type: str) -> str:
        """Upload a picture; its id at WeChat."""
        ...

    async def send_template(self, openid: str, template_id: str, data: Mapping[str, str], url: str = "") -> None:
        """Send a template message."""
        ...


class Dialogue(Protocol):
    """The dialogue engine."""

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Let it say something of its own accord; what it says."""
        ...


class Pictures(Protocol):
    """The store of photos and charts."""

    async def read(self, media_id: str) -> tuple[bytes, str]:
        """A picture and its content type; raises ``KeyError`` where there is none."""
        ...


class Delivery:
    """Sends answers and pushes, in order and only once by their ``message_key``. ``runxia.messaging.open_messaging`` opens it.

    The parts of a delivery are stored before the first is sent and ticked off one by one, so that a repeated call goes on
    where the one before stopped. While a person has the conversation only what they send goes out: what the bot was about to
    say is withheld, and its pushes wait. All methods raise ``SystemUnavailable`` when trying again later may help, and
    ``Undeliverable`` when it cannot.
    """

    def __init__(
        self, db: Database, clock: Clock, messenger: Messenger, dialogue: Dialogue, pictures: Pictures,
        floor: Floor, prompts: Prompts, quota: Quota, templates: Mapping[str, str],
    ) -> None:
        self._db = db
        self._clock = clock
        self._messenger = messenger
        self._dialogue = dialogue
        self._pictures = pictures
        self._floor = floor
        self._prompts = prompts
        self._quota = quota
        self._templates = templates

    async def answers(self, openid: str, answers: Sequence[Answer], message_key: str) -> None:
        """Send Rasa's REST answers."""
        async with self._floor.hold(openid):
            if not await self._planned(message_key):
                await self._wait_for_person(openid)
            await self.say(openid, answers, message_key)

    async def trigger(self, openid: str, intent: str, entities: Mapping[str, Any], message_key: str) -> None:
        """Let the dialogue say something of its own accord, and send it."""
        async with self._floor.hold(openid):
            told: Sequence[Answer] = ()
            if not await self._planned(message_key):
                await self._wait_for_person(openid)
                told = await self._dialogue.trigger(openid, intent, entities)
            await self.say(openid, told, message_key)

    async def template(self, openid: str, payload: Mapping[str, Any]) -> None:
        """Send a template message: ``{"template": name, "data": {...}, "url": ...}``, named in ``WECHAT_TEMPLATES``."""
        template_id = self._templates.get(str(payload["template"]))
        if template_id is None:
            raise Undeliverable("forbidden")
        await self._messenger.send_template(openid, template_id, payload["data"], str(payload.get("url") or ""))

    async def say(self, openid: str, answers: Sequence[Answer], message_key: str) -> None:
        """Send Rasa's answers, by one who has the floor already."""
        if not await self._planned(message_key):
            bubbles = await self.compose(openid, answers)
            async with self._db.begin() as session:
                self.plan(session, openid, bubbles, message_key)
        await self.send(openid, message_key)

    async def compose(self, openid: str, answers: Sequence[Answer]) -> list[Bubble]:
        """Rasa's answers as messages, what they ask for remembered."""
        return compose(answers, await self._prompts.renew(openid, answers))

    def plan(self, session: AsyncSession, openid: str, bubbles: Sequence[Bubble], message_key: str) -> None:
        """Queue messages within a transaction."""
        for number, bubble in enumerate(bubbles):
            self.record(session, openid, message_key, str(number), type(bubble).__name__.lower(), dump(bubble), "queued")

    async def send(self, openid: str, message_key: str) -> None:
        """Send what is queued."""
        queued = await self._queued(message_key)
        left = await self._quota.left(openid) if queued else 0
        try:
            for number, (message_id, bubble) in enumerate(queued):
                if number >= left:
                    raise Undeliverable("quota")
                async with self.mouth(openid):
                    if await self._is_taken(openid):
                        raise Undeliverable("taken")
                    await self._deliver(openid, message_id, bubble)
        except Undeliverable as error:
            await self._mark(message_key, "queued", _UNSENT_BECAUSE.get(error.why, "failed"))
            raise

    async def send_as_staff(self, openid: str, message_key: str) -> None:
        """Send what a member of staff has queued, by one who holds :meth:`mouth`; with what the quota keeps back for a person.

        What WeChat refuses for good is marked as failed: the sender sees it, and nothing is sent later behind their back.
        """
        try:
            for message_id, bubble in await self._queued(message_key):
                if refusal := (await self._quota.allowance(openid)).refusal:
                    raise Undeliverable(refusal)
                await self._deliver(openid, message_id, bubble)
        except Undeliverable:
            await self._mark(message_key, "queued", "failed")
            raise

    def mouth(self, openid: str) -> AbstractAsyncContextManager[None]:
        """The right to speak to a customer through the API at this moment: who takes a conversation over holds it, too, so
        that nothing of the bot's is on its way any more afterwards.
        """
        return self._floor.hold(f"{openid}:mouth")

    async def _wait_for_person(self, openid: str) -> None:
        """Pushes wait until the bot has the conversation again."""
        if await self._is_taken(openid):
            raise SystemUnavailable("desk")

    async def _is_taken(self, openid: str) -> bool:
        taken = select(ConversationRecord.id).where(
            ConversationRecord.openid == openid, ConversationRecord.state == State.TAKEN,
        )
        async with self._db.read() as session:
            return await session.scalar(taken) is not None

    async def unsent(self, message_key: str) -> list[Bubble]:
        """What has not been sent."""
        async with self._db.read() as session:
            return [load(row.content) for row in await session.scalars(_unsent(message_key))]

    async def withdraw(self, session: AsyncSession, message_key: str) -> None:
        """Give up sending what has not been sent, within the transaction that tells it otherwise."""
        for row in await session.scalars(_unsent(message_key)):
            row.state = "failed"

    async def take_held(self, openid: str) -> list[dict[str, Any]]:
        """What could not be told when it was due because WeChat's quota was used up, as answers to be told now."""
        ours = (Message.openid == openid, Message.direction == "out", Message.state == "held")
        held = select(Message).where(*ours).order_by(Message.id)
        async with self._db.read() as session:
            if await session.scalar(held.with_only_columns(Message.id).limit(1)) is None:
                return []
        since = self._clock.now() - timedelta(seconds=MESSAGE_WINDOW_SECONDS)
        async with self._db.begin() as session:
            rows = list(await session.scalars(held))
            for row in rows:
                row.state = "failed"
            bubbles = [load(row.content) for row in rows if row.created_at > since]
        return [{"text": bubble.text} for bubble in bubbles if not isinstance(bubble, Image)]

    def record(
        self, session: AsyncSession, openid: str, message_key: str, number: str, kind: str, content: str, state: str,
    ) -> None:
        """Store an outgoing message within the transaction of its cause."""
        now = self._clock.now()
        session.add(
            Message(
                key=f"{message_key}#{number}", openid=openid, direction="out", kind=kind, cause=message_key,
                content=content, state=state, created_at=now, done_at=now if state == "sent" else None,
            ),
        )

    async def _planned(self, message_key: str) -> bool:
        async with self._db.read() as session:
            return await session.scalar(select(Message.id).where(Message.cause == message_key).limit(1)) is not None

    async def _queued(self, message_key: str) -> list[tuple[int, Bubble]]:
        async with self._db.read() as session:
            rows = await session.scalars(
                select(Message).where(Message.cause == message_key, Message.state == "queued").order_by(Message.id),
            )
            return [(row.id, load(row.content)) for row in rows]

    async def _deliver(self, openid: str, message_id: int, bubble: Bubble) -> None:
        try:
            await self._send(openid, bubble)
        except Undeliverable as error:
            if not (isinstance(bubble, Menu) and error.why in ("forbidden", "rejected")):
                raise
            # An account without the right to menus still has texts.
            await self._send(openid, Text(split(numbered(bubble))[0]))
        async with self._db.begin() as session:
            sent = {"state": "sent", "done_at": self._clock.now()}
            await session.execute(update(Message).where(Message.id == message_id).values(sent))

    async def _send(self, openid: str, bubble: Bubble) -> None:
        match bubble:
            case Text(text):
                await self._messenger.send_text(openid, text)
            case Menu(text, buttons):
                await self._messenger.send_menu(openid, text, buttons)
            case Image(media_id):
                try:
                    content, content_type = await self._pictures.read(media_id)
                except KeyError as error:
                    raise Undeliverable from error
                await self._messenger.send_image(openid, await self._messenger.upload_image(content, content_type))

    async def _mark(self, message_key: str, before: str, after: str) -> None:
        async with self._db.begin() as session:
            await session.execute(
                update(Message).where(Message.cause == message_key, Message.state == before).values(state=after),
            )


def _unsent(message_key: str) -> Select[Message]:
    return select(Message).where(Message.cause == message_key, Message.state.in_(UNSENT)).order_by(Message.id)
