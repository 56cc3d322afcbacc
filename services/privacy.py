"""What is stored about a customer: shown to them, handed out, and deleted; and forgotten when its time is over.

Every table with an openid belongs to one of the lists below, so that nothing is left out: ``tests/unit/privacy`` sees to it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Protocol

from sqlalchemy import Table, delete, func, inspect, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.masking import mask_address, mask_name
from runxia.utility import Utility
from services.accounts import Accounts
from services.audit import SYSTEM, record
from services.errors import LinkInvalid, NotVerified, SystemUnavailable
from services.floor import Floor
from store.db import Database
from store.models import Base, ConversationRecord, Erasure, Media, Message

# Tables that are emptied for a customer who wants to be forgotten, children before parents; each with what customers call it.
ERASED: Final = {
    "subscription": "订阅的通知", "notify_setting": "提醒设置", "quiet_time": "免打扰时间", "answer_rating": "评价",
    "invoice_title": "发票抬头", "conversation": "人工客服的记录", "outbox": "等待发送的消息",
    "verified_session": "身份验证状态", "binding": "绑定的户号", "media": "照片和录音", "message": "聊天记录",
}
# Records of business that the law, or the business itself, requires.
KEPT: Final = {
    "pay_order": "缴费订单", "refund_request": "退款申请", "invoice_request": "开票申请", "auto_pay_contract": "自动扣款签约",
    "application": "业务申请", "work_order": "报修和投诉", "meter_request": "报读数、读数复核、上门抄表和校表",
}
# What guards accounts and ends by itself, within a day; and that somebody follows the official account.
PASSING: Final = {"sms_challenge": "验证码记录", "lockout": "输错次数", "customer": "关注状态", "erasure": "删除请求"}

LINK_LIFE: Final = timedelta(minutes=30)
SETTLED: Final = timedelta(seconds=60)  # after which the conversation in which it was asked for is over, too
MAC_CHARACTERS: Final = 43
# Columns that say nothing about a customer.
_INTERNAL: Final = frozenset({
    "id", "openid", "key", "cause", "grant", "lease_until", "attempts", "tries", "next_try_at", "dedupe_key", "path",
    "last_error", "link_nonce", "answers", "sequence", "not_before", "expires_at", "request_id",
})


@dataclass(frozen=True, slots=True)
class Holding:
    """Rows of one kind that are stored about a customer."""

    name: str
    title: str
    rows: tuple[Mapping[str, Any], ...]


class Dialogue(Protocol):
    """The dialogue engine, which keeps conversations of its own. Its methods raise ``SystemUnavailable("rasa")``."""

    async def forget(self, openid: str) -> None:
        """Delete a customer's conversation."""
        ...

    async def forget_before(self, moment: datetime) -> int:
        """Delete what was said before; how many events."""
        ...


class Privacy:
    """Shows and hands out what is stored, and takes requests to delete it."""

    def __init__(
        self, db: Database, accounts: Accounts, clock: Clock, utility: Utility, *, link_key: bytes, public_base_url: str,
        data_dir: Path,
    ) -> None:
        self._db = db
        self._accounts = accounts
        self._clock = clock
        self._utility = utility
        self._link_key = link_key
        self._public_base_url = public_base_url.rstrip("/")
        self._data_dir = data_dir

    async def counts(self, openid: str) -> dict[str, int]:
        """How much is stored, by what customers call it; kinds without any are left out."""
        found: dict[str, int] = {}
        async with self._db.read() as session:
            for name, title in (ERASED | KEPT).items():
                table = Base.metadata.tables.get(name)
                if table is not None:
                    count = await session.scalar(select(func.count()).select_from(table).where(table.c.openid == openid))
                    found[title] = int(count or 0)
        return {title: count for title, count in found.items() if count}

    async def link(self, openid: str) -> str:
        """The address of the customer's own page, good for :data:`LINK_LIFE`. Who opens it is asked of WeChat."""
        end = int((self._clock.now() + LINK_LIFE).timestamp())
        async with self._db.begin() as session:
            record(session, self._clock, openid, "export_data")
        return f"{self._public_base_url}/p/data/{end}.{self._mac(openid, end)}"

    async def export(self, token: str, openid: str) -> list[Holding]:
        """All that is stored about the customer whom ``token`` was made for.

        Names and addresses of accounts that are not proven at present are masked.

        Raises:
            LinkInvalid: forged, somebody else's, or expired.
        """
        self._check(token, openid)
        holdings: list[Holding] = []
        async with self._db.read() as session:
            for name, title in (ERASED | KEPT).items():
                if (model := _model(name)) is not None:
                    rows = await session.scalars(select(model).where(model.openid == openid))
                    holdings.append(Holding(name, title, tuple(_row(row) for row in rows.unique().all())))
        return [await self._masked(openid, holding) for holding in holdings if holding.rows]

    async def erase(self, openid: str) -> bool:
        """Delete what may be deleted, and have the rest of the conversation follow; whether there was anything.

        The message under way stays until it is answered; the worker deletes it with the dialogue's memory. Repeating it does
        no harm.

        Raises:
            NotVerified: an account is bound, and none was proven within the session.
        """
        bound = await self._accounts.bindings(openid)
        if bound and not any([await self._accounts.is_proven(openid, each.account_no) for each in bound]):
            raise NotVerified
        now = self._clock.now()
        async with self._db.begin() as session:
            waiting = await session.scalar(select(Erasure.id).where(Erasure.openid == openid))
            if waiting is None:
                session.add(Erasure(openid=openid, asked_at=now))
            paths = await _empty(session, openid)
            record(session, self._clock, openid, "erase_data", detail=f"{len(bound)} accounts")
        await asyncio.to_thread(_remove, self._data_dir, paths)
        return waiting is None

    def _check(self, token: str, openid: str) -> None:
        end, _, mac = token.partition(".")
        if not (end.isascii() and end.isdigit() and len(end) < MAC_CHARACTERS):
            raise LinkInvalid("forged")
        if not hmac.compare_digest(self._mac(openid, int(end)).encode(), mac.encode()):
            raise LinkInvalid("foreign")
        if int(end) <= self._clock.now().timestamp():
            raise LinkInvalid("expired")

    def _mac(self, openid: str, end: int) -> str:
        signed = hmac.digest(self._link_key, f"data-link\n{openid}\n{end}".encode(), hashlib.sha256)
        return urlsafe_b64encode(signed).decode().rstrip("=")

    async def _masked(self, openid: str, holding: Holding) -> Holding:
        rows: list[Mapping[str, Any]] = []
        for row in holding.rows:
            account_no = row.get("account_no")
            hidden = holding.name == "binding" and not await self._accounts.is_verified(openid, str(account_no))
            covers = {"owner": mask_name, "address": mask_address} if hidden else {}
            rows.append({name: covers[name](value) if name in covers else value for name, value in row.items()})
        return Holding(holding.name, holding.title, tuple(rows))


class Eraser:
    """The worker's part: what could not be deleted while the customer was answered, and what has been kept long enough."""

    def __init__(
        self, db: Database, clock: Clock, utility: Utility, dialogue: Dialogue, floor: Floor, data_dir: Path,
    ) -> None:
        self._db = db
        self._clock = clock
        self._utility = utility
        self._dialogue = dialogue
        self._floor = floor
        self._data_dir = data_dir

    async def finish_due(self) -> int:
        """Finish deletions that were asked for; how many. One that fails is tried again with the next look."""
        due = select(Erasure).where(Erasure.asked_at <= self._clock.now() - SETTLED).order_by(Erasure.id)
        async with self._db.read() as session:
            waiting = (await session.scalars(due)).all()
        return sum([await self._finish(each.id, each.openid) for each in waiting])

    async def prune(self) -> int:
        """Delete messages and photos older than ``privacy`` in utility.yml says, the dialogue's memory of them too."""
        rule = self._utility.privacy
        now = self._clock.now()
        oldest = now - timedelta(days=rule.message_days)
        old_messages = delete(Message).where(Message.created_at < oldest)
        old_media = Media.created_at < now - timedelta(days=rule.media_days)
        old_conversations = delete(ConversationRecord).where(ConversationRecord.last_at < oldest)
        async with self._db.begin() as session:
            forgotten = len((await session.execute(old_messages.returning(Message.id))).all())
            await session.execute(old_conversations)
            needed = await _media_in_use(session)
            gone = delete(Media).where(old_media, Media.id.not_in(needed)).returning(Media.path)
            paths = list((await session.scalars(gone)).all())
        await asyncio.to_thread(_remove, self._data_dir, paths)
        forgotten += len(paths)
        return forgotten + await self._dialogue.forget_before(oldest)

    async def _finish(self, erasure_id: int, openid: str) -> int:
        try:
            async with self._floor.hold(openid):
                await self._dialogue.forget(openid)
                async with self._db.begin() as session:
                    paths = await _empty(session, openid)
                    await session.execute(delete(Erasure).where(Erasure.id == erasure_id))
                    record(session, self._clock, SYSTEM, "data_erased", detail=f"request {erasure_id}")
        except SystemUnavailable:
            return 0
        await asyncio.to_thread(_remove, self._data_dir, paths)
        return 1


def _model(table_name: str) -> Any | None:
    """The class of a table; none where no capability has one."""
    return next((each.class_ for each in Base.registry.mappers if each.class_.__tablename__ == table_name), None)


def _row(row: Any) -> dict[str, Any]:
    """What a row says about the customer, readable."""
    columns = [attribute.key for attribute in inspect(type(row)).column_attrs if attribute.key not in _INTERNAL]
    return {name: _plain(getattr(row, name)) for name in columns if getattr(row, name) is not None}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.strftime("%Y-%m-%d %H:%M")
    if isinstance(value, str) and value.startswith("{"):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value if isinstance(value, bool | int | str) else str(value)


async def _empty(session: AsyncSession, openid: str) -> list[str]:
    """Delete a customer's rows of the :data:`ERASED` tables; the files that go with them."""
    paths: list[str] = []
    for name in ERASED:
        table = Base.metadata.tables.get(name)
        if table is None:
            continue
        mine = table.c.openid == openid
        if name == "message":  # the one that is being answered goes with the dialogue's memory of it
            mine &= table.c.state != "received"
        elif name == "media":
            mine &= table.c.id.not_in(await _media_in_use(session))
            paths = list((await session.scalars(select(table.c.path).where(mine))).all())
        await session.execute(delete(table).where(mine))
    return paths


async def _media_in_use(session: AsyncSession) -> Sequence[str]:
    """Media that belong to a record that is kept."""
    holders: list[Table] = [table for table in Base.metadata.sorted_tables if "media_id" in table.c]
    return [number for table in holders for number in (await session.scalars(select(table.c.media_id))).all() if number]


def _remove(data_dir: Path, paths: Sequence[str]) -> None:
    for path in paths:
        (data_dir / path).unlink(missing_ok=True)
