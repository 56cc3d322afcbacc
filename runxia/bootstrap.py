"""The one place that wires ports to connectors: every process opens the same set in its start listener."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from connectors.csms import ApplicationsClient, CsmsClient
from connectors.csms.debits import CsmsDebits
from connectors.csms.invoices import CsmsInvoices
from connectors.csms.readings import CsmsReadings
from connectors.csms.refunds import CsmsRefunds
from connectors.hotline import HotlineClient
from connectors.mail import SmtpMail
from connectors.sms import SmsClient
from connectors.website import WebsiteClient
from connectors.wechatpay import WechatPay
from connectors.wechatpay.papay import WechatPapay
from runxia.clock import Clock, clock_from
from runxia.faq import read_faq
from runxia.settings import Settings
from runxia.utility import Utility, load_utility
from services.accounts import Accounts
from services.applications import ApplicationDesk, Applications
from services.auto_pay import AutoPay, DebitDesk, Papay
from services.billing import Billing
from services.desk.desk import Desk
from services.handover import Handovers
from services.invoices import InvoiceDesk, Invoices
from services.knowledge import Knowledge
from services.media import MediaStore
from services.outages import Outages
from services.payments import Payments
from services.ports import Csms, Mail, Pay, Sms
from services.privacy import Privacy
from services.quality import Quality
from services.readings import MeterDesk, Readings
from services.refunds import RefundDesk, Refunds
from services.repairs import Hotline, Repairs
from services.secrets import Secrets
from services.staff import StaffServices, staff_services
from services.subscriptions import Subscriptions
from services.website import Website
from store import crypto
from store.db import Database
from store.kv import RedisStore, SqlStore, Store
from store.live import Live, live_over


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
    applications: Applications
    invoices: Invoices
    auto_pay: AutoPay
    readings: Readings
    refunds: Refunds
    handovers: Handovers
    desk: Desk
    live: Live
    outages: Outages
    knowledge: Knowledge
    quality: Quality
    subscriptions: Subscriptions
    repairs: Repairs
    privacy: Privacy
    secrets: Secrets
    staff: StaffServices


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
        invoice_desk = await stack.enter_async_context(CsmsInvoices.open(settings, clock))
        debits = await stack.enter_async_context(CsmsDebits.open(settings, clock))
        papay = await stack.enter_async_context(WechatPapay.open(settings, clock))
        refund_desk = await stack.enter_async_context(CsmsRefunds.open(settings, clock))
        meter_desk = await stack.enter_async_context(CsmsReadings.open(settings, clock))
        sms = await stack.enter_async_context(SmsClient.open(settings))
        pay = await stack.enter_async_context(WechatPay.open(settings, clock))
        website = await stack.enter_async_context(WebsiteClient.open(settings, kv, clock))
        applications = await stack.enter_async_context(ApplicationsClient.open(settings, clock))
        hotline = await stack.enter_async_context(HotlineClient.open(settings, clock))
        services = wire(
            settings, utility, clock, db, kv, csms, sms, pay, website, applications, hotline, invoice_desk, papay, debits,
            refund_desk, meter_desk, SmtpMail(settings, clock),
        )
        stack.push_async_callback(services.staff.background.settle)
        yield services


def wire(
    settings: Settings, utility: Utility, clock: Clock, db: Database, kv: Store, csms: Csms, sms: Sms, pay: Pay,
    website: Website, applications: ApplicationDesk, hotline: Hotline, invoice_desk: InvoiceDesk, papay: Papay,
    debits: DebitDesk, refund_desk: RefundDesk, meter_desk: MeterDesk, mail: Mail,
) -> Services:
    """Make the services over given ports; tests pass fakes."""
    outages = Outages(website, utility)
    payments = Payments(
        db, csms, pay, clock, utility,
        link_key=settings.link_key.get_secret_value().encode(), public_base_url=settings.public_base_url,
    )
    accounts = Accounts(db, kv, csms, sms, clock, utility)
    billing = Billing(csms, clock, utility)
    media = MediaStore(db, clock, settings.data_dir)
    outages = Outages(website, utility)
    live = live_over(kv, db, clock)
    desk = Desk.over(db, clock, utility, live)
    return Services(
        settings=settings, utility=utility, clock=clock, db=db, kv=kv, csms=csms,
        accounts=accounts,
        billing=billing,
        payments=payments,
        readings=Readings(db, meter_desk, csms, accounts, clock, utility),
        refunds=Refunds(db, csms, refund_desk, payments, clock, utility),
        invoices=Invoices(
            db, csms, invoice_desk, clock, utility,
            link_key=settings.link_key.get_secret_value().encode(), public_base_url=settings.public_base_url,
        ),
        auto_pay=AutoPay(
            db, papay, debits, clock, utility,
            link_key=settings.link_key.get_secret_value().encode(), public_base_url=settings.public_base_url,
        ),
        applications=Applications(db, applications, csms, accounts, billing, media, clock, utility),
        handovers=Handovers(db, clock, utility, desk.roster, live),
        desk=desk,
        live=live,
        knowledge=Knowledge(db, clock, utility, read_faq()),
        outages=outages,
        quality=Quality(website, utility),
        subscriptions=Subscriptions(db, clock, utility, outages),
        repairs=Repairs(db, hotline, outages, csms, media, clock, utility),
        privacy=Privacy(
            db, accounts, clock, utility, link_key=settings.link_key.get_secret_value().encode(),
            public_base_url=settings.public_base_url, data_dir=settings.data_dir,
        ),
        secrets=Secrets(kv),
        staff=staff_services(db, clock, utility, mail, sms),
    )
