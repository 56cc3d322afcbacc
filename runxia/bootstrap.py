"""The one place that wires ports to connectors: every process opens the same set in its start listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from connectors.csms import CsmsClient
from connectors.sms import SmsClient
from connectors.wechatpay import WechatPay
from runxia.clock import Clock, clock_from
from runxia.settings import Settings
from runxia.utility import Utility, load_utility
from services.accounts import Accounts
from services.billing import Billing
from services.handover import Handovers
from services.payments import Payments
from services.ports import Csms, Pay, Sms
from services.secrets import Secrets
from store import crypto
from store.db import Database
from store.kv import RedisStore, SqlStore, Store


@dataclass(frozen=True, slots=True)
class Services:
    """Everything that an entry point (gateway, page, action, task) may call."""

    settings: Settings
    utility: Utility
    clock: Clock
    db: Database
    kv: Store
    csms: Csms
    accounts: Accounts
    billing: Billing
    payments: Payments
    handovers: Handovers
    secrets: Secrets


@asynccontextmanager
async def open_store(settings: Settings, clock: Clock) -> AsyncIterator[tuple[Database, Store]]:
    """The database and the shared state: Redis where ``REDIS_URL`` is set, else a table."""
    async with AsyncExitStack() as stack:
        crypto.use(crypto.KeyRing.parse(settings.field_key.get_secret_value()))
        db = Database(settings.database_url)
        stack.push_async_callback(db.close)
        if not settings.redis_url:
            yield db, SqlStore(db, clock)
            return
        redis = Redis.from_url(settings.redis_url)
        stack.push_async_callback(redis.aclose)
        yield db, RedisStore(redis)


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the database, the clients and the services over them; close all at the end."""
    clock = clock_from(settings.clock_file)
    utility = load_utility(settings.utility_file)
    async with AsyncExitStack() as stack:
        db, kv = await stack.enter_async_context(open_store(settings, clock))
        csms = await stack.enter_async_context(CsmsClient.open(settings, clock))
        sms = await stack.enter_async_context(SmsClient.open(settings))
        pay = await stack.enter_async_context(WechatPay.open(settings, clock))
        yield wire(settings, utility, clock, db, kv, csms, sms, pay)


def wire(
    settings: Settings, utility: Utility, clock: Clock, db: Database, kv: Store, csms: Csms, sms: Sms, pay: Pay,
) -> Services:
    """Make the services over given ports; tests pass fakes."""
    accounts = Accounts(db, kv, csms, sms, clock, utility)
    return Services(
        settings=settings, utility=utility, clock=clock, db=db, kv=kv, csms=csms,
        accounts=accounts,
        billing=Billing(csms, clock, utility),
        payments=Payments(
            db, csms, pay, clock, utility,
            link_key=settings.link_key.get_secret_value().encode(), public_base_url=settings.public_base_url,
        ),
        handovers=Handovers(db, clock, utility),
        secrets=Secrets(kv),
    )
