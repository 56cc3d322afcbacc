"""``python -m sandbox.csms``: the reference billing system on ``CSMS_PORT``."""

from __future__ import annotations

import logging

from runxia.settings import load_settings
from sandbox.csms.app import CsmsSettings, create_app


def main() -> None:
    """Serve until stopped."""
    logging.basicConfig(level=load_settings().log_level, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    where = CsmsSettings()
    create_app(load_settings()).run(
        host=where.csms_host, port=where.csms_port, single_process=True, access_log=False, motd=False,
    )


if __name__ == "__main__":
    main()
