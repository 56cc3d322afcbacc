"""From the link to sign, over WeChat Pay's word that it is signed or has ended, to CSMS that debits by it.

Every step is safe to repeat: what WeChat Pay tells is written down in one transaction with what the customer hears and with
the mark that CSMS has yet to be told.
"""

from __future__ import annotations

import hashlib
import hmac
import logging
import secrets
from base64 import urlsafe_b64encode
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import record
from services.auto_pay.ports import Contract, DebitDesk, Papay
from services.errors import (
    AutoPayNotOffered,
    AutoPaySigned,
    CallbackRefused,
    ClosedAccount,
    LinkInvalid,
    SystemUnavailable,
    UnknownAccount,
)
from services.outbox import enqueue
from store.db import Database
from store.models.auto_pay import AutoPayContract, ContractState

log = logging.getLogger(__name__)

BATCH = 20
FIRST_LOOK, LAST_LOOK = timedelta(seconds=10), timedelta(minutes=10)
MAC_CHARACTERS = 22  # of base64: 132 of HMAC-SHA256's 256 bits
TERMINATION_REASON = "用户在公众号取消自动扣款"


@dataclass(frozen=True, slots=True)
class AutoPayStatus:
    """An account's contract that is in force. ``mine``: this customer signed it."""

    account_no: str
    signed_at: datetime
    mine: bool


class AutoPay:
    """For the dialogue: ``status``, ``offer``, ``cancel``. For the pages: ``open_link``, ``callback``. For the worker, every
    few seconds: ``query_due``, ``tell_csms``.
    """

    def __init__(
        self, db: Database, papay: Papay, desk: DebitDesk, clock: Clock, utility: Utility, *, link_key: bytes,
        public_base_url: str,
    ) -> None:
        self._db = db
        self._papay = papay
        self._desk = desk
        self._clock = clock
        self._rules = utility.payments.auto_pay
        self._link_key = link_key
        self._public_base_url = public_base_url.rstrip("/")

    # --- the customer

    async def status(self, openid: str, account_no: str) -> AutoPayStatus | None:
        """The account's contract in force, or none."""
        async with self._db.read() as session:
            row = await session.scalar(_active(account_no))
        if row is None or row.signed_at is None:
            return None
        return AutoPayStatus(account_no, row.signed_at, row.openid == openid)

    async def offer(self, openid: str, account_no: str) -> str:
        """The link to sign for an account; the customer's own, good until it expires.

        Raises:
            AutoPayNotOffered: the utility has no contract template.
            AutoPaySigned: there is a contract in force.
        """
        if not self._papay.offered:
            raise AutoPayNotOffered
        now = self._clock.now()
        async with self._db.begin() as session:
            if await session.scalar(_active(account_no)) is not None:
                raise AutoPaySigned
            contract = AutoPayContract(
                contract_code=f"ZK{now:%Y%m%d%H%M%S}{secrets.token_hex(7)}", openid=openid, account_no=account_no,
                state=ContractState.OFFERED, created_at=now, expires_at=now + timedelta(minutes=self._rules.link_minutes),
                untold=False, tries=0, next_try_at=None,
            )
            session.add(contract)
            record(session, self._clock, openid, "auto_pay_offer", account_no, detail=contract.contract_code)
        return f"{self._public_base_url}/p/autopay/{self._token(contract.contract_code)}"

    async def open_link(self, token: str, openid: str) -> str:
        """WeChat Pay's page for the contract behind a link.

        Raises:
            LinkInvalid: ``forged``, ``foreign``, ``expired``, or ``used`` (signed already).
        """
        contract_code = token.partition(".")[0]
        if not hmac.compare_digest(self._token(contract_code).encode(), token.encode()):
            raise LinkInvalid("forged")
        now = self._clock.now()
        async with self._db.begin() as session:
            row = await session.scalar(
                select(AutoPayContract).where(AutoPayContract.contract_code == contract_code).with_for_update(),
            )
            if row is None or row.openid != openid:
                raise LinkInvalid("foreign" if row else "forged")
            if row.state != ContractState.OFFERED:
                raise LinkInvalid("used" if row.state == ContractState.ACTIVE else "expired")
            if row.expires_at <= now or await session.scalar(_active(row.account_no)) is not None:
                raise LinkInvalid("expired")
            row.tries, row.next_try_at = 0, now + FIRST_LOOK  # from now on only WeChat Pay knows whether it is signed
            serial, shown_as = row.id, f"水费户号尾号{row.account_no[-4:]}"
        return self._papay.sign_url(contract_code, serial, shown_as)

    async def cancel(self, openid: str, account_no: str) -> bool:
        """End the customer's contract for an account; false where there is none of theirs.

        Raises:
            SystemUnavailable: WeChat Pay does not answer; nothing has changed.
        """
        async with self._db.read() as session:
            row = await session.scalar(_active(account_no))
        if row is None or row.openid != openid or row.contract_id is None:
            return False
        await self._papay.terminate(row.contract_id, TERMINATION_REASON)
        async with self._db.begin() as session:
            held = await session.get_one(AutoPayContract, row.id, with_for_update=True)
            if held.state == ContractState.ACTIVE:
                self._end(session, held, "cancelled")
        return True

    # --- WeChat Pay tells, or is asked

    async def callback(self, body: bytes) -> None:
        """Take what WeChat Pay posted. Returning means that it is written down and need not be sent again.

        Raises:
            CallbackRefused: WeChat Pay did not send it, or it fits no contract of ours.
        """
        told = self._papay.parse_callback(body)
        if not await self._told(told):
            raise CallbackRefused("contract")

    async def query_due(self) -> int:
        """Ask WeChat Pay about contracts that may have been signed without our hearing; how many changed."""
        return sum([await self._look(row) for row in await self._due(AutoPayContract.state == ContractState.OFFERED)])

    async def tell_csms(self) -> int:
        """Tell CSMS of contracts that were signed or have ended; how many."""
        return sum([await self._tell_one(row) for row in await self._due(AutoPayContract.untold.is_(True))])

    async def _told(self, told: Contract) -> bool:
        """Write how a contract stands; whether it is one of ours. Late, repeated and out of order are all the same."""
        async with self._db.begin() as session:
            row = await session.scalar(
                select(AutoPayContract).where(AutoPayContract.contract_code == told.contract_code).with_for_update(),
            )
            if row is None or row.openid != told.openid:
                log.error("WeChat Pay tells of a contract that is not ours")
                return False
            if told.active and row.state == ContractState.OFFERED:
                row.state, row.contract_id, row.signed_at = ContractState.ACTIVE, told.contract_id, told.changed_at
                self._changed(row)
                await self._tell_customer(session, row, "on")
                record(session, self._clock, row.openid, "auto_pay", row.account_no, "signed", row.contract_code)
            elif not told.active and row.state == ContractState.ACTIVE:
                self._end(session, row, "ended_at_wechat")
                await self._tell_customer(session, row, "off")
            elif not told.active and row.state == ContractState.OFFERED:
                row.state, row.ended_at, row.next_try_at = ContractState.ENDED, told.changed_at, None
        return True

    def _end(self, session: AsyncSession, row: AutoPayContract, why: str) -> None:
        row.state, row.ended_at = ContractState.ENDED, self._clock.now()
        self._changed(row)
        record(session, self._clock, row.openid, "auto_pay", row.account_no, why, row.contract_code)

    def _changed(self, row: AutoPayContract) -> None:
        row.untold, row.tries, row.next_try_at = True, 0, self._clock.now()

    async def _tell_customer(self, session: AsyncSession, row: AutoPayContract, what: str) -> None:
        await enqueue(
            session, self._clock, openid=row.openid, kind="trigger", dedupe_key=f"auto_pay_{what}:{row.contract_code}",
            payload={"intent": f"EXTERNAL_auto_pay_{what}", "entities": {"accounts": [row.account_no]}},
        )

    async def _due(self, condition: ColumnElement[bool]) -> list[AutoPayContract]:
        now = self._clock.now()
        waiting = condition & (AutoPayContract.next_try_at <= now)
        async with self._db.read() as session:
            if await session.scalar(select(AutoPayContract.id).where(waiting).limit(1)) is None:
                return []
        async with self._db.begin() as session:
            rows = select(AutoPayContract).where(waiting).order_by(AutoPayContract.next_try_at).limit(BATCH)
            found = list(await session.scalars(rows.with_for_update(skip_locked=True)))
            for row in found:
                row.tries += 1
                row.next_try_at = now + min(FIRST_LOOK * (1 << min(row.tries - 1, 10)), LAST_LOOK)
        return found

    async def _look(self, row: AutoPayContract) -> bool:
        try:
            told = await self._papay.query(row.contract_code)
        except SystemUnavailable:
            return False
        if told is not None:
            return await self._told(told)
        if row.expires_at + LAST_LOOK <= self._clock.now():
            async with self._db.begin() as session:
                held = await session.get_one(AutoPayContract, row.id, with_for_update=True)
                if held.state == ContractState.OFFERED:
                    held.state, held.ended_at, held.next_try_at = ContractState.ENDED, self._clock.now(), None
        return False

    async def _tell_one(self, row: AutoPayContract) -> bool:
        active = row.state == ContractState.ACTIVE
        try:
            await self._desk.set_contract(
                row.account_no, row.contract_code, row.contract_id or "", active=active,
                since=(row.signed_at if active else row.ended_at) or row.created_at,
            )
        except SystemUnavailable as error:
            log.warning("CSMS is not told of contract %s yet: %s", row.contract_code, error)
            return False
        except (UnknownAccount, ClosedAccount):
            log.error("CSMS has no open account for contract %s: a person must see to it", row.contract_code)
        async with self._db.begin() as session:
            held = await session.get_one(AutoPayContract, row.id, with_for_update=True)
            if held.state == row.state:  # else it has changed meanwhile, and that is told next
                held.untold, held.next_try_at = False, None
        return True

    def _token(self, contract_code: str) -> str:
        mac = hmac.digest(self._link_key, f"autopay-link\n{contract_code}".encode(), hashlib.sha256)
        return f"{contract_code}.{urlsafe_b64encode(mac).decode()[:MAC_CHARACTERS]}"


def _active(account_no: str) -> Select[AutoPayContract]:
    return select(AutoPayContract).where(
        AutoPayContract.account_no == account_no, AutoPayContract.state == ContractState.ACTIVE,
    ).limit(1)
