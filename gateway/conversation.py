"""From a customer's message to its answer: stored first, answered in order, once, and in time.

WeChat waits five seconds for an answer and posts the message again, three times in all. Whatever can be said within the
deadline and fits one text goes back in WeChat's own call, which costs nothing of the quota; everything else goes through the
customer-service API.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any, Final

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

from connectors.rasa import Reply
from connectors.wechat import messages as m
from connectors.wechat.api import MediaGone
from connectors.wechat.bubbles import Bubble, Menu, Text, as_text, dump
from gateway import wording
from gateway.hearing import Heard, Hearing
from runxia.bootstrap import Services
from runxia.messaging import Messaging
from services.desk import wording as desk_wording
from services.desk.model import Understood
from services.errors import SystemUnavailable, Undeliverable
from services.media import picture_type
from services.outbox import enqueue
from services.quota import REPLY
from store.db import insert_for
from store.live import Change
from store.models import Customer, Message

log = logging.getLogger(__name__)

DEADLINE_SECONDS: Final = 4.5  # of WeChat's five, so that the answer is there before it hangs up
LEASE: Final = timedelta(seconds=20)  # renewed while the message is under way, so that a crash shows soon
RENEW_SECONDS: Final = 5.0
RECOVER_SECONDS: Final = 10.0
MOST_ATTEMPTS: Final = 3  # a message that brings the gateway down every time must not do so for ever
_POLL_SECONDS: Final = 0.05
_RECOVERY_BATCH: Final = 50


class Exchange:
    """One message under way: WeChat's first call and its retries wait for the same reply.

    Either the reply is claimed in time by whoever has the answer, or WeChat gets ``success`` at the deadline and the answer
    goes through the API; never both.
    """

    def __init__(self, *, late: bool = False) -> None:
        self.reply: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.stored = False
        self.late = late
        self._claimed = False

    def claim(self) -> bool:
        """Take the right to reply in WeChat's call; false when it is too late for that."""
        self._claimed = self._claimed or not self.late
        return self._claimed

    def settle(self, text: str | None) -> None:
        """Reply; none is WeChat's ``success``."""
        if not self.reply.done():
            self.reply.set_result(text)

    def expire(self) -> None:
        """The deadline: acknowledge what is stored, refuse what is not, so that WeChat posts it again."""
        if self._claimed or self.reply.done():
            return
        self.late = True
        if self.stored:
            self.reply.set_result(None)
        else:
            self.reply.set_exception(SystemUnavailable("database"))


class Standing(Enum):
    """Where a message stands among those of its customer."""

    NEXT = "next"
    WAITING = "waiting"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class Turn:
    """A stored message to be answered. ``answers``: what the dialogue said before a crash; ``attempts``: how many crashes.

    ``understood``: what the dialogue understood, once it has been asked; ``conversation``: where it stands, none after a crash.
    """

    id: int
    openid: str
    kind: str
    heard: Heard
    answers: list[dict[str, Any]] | None = None
    attempts: int = 0
    understood: Understood | None = None
    conversation: int | None = None

    @property
    def message_key(self) -> str:
        """The key of the answer's delivery."""
        return f"answers:{self.id}"


class Conversation:
    """Receives customers' messages and sees that each is answered."""

    def __init__(self, services: Services, messaging: Messaging) -> None:
        self._services = services
        self._db = services.db
        self._clock = services.clock
        self._messaging = messaging
        self._delivery = messaging.delivery
        self._ledger = services.desk.ledger
        self._hearing = Hearing(messaging.prompts, services.secrets)
        self._exchanges: dict[str, Exchange] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._under_way: set[int] = set()

    async def receive(self, inbound: m.Inbound) -> str | None:
        """Take a message in; the passive reply, or none for ``success``.

        Raises:
            Exception: it could not be stored. WeChat must post it again.
        """
        exchange = self._exchanges.get(inbound.key)
        if exchange is None:
            exchange = self._exchanges[inbound.key] = Exchange()
            self._start(self._run(inbound, exchange))
        # A caller that hangs up must not take the answer with it.
        return await asyncio.shield(exchange.reply)

    async def recover(self) -> int:
        """Take up messages whose gateway stopped before they were answered; how many."""
        now = self._clock.now()
        left = select(Message.id, Message.lease_until).where(
            Message.state == "received", Message.direction == "in", Message.lease_until <= now,
        )
        async with self._db.read() as session:
            rows = (await session.execute(left.order_by(Message.id).limit(_RECOVERY_BATCH))).tuples().all()
        recovered = 0
        for message_id, lease in rows:
            if turn := await self._claim(message_id, lease):
                log.warning("message %d is taken up again, attempt %d", turn.id, turn.attempts)
                await self._take_turn(turn, Exchange(late=True))
                recovered += 1
        return recovered

    async def renew_leases(self) -> None:
        """Say that the messages under way still are."""
        if self._under_way:
            mine = update(Message).where(Message.id.in_(self._under_way), Message.state == "received")
            async with self._db.begin() as session:
                await session.execute(mine.values(lease_until=self._clock.now() + LEASE))

    async def close(self, seconds: float) -> None:
        """Let what is under way end."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=seconds)

    # --- receiving

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(self, inbound: m.Inbound, exchange: Exchange) -> None:
        timer = asyncio.get_running_loop().call_later(DEADLINE_SECONDS, self._expire, exchange, inbound.openid)
        try:
            heard = await self._hearing.hear(inbound)
            turn = await self._store(inbound, heard)
            exchange.stored = True
            if turn is None:
                exchange.settle(await self._reply_given(inbound.key, exchange))
            elif heard.wants_answer:
                await self._take_turn(turn, exchange)
        except Exception as error:
            log.exception("a %s message could not be handled", inbound.kind)
            if not exchange.stored and not exchange.reply.done():
                exchange.reply.set_exception(error)
        finally:
            timer.cancel()
            del self._exchanges[inbound.key]
            exchange.settle(None)

    def _expire(self, exchange: Exchange, openid: str) -> None:
        exchange.expire()
        if exchange.late and exchange.stored:
            self._start(self._show_typing(openid))

    async def _show_typing(self, openid: str) -> None:
        try:
            await self._messaging.wechat.show_typing(openid)
        except (SystemUnavailable, Undeliverable) as error:
            log.info("typing is not shown: %s", error)

    async def _store(self, inbound: m.Inbound, heard: Heard) -> Turn | None:
        """Store a message and its sender; none where WeChat posted it before."""
        now = self._clock.now()
        async with self._db.begin() as session:
            row = insert_for(session, Message).values(
                key=inbound.key, openid=inbound.openid, direction="in", kind=inbound.kind, grant=inbound.grant,
                content=heard.dump(), state="received" if heard.wants_answer else "noted",
                lease_until=now + LEASE, attempts=0, created_at=now,
            )
            new = await session.execute(row.on_conflict_do_nothing(index_elements=["key"]).returning(Message.id))
            message_id = new.scalar_one_or_none()
            if message_id is None:
                return None
            await self._note_customer(session, inbound, now)
            standing = None
            if heard.wants_answer:
                standing = await self._ledger.heard(session, inbound.openid, inbound.kind, heard.shown, now)
        return Turn(message_id, inbound.openid, inbound.kind, heard, conversation=standing.id if standing else None)

    async def _note_customer(self, session: AsyncSession, inbound: m.Inbound, now: datetime) -> None:
        follows = not isinstance(inbound, m.Unsubscribe)
        row = insert_for(session, Customer).values(
            openid=inbound.openid, subscribed=follows, created_at=now, last_seen_at=now,
        )
        seen = {"last_seen_at": now, "subscribed": follows}
        await session.execute(row.on_conflict_do_update(index_elements=["openid"], set_=seen))

    async def _reply_given(self, key: str, exchange: Exchange) -> str | None:
        """What another process, or this one a moment ago, replied to the same message."""
        answered = select(Message.id).where(Message.key == key, Message.state != "received")
        while not exchange.reply.done():
            async with self._db.read() as session:
                message_id = await session.scalar(answered)
                if message_id is not None:
                    cause = f"answers:{message_id}"
                    content = await session.scalar(
                        select(Message.content).where(Message.cause == cause, Message.kind == REPLY),
                    )
                    return str(json.loads(content)["text"]) if content else None
            await asyncio.sleep(_POLL_SECONDS)
        return None

    # --- one turn at a time

    async def _take_turn(self, turn: Turn, exchange: Exchange) -> None:
        """Answer a message when all before it of the same customer are answered."""
        self._under_way.add(turn.id)
        try:
            standing = Standing.WAITING
            while standing is Standing.WAITING:
                async with self._messaging.floor.hold(turn.openid):
                    standing = await self._standing(turn)
                    if standing is Standing.NEXT:
                        await self._answer(turn, exchange)
                if standing is Standing.WAITING:
                    await asyncio.sleep(_POLL_SECONDS)
        finally:
            self._under_way.discard(turn.id)

    async def _standing(self, turn: Turn) -> Standing:
        open_before = select(Message.id, Message.lease_until).where(
            Message.openid == turn.openid, Message.state == "received", Message.direction == "in", Message.id <= turn.id,
        )
        async with self._db.read() as session:
            leases = dict((await session.execute(open_before)).tuples().all())
        if leases.pop(turn.id, None) is None:
            return Standing.DONE
        now = self._clock.now()
        return Standing.WAITING if any(lease and lease > now for lease in leases.values()) else Standing.NEXT

    async def _claim(self, message_id: int, lease: datetime | None) -> Turn | None:
        """Take over a message whose lease has ended, unless somebody else has."""
        async with self._db.begin() as session:
            taken = await session.execute(
                update(Message)
                .where(Message.id == message_id, Message.lease_until == lease, Message.state == "received")
                .values(lease_until=self._clock.now() + LEASE, attempts=Message.attempts + 1)
                .returning(Message.id),
            )
            if taken.scalar_one_or_none() is None:
                return None
            row = await session.get_one(Message, message_id)
        answers = json.loads(row.answers) if row.answers else None
        return Turn(row.id, row.openid, row.kind, Heard.load(row.content), answers, row.attempts)

    # --- answering

    async def _answer(self, turn: Turn, exchange: Exchange) -> None:
        if await self._services.handovers.owner(turn.openid):
            await self._leave_to_person(turn, exchange)
        elif turn.answers is not None:
            await self._send(turn, turn.answers, exchange)
        else:
            reply = await self._ask(turn)
            turn = replace(turn, understood=reply.understood)
            held = await self._delivery.take_held(turn.openid)
            person = await self._services.handovers.after_turn(turn.openid, turn.heard.said, reply.understood)
            await self._give(turn, [*held, *reply.answers, *person], exchange)
        await self._services.live.publish(Change("message", turn.conversation))

    async def _leave_to_person(self, turn: Turn, exchange: Exchange) -> None:
        """A person has the conversation: they answer, and outside their hours the customer is told so."""
        if turn.heard.photo:
            await self._keep_photo(turn)
        closed = await self._services.handovers.out_of_hours(turn.openid)
        if closed and exchange.claim():
            await self._reply(turn, closed, exchange, state="held")
            return
        await self._finish(turn, "held")
        exchange.settle(None)

    async def _ask(self, turn: Turn) -> Reply:
        """What to answer. Where the dialogue cannot be asked, the customer is told so and asked to write again."""
        if turn.heard.reply:
            return Reply([{"text": turn.heard.reply}])
        try:
            if turn.attempts > MOST_ATTEMPTS:
                raise SystemUnavailable("gateway")
            words = turn.heard.message or await self._photo(turn)
            if words.startswith(desk_wording.RATE):
                return Reply(await self._messaging.takeover.rated(turn.openid, int(words.removeprefix(desk_wording.RATE))))
            rasa = self._messaging.rasa
            reply = await rasa.answered(turn.openid, turn.id) if turn.attempts else None
            if reply is None:
                reply = await rasa.hear(turn.openid, words, turn.id, turn.kind)
        except SystemUnavailable as error:
            log.warning("message %d: %s is unavailable", turn.id, error.system)
            wish = wording.PHOTO_FAILED if error.system == "wechat" else wording.BUSY
            return Reply([{"text": wish.format(hotline=self._services.utility.hotline.phone)}])
        except (MediaGone, Undeliverable):
            return Reply([{"text": wording.NOT_A_PHOTO}])
        return reply if reply.answers else replace(reply, answers=[{"text": wording.NOT_UNDERSTOOD}])

    async def _keep_photo(self, turn: Turn) -> None:
        """Keep a photo that a person will look at; WeChat has it for three days only."""
        try:
            await self._photo(turn)
        except (SystemUnavailable, MediaGone, Undeliverable) as error:
            log.warning("message %d: the photo is not kept: %s", turn.id, type(error).__name__)

    async def _photo(self, turn: Turn) -> str:
        """Fetch and keep the photo; what the dialogue hears of it. Who reads the message finds it by its media id."""
        photo = turn.heard.photo or ""
        content = await self._messaging.wechat.fetch_media(photo, "image")
        content_type = picture_type(content)
        if content_type is None:
            raise MediaGone(photo)
        media_id = await self._messaging.media.keep(turn.openid, "image", content, content_type)
        kept = replace(turn.heard, media=media_id).dump()
        async with self._db.begin() as session:
            await session.execute(update(Message).where(Message.id == turn.id).values(content=kept))
        return f"/inform{json.dumps({'image': media_id})}"

    async def _give(self, turn: Turn, answers: Sequence[dict[str, Any]], exchange: Exchange) -> None:
        """Reply in WeChat's call if that can be, else through the API."""
        bubbles = await self._delivery.compose(turn.openid, answers)
        text = as_text(bubbles)
        needs_api = any(isinstance(bubble, Menu) for bubble in bubbles)  # a passive reply holds no menu
        if text is not None and not needs_api and exchange.claim():
            await self._reply(turn, text, exchange)
            return
        async with self._db.begin() as session:
            if not await self._ledger.may_bot_speak(session, turn.openid):
                await self._withhold(session, turn, bubbles, exchange)
                return
            self._delivery.plan(session, turn.openid, bubbles, turn.message_key)
            kept = json.dumps(answers, ensure_ascii=False)
            await session.execute(update(Message).where(Message.id == turn.id).values(answers=kept))
        await self._send(turn, answers, exchange)

    async def _send(self, turn: Turn, answers: Sequence[dict[str, Any]], exchange: Exchange) -> None:
        """Send through the API.

        Where that fails, or the quota is used up, reply in WeChat's call if there is still time, choices numbered in the text;
        else leave it to the worker.
        """
        try:
            await self._delivery.send(turn.openid, turn.message_key)
        except (SystemUnavailable, Undeliverable) as error:
            log.warning("message %d: the answer is not delivered: %s", turn.id, error)
            if isinstance(error, Undeliverable) and error.why == "taken":
                await self._finish(turn, "held")
                exchange.settle(None)
                return
            text = as_text(await self._delivery.unsent(turn.message_key))
            if text is not None and exchange.claim():
                await self._reply(turn, text, exchange)
                return
            await self._finish(turn, "answered", later=answers if isinstance(error, SystemUnavailable) else ())
        else:
            await self._finish(turn, "answered")
        exchange.settle(None)

    async def _reply(self, turn: Turn, text: str, exchange: Exchange, state: str = "answered") -> None:
        """Reply in WeChat's call. The bot only does so while no person has the conversation (``state`` answered)."""
        async with self._db.begin() as session:
            if state == "answered" and not await self._ledger.may_bot_speak(session, turn.openid):
                await self._delivery.withdraw(session, turn.message_key)
                await self._withhold(session, turn, [Text(text)], exchange)
                return
            await self._delivery.withdraw(session, turn.message_key)
            content = json.dumps({"text": text}, ensure_ascii=False)
            self._delivery.record(session, turn.openid, turn.message_key, REPLY, REPLY, content, "sent")
            await self._mark(session, turn, state)
        exchange.settle(text)

    async def _withhold(
        self, session: AsyncSession, turn: Turn, bubbles: Sequence[Bubble], exchange: Exchange,
    ) -> None:
        """Somebody took the conversation while the bot was thinking: what it would have said is kept for staff to see.

        They took it before this transaction could say anything, so that the customer hears nothing of it.
        """
        for number, bubble in enumerate(bubbles):
            kind = type(bubble).__name__.lower()
            self._delivery.record(session, turn.openid, turn.message_key, f"w{number}", kind, dump(bubble), "withheld")
        await self._mark(session, turn, "held")
        exchange.settle(None)

    async def _finish(self, turn: Turn, state: str, later: Sequence[dict[str, Any]] = ()) -> None:
        """Write down that a message is done; what could not be sent now goes to the outbox."""
        async with self._db.begin() as session:
            await self._mark(session, turn, state)
            if later:
                await enqueue(
                    session, self._clock, openid=turn.openid, kind="answers", payload={"answers": list(later)},
                    dedupe_key=turn.message_key,
                )

    async def _mark(self, session: AsyncSession, turn: Turn, state: str) -> None:
        done = {"state": state, "done_at": self._clock.now(), "lease_until": None}
        await session.execute(update(Message).where(Message.id == turn.id).values(done))
        if turn.understood:
            await self._ledger.understood(session, turn.openid, turn.id, turn.understood)
        if state == "answered":
            await self._ledger.spoke(session, turn.openid, "bot", [])
