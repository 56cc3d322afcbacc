"""The Celery application: which broker, and how often each task looks for work.

The tasks ask the clock and the database what is due, so a tick too many does nothing and a lost one is made up for by the
next. That is why a message may be dropped when nobody takes it in time, and why any number of schedules may run.

``python -m worker`` is all that a small utility needs. With RabbitMQ (``BROKER_URL=amqp://...``) there may be more workers, on
other machines, or Celery's own commands: ``celery -A worker.app worker --pool threads``, ``celery -A worker.app beat``.
"""

from __future__ import annotations

import logging
from typing import Any

from celery import Celery, signals
from kombu.entity import Queue

from runxia import log
from runxia.settings import load_settings
from worker.broker import embedded_url

QUEUE = "runxia"
TICK_LIVES_SECONDS = 15  # a tick that waited longer is dropped: others came after it
CONCURRENCY = 4
# Seconds between two looks. What a customer waits for is looked for often; the look costs one indexed query.
EVERY: dict[str, float] = {
    "send_outbox": 1.0,
    "settle_payments": 1.0,
    "query_payments": 5.0,
    "send_refunds": 5.0,
    "close_orders": 10.0,
    "follow_applications": 5.0,
    "hand_over_documents": 2.0,
    "follow_readings": 5.0,
    "send_to_hotline": 2.0,
    "follow_hotline": 5.0,
    "tell_invoices": 5.0,
    "query_contracts": 5.0,
    "tell_contracts": 5.0,
    "daily_statement": 60.0,
    "watch_desk": 5.0,
    "draw_sample": 3600.0,
    "prune": 600.0,
    "erase_data": 10.0,
    "prune_personal_data": 3600.0,
}


def create_app() -> Celery:
    """The application over the broker of the settings."""
    settings = load_settings()
    app = Celery("runxia", broker=settings.broker_url or embedded_url(settings.data_dir), include=["worker.tasks"])
    app.conf.update(
        task_default_queue=QUEUE,
        task_queues=[Queue(QUEUE, message_ttl=TICK_LIVES_SECONDS)],  # type: ignore[no-untyped-call]
        task_ignore_result=True,
        task_serializer="json",
        accept_content=["json"],
        timezone="Asia/Shanghai",
        beat_schedule={
            name: {"task": f"runxia.{name}", "schedule": every, "options": {"expires": TICK_LIVES_SECONDS}}
            for name, every in EVERY.items()
        },
        beat_scheduler="celery.beat:Scheduler",  # in memory: when a tick was last sent need not survive
        beat_max_loop_interval=1,
        broker_connection_retry_on_startup=True,
        worker_pool="threads",
        worker_concurrency=CONCURRENCY,
        worker_prefetch_multiplier=1,
        worker_enable_remote_control=False,  # the embedded broker cannot broadcast
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
    )
    return app


def _set_up_logging(**_facts: Any) -> None:
    """Our logging instead of Celery's."""
    log.set_up(load_settings().log_level)
    logging.captureWarnings(capture=True)


signals.setup_logging.connect(_set_up_logging)
app = create_app()
