"""What the worker does. Each task does all of its kind that is due, and may be broken off at any point."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from celery import signals

from runxia.bootstrap import Services, open_services
from runxia.messaging import open_messaging
from runxia.settings import load_settings
from services.desk.takeover import Takeover
from services.errors import SystemUnavailable
from services.outbox import Dispatcher
from services.privacy import Eraser
from store.kv import SqlStore
from store.live import SqlLive
from store.migrate import upgrade
from worker.app import app
from worker.runtime import Runtime

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Work:
    """What the tasks work with."""

    services: Services
    outbox: Dispatcher
    eraser: Eraser
    takeover: Takeover


@asynccontextmanager
async def open_work() -> AsyncIterator[Work]:
    """Bring the database up to date and open the services."""
    settings = load_settings()
    upgrade(settings.database_url)
    async with open_services(settings) as services, open_messaging(settings, services) as messaging:
        db, clock = services.db, services.clock
        eraser = Eraser(db, clock, services.utility, messaging.rasa, messaging.floor, settings.data_dir)
        yield Work(services, Dispatcher(db, clock, messaging.delivery), eraser, messaging.takeover)


runtime = Runtime(open_work)


def _task(job: Callable[[Work], Coroutine[Any, Any, int]]) -> Callable[[], int]:
    """A Celery task that runs ``job``, under its name, on the event loop of this process."""
    name = job.__name__

    def run() -> int:
        count = runtime.run(name, job)
        if count:
            log.info("%s: %d", name, count)
        return count

    task: Callable[[], int] = app.task(run, name=f"runxia.{name}")
    return task


@_task
async def send_outbox(work: Work) -> int:
    """Tell customers what is waiting to be told."""
    return await work.outbox.send_due()


@_task
async def query_payments(work: Work) -> int:
    """Ask WeChat Pay about orders whose callback has not come."""
    return await work.services.payments.query_due()


@_task
async def settle_payments(work: Work) -> int:
    """Book payments that arrived in CSMS."""
    return await work.services.payments.settle_paid()


@_task
async def close_orders(work: Work) -> int:
    """Close orders that were not paid in time."""
    return await work.services.payments.close_expired()


@_task
async def send_refunds(work: Work) -> int:
    """Send back what was paid too much."""
    return await work.services.payments.send_refunds()


@_task
async def query_contracts(work: Work) -> int:
    """Ask WeChat Pay about direct debit contracts whose callback has not come."""
    return await work.services.auto_pay.query_due()


@_task
async def tell_contracts(work: Work) -> int:
    """Tell CSMS of direct debit contracts that were signed or have ended."""
    return await work.services.auto_pay.tell_csms()


@_task
async def tell_invoices(work: Work) -> int:
    """Tell customers of invoices that are ready."""
    return await work.services.invoices.tell_issued()


@_task
async def daily_statement(work: Work) -> int:
    """Reconcile the days whose statement is ready, those missed while we were away included."""
    return await work.services.payments.reconcile_due()


@_task
async def follow_applications(work: Work) -> int:
    """Ask CSMS how applications stand."""
    return await work.services.applications.follow_changes()


@_task
async def hand_over_documents(work: Work) -> int:
    """Hand the photos that go with applications over to CSMS."""
    return await work.services.applications.hand_over_documents()


@_task
async def follow_readings(work: Work) -> int:
    """Ask CSMS what became of readings, disputes, visits and checks."""
    return await work.services.readings.follow_changes()


@_task
async def send_to_hotline(work: Work) -> int:
    """Hand photos and ratings of work orders to the hotline."""
    return await _unless_down(work.services.repairs.send_waiting())


@_task
async def follow_hotline(work: Work) -> int:
    """Ask the hotline what became of work orders, and tell those who wait."""
    return await _unless_down(work.services.repairs.follow())


async def _unless_down(job: Coroutine[Any, Any, int]) -> int:
    """The count of a job; none where the other system is down, which its connector has logged. The next tick goes on."""
    try:
        return await job
    except SystemUnavailable:
        return 0


@_task
async def erase_data(work: Work) -> int:
    """Finish deleting what customers wanted deleted."""
    return await work.eraser.finish_due()


@_task
async def prune_personal_data(work: Work) -> int:
    """Delete conversations and photos that have been kept long enough."""
    services = work.services
    oldest = services.clock.now() - timedelta(days=services.utility.privacy.message_days)
    return await work.eraser.prune() + await services.desk.search.prune(oldest.date())


@_task
async def watch_desk(work: Work) -> int:
    """Bring back what was put off, share out what absent staff had and what waits, and tell supervisors who waits too long."""
    services = work.services
    sla, roster = services.utility.desk.sla, services.desk.roster
    changed = await work.takeover.wake_due() + await roster.release_absent() + await roster.give_waiting()
    return changed + await work.takeover.escalate_due(sla.escalate_minutes)


@_task
async def draw_sample(work: Work) -> int:
    """Draw yesterday's conversations for the quality check, once."""
    return len(await work.services.desk.reviews.sample(work.services.clock.now().date() - timedelta(days=1)))


@_task
async def prune(work: Work) -> int:
    """Forget what has ended."""
    forgotten = await work.outbox.prune() + await work.services.accounts.prune()
    forgotten += await work.services.staff.sessions.prune()
    if isinstance(work.services.live, SqlLive):
        forgotten += await work.services.live.prune()
    if isinstance(work.services.kv, SqlStore):
        forgotten += await work.services.kv.prune()
    return forgotten


def _stop(**_facts: Any) -> None:
    runtime.stop()


signals.worker_shutdown.connect(_stop)
