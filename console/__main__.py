"""``python -m console``."""

from __future__ import annotations

from console.app import create_app
from runxia.log import set_up
from runxia.settings import load_settings


def main() -> None:
    """Serve until stopped."""
    settings = load_settings()
    set_up(settings.log_level)
    create_app(settings).run(settings.console_host, settings.console_port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main()
