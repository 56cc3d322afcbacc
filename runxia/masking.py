"""Personal data as it may be shown: enough to recognise one's own, not enough to learn another's."""

from __future__ import annotations

import re

_LONG_NUMBERS = re.compile(r"(?<![\d.])\d{7,}[\dXx]?(?!\d)")
_EMAILS = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")


def mask_name(name: str) -> str:
    """``王小明`` → ``王*明``, ``李雷`` → ``*雷``: the last character stays, as banks in China show it."""
    if len(name) <= 1:
        return "*"
    if len(name) == 2:
        return f"*{name[-1]}"
    return f"{name[0]}{'*' * (len(name) - 2)}{name[-1]}"


def mask_phone(phone: str) -> str:
    """``13812345678`` → ``138****5678``."""
    if len(phone) < 7:
        return "*" * len(phone)
    return f"{phone[:3]}****{phone[-4:]}"


def mask_email(email: str) -> str:
    """``wangxm@example.com`` → ``w***@example.com``."""
    local, _, host = email.partition("@")
    return f"{local[:1]}***@{host}" if host else "***"


def mask_account_no(account_no: str) -> str:
    """``1002003004`` → ``1002**3004``: an account number is no secret to its holder, but is not read out whole."""
    if len(account_no) <= 6:
        return account_no
    return f"{account_no[:4]}{'*' * (len(account_no) - 8)}{account_no[-4:]}"


def mask_address(address: str) -> str:
    """Keep street and community, hide building and door: ``滨江路88号3栋502室`` → ``滨江路88号*栋***室``."""
    found = re.search(r"\d+(?=[栋幢座号楼单元])", address)
    streets = re.match(r".*?(?:路|街|道|巷|弄)\d+[号弄]", address)
    start = streets.end() if streets else (found.start() if found else max(len(address) // 2, 1))
    return address[:start] + re.sub(r"[0-9A-Za-z]", "*", address[start:])


def mask_text(text: str) -> str:
    """Free text for logs: e-mail addresses and every number of seven digits or more are hidden."""
    text = _EMAILS.sub(lambda hit: mask_email(hit.group()), text)
    return _LONG_NUMBERS.sub(lambda hit: f"{hit.group()[:3]}****{hit.group()[-2:]}", text)
