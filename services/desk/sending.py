"""What staff send to customers: at once or not at all, within what WeChat still takes, and once however often it is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import select

from connectors.wechat.bubbles import Answer, Bubble, Image, compose
from runxia.clock import Clock
from runxia.money import yuan
from runxia.utility import FormShortcut, Utility
from services.audit import record
from services.delivery import Delivery
from services.desk.ledger import Ledger
from services.desk.model import STAFF_CAUSE
from services.desk.takeover import Takeover
from services.errors import NotBound, NothingToPay, Undeliverable, UnknownConversation
from services.media import MediaStore, picture_type
from services.payments import Payments
from services.quota import Allowance, Quota
from store.db import Database
from store.live import Change, Live
from store.models import Binding, ConversationRecord, Message

TEXT_CHARACTERS: Final = 1000
KEY_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a message of staff. ``repeated``: it had been asked for before, and nothing was done now."""

    message_ids: tuple[int, ...]
    repeated: bool = False


class Sending:
    """Sends for staff.

    ``client_key``: made by the sender's page for each message, so that a click too many sends nothing twice. All methods take
    the conversation over where nobody has it, and raise:

    Raises:
        UnknownConversation: there is none.
        ConversationTaken: a colleague has it.
        Undeliverable: ``window`` (48 hours since the customer wrote), ``quota`` (five messages since), or what WeChat says.
            Nothing is sent later.
        SystemUnavailable: WeChat does not answer. The same call again sends what is left.
    """

    def __init__(
        self, db: Database, clock: Clock, utility: Utility, delivery: Delivery, quota: Quota, takeover: Takeover,
        ledger: Ledger, payments: Payments, media: MediaStore, live: Live,
    ) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility
        self._delivery = delivery
        self._quota = quota
        self._takeover = takeover
        self._ledger = ledger
        self._payments = payments
        self._media = media
        self._live = live

    async def allowance(self, conversation_id: int) -> Allowance:
        """What may still be sent, and until when: to be shown before it bites."""
        return await self._quota.allowance(await self._openid(conversation_id))

    async def text(self, conversation_id: int, login: str, client_key: str, text: str) -> Sent:
        """Send words.

        Raises:
            ValueError: none, or more than :data:`TEXT_CHARACTERS`.
        """
        words = text.strip()
        if not 0 < len(words) <= TEXT_CHARACTERS:
            raise ValueError(f"{len(words)} characters")
        return await self._send(conversation_id, login, client_key, [{"text": words}])

    async def image(self, conversation_id: int, login: str, client_key: str, content: bytes) -> Sent:
        """Send a picture.

        Raises:
            ValueError: it is none.
        """
        content_type = picture_type(content)
        if content_type is None:
            raise ValueError("no picture")
        openid = await self._openid(conversation_id)
        cause = _cause(login, client_key)
        if earlier := await self._earlier(cause):
            return await self._again(conversation_id, openid, cause, earlier)
        media_id = await self._media.keep(openid, "image", content, content_type)
        answer = {"custom": {"kind": "image", "media_id": media_id}}
        return await self._send(conversation_id, login, client_key, [answer])

    async def pay_link(self, conversation_id: int, login: str, client_key: str, account_nos: Sequence[str]) -> Sent:
        """Send a link to pay all that accounts of the customer's own owe.

        Raises:
            NotBound: an account is not bound by this customer.
            NothingToPay, BillDisputed, PaymentInProgress, AmountChanged, TooManyBills: as for the customer.
        """
        openid = await self._openid(conversation_id)
        cause = _cause(login, client_key)
        if earlier := await self._earlier(cause):
            return await self._again(conversation_id, openid, cause, earlier)
        await self._check_open(openid)
        async with self._db.read() as session:
            bound = set((await session.scalars(select(Binding.account_no).where(Binding.openid == openid))).all())
        if not account_nos or not set(account_nos) <= bound:
            raise NotBound
        offer = await self._payments.offer(account_nos)
        if not offer.lines:
            raise NothingToPay
        link = await self._payments.create_order(openid, offer.lines)
        minutes = self._utility.payments.link_minutes
        answer = {
            "text": f"这是您的缴费链接，共{yuan(link.amount_fen)}，{minutes}分钟内有效。",
            "custom": {"kind": "link", "title": f"去付款 {yuan(link.amount_fen)}", "text": "", "url": link.url},
        }
        return await self._send(conversation_id, login, client_key, [answer])

    async def form(self, conversation_id: int, login: str, client_key: str, name: str) -> Sent:
        """Ask the customer for something that the assistant then takes in: the shortcut ``name`` of utility.yml.

        The words are sent, and the conversation goes back to the bot, which begins the task.

        Raises:
            KeyError: there is no such shortcut.
        """
        shortcut = self._shortcut(name)
        sent = await self._send(conversation_id, login, client_key, [{"text": shortcut.text}])
        if not sent.repeated:
            await self._takeover.start_form(conversation_id, login, shortcut.intent)
        return sent

    # ---

    async def _send(self, conversation_id: int, login: str, client_key: str, answers: Sequence[Answer]) -> Sent:
        openid, cause = await self._openid(conversation_id), _cause(login, client_key)
        if earlier := await self._earlier(cause):
            return await self._again(conversation_id, openid, cause, earlier)
        bubbles = compose(answers, ())
        async with self._delivery.mouth(openid):
            if earlier := await self._earlier(cause):  # the same click, a moment ago
                return Sent(earlier, repeated=True)
            await self._check_open(openid, len(bubbles))
            await self._takeover.take_now(conversation_id, login)
            async with self._db.begin() as session:
                self._delivery.plan(session, openid, bubbles, cause)
                await self._ledger.spoke(session, openid, "staff", _words(bubbles))
                record(session, self._clock, login, "desk_send", detail=f"conversation {conversation_id}")
            await self._finish(conversation_id, openid, cause)
        return Sent(await self._earlier(cause))

    async def _again(self, conversation_id: int, openid: str, cause: str, ids: tuple[int, ...]) -> Sent:
        """A repeated call: what WeChat did not answer for is sent now, what was sent stays sent."""
        async with self._delivery.mouth(openid):
            await self._finish(conversation_id, openid, cause)
        return Sent(ids, repeated=True)

    async def _finish(self, conversation_id: int, openid: str, cause: str) -> None:
        try:
            await self._delivery.send_as_staff(openid, cause)
        finally:
            await self._live.publish(Change("message", conversation_id))

    async def _check_open(self, openid: str, messages: int = 1) -> None:
        allowed = await self._quota.allowance(openid)
        if refusal := allowed.refusal or ("quota" if allowed.left < messages else None):
            raise Undeliverable(refusal)

    async def _earlier(self, cause: str) -> tuple[int, ...]:
        async with self._db.read() as session:
            ids = await session.scalars(select(Message.id).where(Message.cause == cause).order_by(Message.id))
            return tuple(ids)

    async def _openid(self, conversation_id: int) -> str:
        async with self._db.read() as session:
            found = await session.get(ConversationRecord, conversation_id)
        if found is None:
            raise UnknownConversation
        return found.openid

    def _shortcut(self, name: str) -> FormShortcut:
        found = next((each for each in self._utility.desk.shortcuts if each.name == name), None)
        if found is None:
            raise KeyError(name)
        return found


def sender_of(cause: str | None) -> str | None:
    """The login of who sent a message, or none where no member of staff did."""
    if not (cause or "").startswith(STAFF_CAUSE):
        return None
    return str(cause).removeprefix(STAFF_CAUSE).rpartition(":")[0]


def _cause(login: str, client_key: str) -> str:
    if not (0 < len(client_key) <= KEY_CHARACTERS and client_key.isascii() and ":" not in client_key):
        raise ValueError("client_key")
    return f"{STAFF_CAUSE}{login}:{client_key}"


def _words(bubbles: Sequence[Bubble]) -> list[str]:
    return [bubble.text for bubble in bubbles if not isinstance(bubble, Image)]
