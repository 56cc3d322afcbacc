"""The rules of passwords, in words."""

from __future__ import annotations

from sanic import Request

from console import guard
from runxia.utility import StaffPasswordRule
from services.errors import WeakStaffPassword


def rules_in_words(rules: StaffPasswordRule) -> str:
    """What a password must be like."""
    kinds = f"小写字母、大写字母、数字、符号里至少含 {rules.kinds} 种" if rules.kinds > 1 else "字母、数字、符号都行"
    return f"{rules.min_length} 到 {rules.max_length} 个字符，{kinds}；不能含登录名，也不能有 12345、aaaa 这样的。"


def weakness(request: Request, weak: WeakStaffPassword) -> str:
    """What is wrong with a password."""
    rules = guard.services(request).utility.console.password
    words = {
        "length": f"要 {rules.min_length} 到 {rules.max_length} 个字符", "login": "不能含登录名",
        "kinds": f"小写字母、大写字母、数字、符号里至少要有 {rules.kinds} 种",
        "simple": "不能有 12345、abcde、aaaa 这样连着的字符", "same": "不能和现在的密码一样",
    }
    return f"新密码{'；'.join(words[problem] for problem in weak.problems)}。"
