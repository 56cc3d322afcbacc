"""Proving who one is: by a code sent to the phone on file, or by the query password."""

from __future__ import annotations

import re
from abc import ABC
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType

from actions.flow import Form, Need, Question, Task, digresses, payload
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount, Preview
from services.errors import (
    CodeTooSoon,
    ExpiredCode,
    Locked,
    NoPassword,
    NoPhone,
    SystemUnavailable,
    TooManyCodes,
    UnknownAccount,
    WrongProof,
)

# How a proof ended; what the slot holds.
PROVEN = "proven"
REFUSED = "refused"  # locked, or there is no way to prove it here

RESEND_BUTTON = ("重新发送", payload("inform", resend="yes"))
_RESEND = re.compile("重新?发|再发|补发|[没未收]不?[有收]?到|没来|重新获取|再来一[个条次]|换一?[个条]验证码")
_PHONE_GONE = re.compile(
    "(?:号|手机|电话)[^，。]{0,6}(?:不用|停|注销|换|没了|丢|不在)|不是我的?(?:号|手机|电话)|(?:房东|前任|别人)的",
)
_PASSWORD = re.compile("密码")


def wants_code_again(turn: Turn) -> bool:
    """重新发送, 收不到."""
    return bool(turn.values.first("resend") or _RESEND.search(turn.text))


async def begin_proof(turn: Turn, preview: Preview) -> dict[str, Any] | None:
    """Start to prove an account: send a code where there is a phone. The slots for the proof; none where there is no way.

    A customer who is locked out, or an account with neither phone nor password, is told so.

    Raises:
        SystemUnavailable: the code cannot be sent, and there is no password either.
    """
    phone = None
    if preview.phone:
        try:
            phone = await turn.services.accounts.send_code(turn.openid, preview.account_no)
        except CodeTooSoon as error:
            phone = error.phone
        except Locked as error:
            say_locked(turn, error)
            return None
        except (TooManyCodes, NoPhone):
            turn.say("utter_too_many_codes", hotline=turn.services.utility.hotline.phone)
        except SystemUnavailable as error:
            if error.system != "sms" or not preview.has_password:
                raise
            turn.say("utter_sms_unavailable")
    if not phone and not preview.has_password:
        if not preview.phone:
            turn.say("utter_no_way_to_prove", account_no=preview.account_no, hotline=turn.services.utility.hotline.phone)
        return None
    return {"proof_account": preview.account_no, "proof_phone": phone, "proof_password": preview.has_password}


def say_locked(turn: Turn, error: Locked) -> None:
    """Say until when."""
    security = turn.services.utility.security
    turn.say("utter_locked", tries=security.wrong_tries, until=f"{error.until:%H:%M}")


class ProofQuestion(Question, ABC):
    """Asks for the code or the password, whichever the account has."""

    async def ask(self, turn: Turn) -> None:
        """Say where the code went, and which account it is for."""
        phone, password = turn.slot("proof_phone"), turn.slot("proof_password")
        facts = {"phone": phone, "tail": str(turn.slot("proof_account"))[-4:], **code_facts(turn)}
        if not phone:
            turn.ask_secret("utter_ask_proof_password", **facts)
        elif password:
            turn.ask_secret("utter_ask_proof_code_or_password", buttons=[RESEND_BUTTON], **facts)
        else:
            turn.say("utter_ask_proof_code", buttons=[RESEND_BUTTON], **facts)


def code_facts(turn: Turn) -> dict[str, Any]:
    """The rules of codes, for responses."""
    security = turn.services.utility.security
    return {"digits": security.code_digits, "minutes": security.code_minutes}


class ProofForm(Form, ABC):
    """A form one of whose slots is a proof."""

    async def hear_proof(self, turn: Turn, slot: str, also: Sequence[str] = ()) -> Mapping[str, Any] | None:
        """Slots after a code, a password, or a wish for another code; none for a digression."""
        account_no = turn.slot("proof_account")
        if _PHONE_GONE.search(turn.text):
            said = "utter_phone_gone_use_password" if turn.slot("proof_password") else "utter_phone_gone"
            self.reply(turn, slot, said, hotline=turn.services.utility.hotline.phone)
            return self.again(slot)
        if wants_code_again(turn):
            return await self._send_again(turn, slot, account_no)
        try:
            return await self._prove(turn, slot, account_no, also)
        except WrongProof as error:
            self.reply(turn, slot, "utter_wrong_proof", left=error.tries_left, buttons=self._resend(turn))
        except ExpiredCode:
            self.reply(turn, slot, "utter_expired_code", **code_facts(turn), buttons=[RESEND_BUTTON])
        except NoPassword:
            self.reply(turn, slot, "utter_no_password_yet")
        except Locked as error:
            say_locked(turn, error)
            return {slot: REFUSED}
        return self.again(slot)

    async def _prove(self, turn: Turn, slot: str, account_no: str, also: Sequence[str]) -> Mapping[str, Any] | None:
        accounts = turn.services.accounts
        handle, code = turn.values.first("secret"), turn.values.first("code")
        if handle:
            password = await turn.services.secrets.take(turn.openid, str(handle))
            if password is None:
                self.reply(turn, slot, "utter_secret_gone")
                return self.again(slot)
            await accounts.prove_by_password(turn.openid, account_no, password)
            return {slot: PROVEN}
        if code:
            await accounts.prove_by_code(turn.openid, account_no, str(code), also)
            return {slot: PROVEN}
        if digresses(turn):
            return None
        if _PASSWORD.search(turn.text) and turn.slot("proof_password"):
            self.reply(turn, slot, "utter_give_password")
            return self.again(slot)
        by_code = "utter_code_shape" if turn.slot("proof_phone") else "utter_password_shape"
        return self.misheard(turn, slot, by_code, **code_facts(turn))

    async def _send_again(self, turn: Turn, slot: str, account_no: str) -> dict[str, Any]:
        try:
            phone = await turn.services.accounts.send_code(turn.openid, account_no)
            self.reply(turn, slot, "utter_code_sent_again", phone=phone, **code_facts(turn))
        except CodeTooSoon as error:
            self.reply(turn, slot, "utter_code_too_soon", phone=error.phone, seconds=error.seconds)
        except TooManyCodes:
            self.reply(turn, slot, "utter_too_many_codes", hotline=turn.services.utility.hotline.phone)
        except NoPhone:
            self.reply(turn, slot, "utter_no_phone_on_file")
        except Locked as error:
            say_locked(turn, error)
            return {slot: REFUSED}
        return self.again(slot)

    @staticmethod
    def _resend(turn: Turn) -> Buttons:
        return [RESEND_BUTTON] if turn.slot("proof_phone") else []


class ActionVerify(Task):
    """Has the customer prove an account that is bound already; the task that needs it then goes on."""

    need = Need.ACCOUNT
    is_detour = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_verify"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Send a code and ask for it; leave the task where there is no way to prove the account."""
        account_no = account.account_no if account else ""
        try:
            slots = await begin_proof(turn, await turn.services.accounts.preview(turn.openid, account_no))
        except UnknownAccount:
            turn.say("utter_account_gone", hotline=turn.services.utility.hotline.phone)
            slots = None
        if slots is None:
            return turn.forget_task()
        return turn.start_form("verify_form", verify_proof=None, **slots)


class ActionAskVerifyProof(ProofQuestion):
    """Asks for the proof."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_verify_proof"


class ValidateVerifyForm(ProofForm):
    """Hears the proof."""

    secret_slots = frozenset({"verify_proof"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_verify_form"

    async def hear_verify_proof(self, turn: Turn) -> Mapping[str, Any] | None:
        """A code or a password."""
        return await self.hear_proof(turn, "verify_proof")


class ActionVerifyFormSubmit(Task):
    """Goes on with the task for which the customer has proved themselves, or leaves it."""

    is_detour = True

    def name(self) -> str:
        """The name in the domain."""
        return "action_verify_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Resume or forget the task."""
        if turn.slot("verify_proof") != PROVEN:
            return turn.forget_task()
        turn.say("utter_verified", minutes=turn.services.utility.security.session_minutes)
        return turn.resume()
