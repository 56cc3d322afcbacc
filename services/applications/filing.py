"""What a customer does: file an application, ask how it stands, add documents, take it back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from runxia.clock import Clock
from runxia.utility import Utility
from services.accounts import Accounts
from services.applications.model import FILING, Photo, View, filing_facts, update_record
from services.applications.ports import ApplicationDesk, Filing, Kind
from services.applications.rules import ON_ACCOUNT
from services.audit import record
from services.billing import Billing
from services.errors import ApplicationRefused, NotVerified, SystemUnavailable, UnknownAccount, UnknownApplication
from services.media import MediaStore
from services.ports import Account, AccountState, Csms
from store.db import Database
from store.models import ApplicationDocument, ApplicationRecord, Media

WAITING = "waiting"


class FilingDesk:
    """Applications of customers. What CSMS says is the truth; a copy is kept so that it can be told while CSMS is away."""

    def __init__(
        self, db: Database, desk: ApplicationDesk, csms: Csms, accounts: Accounts, billing: Billing, media: MediaStore,
        clock: Clock, utility: Utility,
    ) -> None:
        self._db = db
        self._desk = desk
        self._csms = csms
        self._accounts = accounts
        self._billing = billing
        self._media = media
        self._clock = clock
        self._utility = utility

    async def check(self, openid: str, kind: Kind, account_no: str | None = None) -> Account | None:
        """Whether an application of this kind can be taken now; the account that it would change, if any.

        Raises:
            ApplicationRefused: one is under way already, the account is not in a state for it, or owes money.
            UnknownAccount: CSMS no longer knows the account.
        """
        under_way = [view for view in await self.list(openid) if view.is_open]
        if len(under_way) >= self._utility.applications.open_per_customer:
            raise ApplicationRefused("too_many")
        if account_no is None:
            return None
        for view in under_way:
            if view.kind is kind and view.filing.account_no == account_no:
                raise ApplicationRefused("open", number=view.number)
        account = await self._csms.account(account_no)
        if account is None:
            raise UnknownAccount
        self._check_state(kind, account)
        if kind in (Kind.STOP, Kind.RESTORE):
            await self._check_arrears(account_no)
        return account

    @staticmethod
    def _check_state(kind: Kind, account: Account) -> None:
        if account.state is AccountState.CLOSED:
            raise ApplicationRefused("closed")
        if kind is Kind.STOP and account.state is AccountState.STOPPED:
            raise ApplicationRefused("stopped")
        if kind is Kind.RESTORE and account.state is AccountState.ACTIVE:
            raise ApplicationRefused("not_stopped")
        if kind is Kind.HOUSEHOLD and account.kind != "residential":
            raise ApplicationRefused("not_residential")

    async def _check_arrears(self, account_no: str) -> None:
        (arrears,) = await self._billing.arrears([account_no])
        if arrears.owed_fen:
            raise ApplicationRefused("arrears", amount_fen=arrears.owed_fen)

    async def file(self, openid: str, request_id: str, filing: Filing, photos: Sequence[Photo] = ()) -> View:
        """File what the customer confirmed, once: the same ``request_id`` again gives the same application.

        The photos are handed over afterwards by a job.

        Raises:
            NotVerified: the account is not the customer's, or they proved themselves too long ago.
            ApplicationRefused: see :meth:`check`.
        """
        if filing.kind in ON_ACCOUNT and not await self._may_change(openid, filing.account_no or ""):
            raise NotVerified
        known = await self._draft(openid, request_id, filing, photos)
        if known is not None:
            return known
        try:
            application = await self._desk.file(request_id, filing)
        except (ApplicationRefused, UnknownAccount) as error:
            await self._drop(openid, request_id, filing, str(error) or "unknown")
            raise
        async with self._db.begin() as session:
            kept = (await session.execute(_by_request(request_id).with_for_update())).scalar_one()
            update_record(kept, application)
            record(session, self._clock, openid, f"apply_{filing.kind}", filing.account_no, detail=application.application_no)
            return View.of(kept)

    async def _may_change(self, openid: str, account_no: str) -> bool:
        bound = {account.account_no for account in await self._accounts.bindings(openid)}
        return account_no in bound and await self._accounts.is_proven(openid, account_no)

    async def _draft(self, openid: str, request_id: str, filing: Filing, photos: Sequence[Photo]) -> View | None:
        """Write the application down before CSMS hears of it; or give it back where CSMS has it already."""
        now = self._clock.now()
        facts = json.dumps(filing_facts(filing), ensure_ascii=False)
        async with self._db.begin() as session:
            kept = await session.scalar(_by_request(request_id).with_for_update())
            if kept is not None and kept.application_no is not None:
                return View.of(kept)
            if kept is None:
                kept = ApplicationRecord(
                    request_id=request_id, openid=openid, kind=filing.kind, account_no=filing.account_no, facts=facts,
                    state=FILING, created_at=now, changed_at=now,
                )
                session.add(kept)
                await session.flush()
            kept.facts, kept.changed_at = facts, now
            await self._keep_photos(session, openid, kept, photos)
        return None

    async def _drop(self, openid: str, request_id: str, filing: Filing, why: str) -> None:
        async with self._db.begin() as session:
            refused = (await session.execute(_by_request(request_id))).scalar_one()
            await session.execute(delete(ApplicationDocument).where(ApplicationDocument.application_id == refused.id))
            await session.delete(refused)
            record(session, self._clock, openid, f"apply_{filing.kind}", filing.account_no, outcome=why)

    async def _keep_photos(
        self, session: AsyncSession, openid: str, kept: ApplicationRecord, photos: Sequence[Photo],
    ) -> int:
        """Put the customer's own photos with their application; how many are new."""
        known = set(await session.scalars(
            select(ApplicationDocument.media_id).where(ApplicationDocument.application_id == kept.id),
        ))
        ids = [photo.media_id for photo in photos]
        own = set(await session.scalars(select(Media.id).where(Media.id.in_(ids), Media.openid == openid)))
        new = [photo for photo in photos if photo.media_id in own - known]
        session.add_all(
            ApplicationDocument(
                application_id=kept.id, media_id=photo.media_id, document=photo.document, state=WAITING,
                next_try_at=self._clock.now(),
            )
            for photo in new
        )
        return len(new)

    async def list(self, openid: str) -> list[View]:
        """The customer's applications as last heard of, the newest first."""
        async with self._db.read() as session:
            rows = await session.scalars(_filed(openid))
            return [View.of(row, is_current=False) for row in rows]

    async def find(self, openid: str, number: str) -> View:
        """One of the customer's applications as it stands now; as last heard of where CSMS does not answer.

        Raises:
            UnknownApplication: there is none with this number, or it is somebody else's.
        """
        kept = await self._own(openid, number)
        try:
            application = await self._desk.application(kept.application_no or "")
        except SystemUnavailable:
            return View.of(kept, is_current=False)
        if application is None:
            raise UnknownApplication
        async with self._db.begin() as session:
            row = (await session.execute(_by_request(kept.request_id).with_for_update())).scalar_one()
            update_record(row, application)
            return View.of(row)

    async def withdraw(self, openid: str, number: str) -> View:
        """Take an application back; again, nothing more happens.

        Raises:
            UnknownApplication: there is none with this number, or it is somebody else's.
            ApplicationRefused: it is too late.
        """
        kept = await self._own(openid, number)
        application = await self._desk.withdraw(kept.application_no or "")
        async with self._db.begin() as session:
            row = (await session.execute(_by_request(kept.request_id).with_for_update())).scalar_one()
            update_record(row, application)
            record(session, self._clock, openid, "withdraw_application", row.account_no, detail=row.application_no)
            return View.of(row)

    async def supplement(self, openid: str, number: str, photos: Sequence[Photo]) -> int:
        """Add photos to an application, to be handed over by a job; how many are new.

        Raises:
            UnknownApplication: there is none with this number, or it is somebody else's.
            ApplicationRefused: it is closed.
        """
        kept = await self._own(openid, number)
        if not View.of(kept).is_open:
            raise ApplicationRefused("too_late")
        async with self._db.begin() as session:
            row = (await session.execute(_by_request(kept.request_id).with_for_update())).scalar_one()
            return await self._keep_photos(session, openid, row, photos)

    async def _own(self, openid: str, number: str) -> ApplicationRecord:
        async with self._db.read() as session:
            kept = await session.scalar(_filed(openid).where(ApplicationRecord.application_no == number.upper()))
        if kept is None:
            raise UnknownApplication
        return kept


def _by_request(request_id: str) -> Select[ApplicationRecord]:
    return select(ApplicationRecord).where(ApplicationRecord.request_id == request_id)


def _filed(openid: str) -> Select[ApplicationRecord]:
    return (
        select(ApplicationRecord).where(ApplicationRecord.openid == openid, ApplicationRecord.application_no.is_not(None))
        .order_by(ApplicationRecord.created_at.desc(), ApplicationRecord.id.desc())
    )
