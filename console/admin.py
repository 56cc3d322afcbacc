"""``python -m console.admin LOGIN NAME``: makes the first administrator and prints the first password."""

from __future__ import annotations

import argparse
import asyncio
import sys

from runxia.bootstrap import open_services
from runxia.settings import Settings, load_settings
from services.errors import LoginTaken, StaffRefused
from store.migrate import upgrade

REFUSALS = {
    "last_admin": "已经有管理员了：请他在“员工账号”里建新账号。",
    "bad_login": "登录名要用小写字母开头，只含小写字母、数字、点、横线，2 到 32 个字符。",
    "bad_name": "姓名不能为空，最多 40 个字。",
}


async def make(settings: Settings, login: str, name: str) -> str:
    """Make the administrator; the first password.

    Raises:
        StaffRefused: there is one already, or the login or name will not do.
        LoginTaken: somebody has the login.
    """
    await asyncio.to_thread(upgrade, settings.database_url)
    async with open_services(settings) as services:
        return await services.staff.roster.create_first(login, name)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("login", help="登录名")
    parser.add_argument("name", help="姓名")
    options = parser.parse_args()
    try:
        password = asyncio.run(make(load_settings(), options.login, options.name))
    except StaffRefused as error:
        sys.exit(REFUSALS[error.why])
    except LoginTaken:
        sys.exit("这个登录名已经有人用了。")
    print(f"管理员 {options.login.lower()} 建好了。首次密码：{password}\n第一次登录时要改掉它。")


if __name__ == "__main__":
    main()
