"""What a query password and an account's name may look like."""

from __future__ import annotations

import re

from runxia.utility import PasswordRule
from services.errors import AliasRefused, WeakPassword
from services.ports import Account

ALIAS_MAX_LENGTH = 12
MIN_DISTINCT_CHARACTERS = 4  # "aaaaaaa1" has a letter and a digit, and is no password
_VISIBLE_ASCII = re.compile(r"[!-~]+")
_ALIAS_CHARACTERS = re.compile(r"[\w·（）()+ -]+")
# An alias is looked for in what the customer types: one of these would be heard in every other sentence.
_KEYWORDS = re.compile(
    "水费?|账单|[缴交]费|[户帐账]号|账户|全部|所有|都|默认|[这那]个|第[一二三]个|最后一个|取消|算了|不?是的?|不?对|不用?|好的?|可以|确认|"
    "人工|帮助|你好|谢谢|再见|电子|纸质|手机|邮箱|密码|验证码|绑定|解绑|查询|别名|名字",
)


def check_password(password: str, account: Account, rule: PasswordRule) -> None:
    """Check the strength of a new query password.

    Raises:
        WeakPassword: ``length``, ``mix`` (letters and digits, visible ASCII only), ``account`` (holds the account number
            or phone, which others know), or ``repeated`` (a few characters over and over).
    """
    if not rule.min_length <= len(password) <= rule.max_length:
        raise WeakPassword("length")
    if not (_VISIBLE_ASCII.fullmatch(password) and re.search("[A-Za-z]", password) and re.search("[0-9]", password)):
        raise WeakPassword("mix")
    if account.account_no in password or (account.phone and account.phone in password):
        raise WeakPassword("account")
    if len(set(password)) < MIN_DISTINCT_CHARACTERS:
        raise WeakPassword("repeated")


def clean_alias(alias: str) -> str:
    """An alias as it is kept, without spaces and quotation marks around it.

    Raises:
        AliasRefused: ``length``, ``characters``, ``digits`` (nothing but digits would be heard as a number) or ``keyword``.
    """
    alias = alias.strip(" \t　“”\"'‘’「」《》。，,.")
    if not 0 < len(alias) <= ALIAS_MAX_LENGTH:
        raise AliasRefused("length")
    if not _ALIAS_CHARACTERS.fullmatch(alias):
        raise AliasRefused("characters")
    if not any(character.isalpha() for character in alias):
        raise AliasRefused("digits")
    if _KEYWORDS.fullmatch(alias):
        raise AliasRefused("keyword")
    return alias
