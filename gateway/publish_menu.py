"""Publishes the account's menu: ``make menu``."""

from __future__ import annotations

import asyncio
import logging
import sys

from connectors.wechat.api import WechatApi
from gateway.menu import MENU, buttons
from runxia.bootstrap import open_store
from runxia.clock import clock_from
from runxia.log import set_up
from runxia.settings import load_settings
from services.errors import ServiceError
from store.migrate import upgrade

log = logging.getLogger(__name__)


async def publish() -> None:
    """Replace the menu at WeChat with ours."""
    settings = load_settings()
    upgrade(settings.database_url)
    async with (
        open_store(settings, clock_from(settings.clock_file)) as (_db, kv),
        WechatApi.open(settings, kv) as wechat,
    ):
        await wechat.create_menu(buttons())


def main() -> None:
    """The command line."""
    set_up(load_settings().log_level)
    try:
        asyncio.run(publish())
    except ServiceError as error:
        sys.exit(f"WeChat did not take the menu: {error}")
    log.info("the menu is published: %s", "; ".join(f"{column}（{'、'.join(entries)}）" for column, entries in MENU.items()))


if __name__ == "__main__":
    main()
