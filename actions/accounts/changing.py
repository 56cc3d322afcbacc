"""Changing what is on file: mobile phone, e-mail address, query password."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from typing import Any

from rasa_sdk.events import EventType

from actions.accounts.proving import REFUSED, RESEND_BUTTON, code_facts, say_locked, wants_code_again
from actions.flow import Form, Need, Question, Task, digresses
from actions.turn import Turn
from services.accounts import BoundAccount, Purpose
from services.errors import (
    CodeTooSoon,
    ExpiredCode,
    Locked,
    NoPhone,
    NotBound,
    NotVerified,
    TooManyCodes,
    WeakPassword,
    WrongProof,
)

DONE = "done"
_SOME_DIGITS = re.compile(r"\d{5,}")


def _new_contact(turn: Turn) -> str | None:
    """The phone or e-mail address said; of two phones the last, as in 从…换成…."""
    phones, email = turn.values.all("phone"), turn.values.first("email")
    return str(phones[-1]) if phones else (str(email) if email else None)


def _purpose(contact: str) -> Purpose:
    return Purpose.EMAIL if "@" in contact else Purpose.PHONE


# --- phone and e-mail


class ActionChangeContact(Task):
    """换手机号, 改邮箱."""

    need = Need.PROVEN

    def name(self) -> str:
        """The name in the domain."""
        return "action_change_contact"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Start with what was said."""
        account_no = account.account_no if account else ""
        start = {"contact_account": account_no, "contact_label": account.label if account else "", "contact_code": None}
        contact = _new_contact(turn)
        sent = None
        if contact:
            try:
                sent = await _send_code(turn, account_no, contact)
            except CodeTooSoon as error:
                sent = error.phone
            if sent is None:
                return []
        return turn.start_form("contact_form", **start, contact_new=contact, contact_sent_to=sent)


async def _send_code(turn: Turn, account_no: str, contact: str) -> str | None:
    """Send the code that allows ``contact``; the masked phone it went to. None where there can be no code: says why not.

    Raises:
        CodeTooSoon: the last one is still good.
    """
    try:
        return await turn.services.accounts.send_code(turn.openid, account_no, _purpose(contact), contact)
    except TooManyCodes:
        turn.say("utter_too_many_codes", hotline=turn.services.utility.hotline.phone)
    except NoPhone:
        turn.say("utter_phone_before_email", buttons=[("登记手机号", "/change_contact")])
    except Locked as error:
        say_locked(turn, error)
    return None


class ActionAskContactCode(Question):
    """Asks for the code."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_contact_code"

    async def ask(self, turn: Turn) -> None:
        """Say where it went, and what it is for."""
        contact, sent_to = str(turn.slot("contact_new")), turn.slot("contact_sent_to")
        response = "utter_ask_code_for_email" if "@" in contact else "utter_ask_code_for_phone"
        turn.say(response, contact=contact, phone=sent_to, buttons=[RESEND_BUTTON], **code_facts(turn))


class ValidateContactForm(Form):
    """Hears the new phone or e-mail address, and the code that allows it."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_contact_form"

    async def hear_contact_new(self, turn: Turn) -> Mapping[str, Any] | None:
        """The phone or address; the code goes out at once."""
        contact = _new_contact(turn)
        if contact:
            return await self._take(turn, contact)
        if digresses(turn) and turn.intent != "change_contact":
            return None
        looks_like = "utter_phone_shape" if _SOME_DIGITS.search(turn.text) else "utter_which_contact"
        return self.misheard(turn, "contact_new", looks_like)

    async def hear_contact_code(self, turn: Turn) -> Mapping[str, Any] | None:
        """The code; or another phone or address, or a wish for another code."""
        contact, code = _new_contact(turn), turn.values.first("code")
        if contact and contact != turn.slot("contact_new"):
            return await self._take(turn, contact)
        if wants_code_again(turn):
            return await self._take(turn, str(turn.slot("contact_new")))
        if code:
            return await self._change(turn, str(code))
        return None if digresses(turn) else self.misheard(turn, "contact_code", "utter_code_shape", **code_facts(turn))

    async def _take(self, turn: Turn, contact: str) -> dict[str, Any]:
        try:
            sent = await _send_code(turn, turn.slot("contact_account"), contact)
        except CodeTooSoon as error:
            turn.say("utter_code_too_soon", phone=error.phone, seconds=error.seconds)
            return {**self.again("contact_code"), "contact_new": contact, "contact_sent_to": error.phone}
        return {"contact_new": contact, "contact_code": None if sent else REFUSED, "contact_sent_to": sent}

    async def _change(self, turn: Turn, code: str) -> dict[str, Any]:
        accounts, account_no, contact = turn.services.accounts, turn.slot("contact_account"), str(turn.slot("contact_new"))
        change = accounts.change_email if "@" in contact else accounts.change_phone
        try:
            await change(turn.openid, account_no, contact, code)
        except WrongProof as error:
            turn.say("utter_wrong_code", left=error.tries_left, buttons=[RESEND_BUTTON])
            return self.again("contact_code")
        except ExpiredCode:
            turn.say("utter_expired_code", buttons=[RESEND_BUTTON], **code_facts(turn))
            return self.again("contact_code")
        except Locked as error:
            say_locked(turn, error)
            return {"contact_code": REFUSED}
        except (NotBound, NotVerified):  # unbound, or the verified session is over
            turn.say("utter_no_longer_verified")
            return {"contact_code": REFUSED}
        response = "utter_email_changed" if "@" in contact else "utter_phone_changed"
        turn.say(response, contact=contact, account=turn.slot("contact_label"))
        return {"contact_code": DONE}


class ActionContactFormSubmit(Task):
    """The change is made, or cannot be; goes on with what was interrupted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_contact_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Nothing is left to do."""
        return []


# --- query password


class ActionSetQueryPassword(Task):
    """Sets, changes or resets the query password. A code or the old password, given not long ago, allows it."""

    need = Need.PROVEN

    def name(self) -> str:
        """The name in the domain."""
        return "action_set_query_password"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Ask for the new one."""
        return turn.start_form(
            "password_form", password_account=account.account_no if account else "",
            password_label=account.label if account else "", new_password=None, new_password_again=None,
        )


class ActionAskNewPassword(Question):
    """Asks for the new password."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_new_password"

    async def ask(self, turn: Turn) -> None:
        """Say for which account, and the rules."""
        turn.ask_secret("utter_ask_new_password", account=turn.slot("password_label"), **_password_facts(turn))


class ActionAskNewPasswordAgain(Question):
    """Asks for it once more."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_new_password_again"

    async def ask(self, turn: Turn) -> None:
        """Ask."""
        turn.ask_secret("utter_ask_new_password_again")


def _password_facts(turn: Turn) -> dict[str, Any]:
    rule = turn.services.utility.security.password
    return {"shortest": rule.min_length, "longest": rule.max_length}


class ValidatePasswordForm(Form):
    """Hears the new password twice. What the slots hold are handles: the dialogue engine never sees a password."""

    secret_slots = frozenset({"new_password", "new_password_again"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_password_form"

    async def hear_new_password(self, turn: Turn) -> Mapping[str, Any] | None:
        """The first time: checked at once, and kept for comparison."""
        handle = turn.values.first("secret")
        if not handle:
            return self._no_password(turn, "new_password")
        password = await turn.services.secrets.take(turn.openid, str(handle))
        if password is None:
            self.reply(turn, "new_password", "utter_secret_gone")
            return self.again("new_password")
        try:
            await turn.services.accounts.check_new_password(turn.openid, turn.slot("password_account"), password)
        except WeakPassword as error:
            return self.misheard(turn, "new_password", f"utter_weak_password_{error.rule}", **_password_facts(turn))
        except NotBound:
            turn.say("utter_no_longer_verified")
            return {"new_password": REFUSED, "new_password_again": REFUSED}
        return {"new_password": await turn.services.secrets.put(turn.openid, password)}

    async def hear_new_password_again(self, turn: Turn) -> Mapping[str, Any] | None:
        """The second time: set where both are the same."""
        handle = turn.values.first("secret")
        if not handle:
            return self._no_password(turn, "new_password_again")
        secrets = turn.services.secrets
        first = await secrets.take(turn.openid, str(turn.slot("new_password")))
        second = await secrets.take(turn.openid, str(handle))
        if first is None or second is None or not hmac.compare_digest(first.encode(), second.encode()):
            self.reply(turn, "new_password", "utter_passwords_differ" if first and second else "utter_secret_gone")
            return {"new_password": None, **self.again("new_password_again")}
        try:
            await turn.services.accounts.set_password(turn.openid, turn.slot("password_account"), second)
        except (NotBound, NotVerified):  # unbound, or the verified session is over
            turn.say("utter_no_longer_verified")
            return {"new_password_again": REFUSED}
        turn.say("utter_password_set", account=turn.slot("password_label"))
        return {"new_password_again": DONE}

    def _no_password(self, turn: Turn, slot: str) -> dict[str, Any] | None:
        if digresses(turn) and turn.intent != "set_query_password":
            return None
        return self.misheard(turn, slot, "utter_weak_password_mix", **_password_facts(turn))


class ActionPasswordFormSubmit(Task):
    """The password is set, or cannot be; goes on with what was interrupted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_password_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Nothing is left to do."""
        return []
