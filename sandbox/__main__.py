"""``python -m sandbox``: serve on SANDBOX_HOST:SANDBOX_PORT."""

from __future__ import annotations

from runxia.settings import load_settings
from sandbox.app import create_app
from sandbox.wechat.settings import SandboxSettings


def main() -> None:
    """Run until interrupted."""
    sandbox = SandboxSettings()
    app = create_app(load_settings(), sandbox)
    app.run(host=sandbox.sandbox_host, port=sandbox.sandbox_port, single_process=True, access_log=False, motd=False)


if __name__ == "__main__":
    main()
