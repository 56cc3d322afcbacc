"""What staff are told by mail about their own accounts, so that they notice what they did not do themselves."""

from __future__ import annotations

from runxia.clock import Clock
from runxia.utility import Utility
from services.background import Background
from services.ports import Mail
from services.staff.model import Visit

CLOSING = "如果不是您本人操作，请马上联系管理员，并重设密码。"


class Notices:
    """Sends mails beside what caused them: nobody waits for the mail server to sign in."""

    def __init__(self, mail: Mail, clock: Clock, utility: Utility, background: Background) -> None:
        self._mail = mail
        self._clock = clock
        self._name = utility.short_name
        self._background = background

    def new_place(self, email: str | None, visit: Visit) -> None:
        """Somebody signed in from a browser that was not used before."""
        self._tell(email, "新的登录地点", f"您的账号在一个没有用过的浏览器上登录了：{visit.device}，网络地址 {visit.address}。")

    def locked(self, email: str | None, minutes: int) -> None:
        """Too many wrong passwords or codes."""
        text = f"您的账号连续输错密码或验证码，已锁定 {minutes} 分钟，之后自动解开，也可以请管理员解锁。"
        self._tell(email, "账号已锁定", text)

    def password_changed(self, email: str | None) -> None:
        """The password is new."""
        self._tell(email, "密码已修改", "您的账号密码刚刚改过，别处的登录都已退出。")

    def totp_changed(self, email: str | None, *, on: bool) -> None:
        """The second step was set up or removed."""
        self._tell(email, "两步验证有变动", f"您的账号的两步验证刚刚{'开启' if on else '关闭'}了。")

    def _tell(self, email: str | None, subject: str, text: str) -> None:
        if email is None:
            return
        body = f"{text}\n时间：{self._clock.now():%Y年%-m月%-d日 %H:%M}\n\n{CLOSING}"
        self._background.start(self._mail.send(email, f"【{self._name}客服工作台】{subject}", body), "a notice to staff")
