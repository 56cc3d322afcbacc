"""Wires what carries messages: WeChat's API, the dialogue engine, and the delivery over them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.rasa import RasaClient
from connectors.wechat.api import WechatApi
from runxia.bootstrap import Services
from runxia.settings import Settings
from services.delivery import Delivery
from services.desk.sending import Sending
from services.desk.takeover import Takeover
from services.floor import Floor
from services.media import MediaStore
from services.prompts import Prompts
from services.quota import Quota


@dataclass(frozen=True, slots=True)
class Messaging:
    """What a process needs to speak with customers."""

    wechat: WechatApi
    rasa: RasaClient
    floor: Floor
    prompts: Prompts
    quota: Quota
    media: MediaStore
    delivery: Delivery
    takeover: Takeover
    sending: Sending


@asynccontextmanager
async def open_messaging(settings: Settings, services: Services) -> AsyncIterator[Messaging]:
    """Open the clients; close them at the end."""
    db, kv, clock = services.db, services.kv, services.clock
    async with WechatApi.open(settings, kv) as wechat, RasaClient.open(settings) as rasa:
        floor, prompts, quota, media = Floor(kv), Prompts(kv), Quota(db, clock), MediaStore(db, clock, settings.data_dir)
        delivery = Delivery(db, clock, wechat, rasa, media, floor, prompts, quota, settings.wechat_templates)
        desk, live = services.desk, services.live
        takeover = Takeover(db, clock, desk.roster, live, delivery)
        sending = Sending(
            db, clock, services.utility, delivery, quota, takeover, desk.ledger, services.payments, media, live,
        )
        await desk.ledger.open()
        yield Messaging(wechat, rasa, floor, prompts, quota, media, delivery, takeover, sending)
