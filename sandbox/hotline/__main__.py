"""``python -m sandbox.hotline``: the reference hotline system on ``HOTLINE_PORT``."""

from __future__ import annotations

import logging

from runxia.settings import load_settings
from sandbox.hotline.app import HotlineSettings, create_app


def main() -> None:
    """Serve until stopped."""
    logging.basicConfig(level=load_settings().log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    where = HotlineSettings()
    create_app(load_settings()).run(
        host=where.hotline_host, port=where.hotline_port, single_process=True, access_log=False, motd=False,
    )


if __name__ == "__main__":
    main()
