"""Which of several bound accounts a message speaks of; listing, choosing, naming and letting go of them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions.flow import Form, Need, Question, Task, agreed, digresses, payload
from actions.turn import Buttons, Turn
from services.accounts import BoundAccount, named_in
from services.errors import AliasRefused, NotBound

_ALL = re.compile("全部|所有|全都|都解|都不要")
_THIS_ONE = re.compile("它|他|这个|这户|这家|刚才|刚绑")
_OTHER_ONE = re.compile("另|换")
# What comes before the name itself when a customer says only how an account is to be called.
_LEAD_IN = re.compile(r"^(?:就|那就|那)?(?:叫做?|备注[成为]?|改成|起名叫?|写|是)[:：]?")
# Where the name is in a sentence whose intent is to give one.
_SAID_NAME = re.compile(
    r"(?:叫[做作]?|备注[成为]|命名[为成]|标[注记]?[成为]|改成|称[作为])[:：]?\s*"
    r"([^\s，。,.!！?？]{1,12}?)(?:吧|好了|得了|可以[吗不]|[行好][吗不])?[。.!！]*$",
)
_NOT_A_NAME = re.compile("[查缴交]|多少|[吗呢么啥]|怎|[?？]|人工|电话")
ALIAS_AT_ONCE = 6  # characters; what is longer and not understood is more likely a question than a name


def chosen(turn: Turn, bound: Sequence[BoundAccount]) -> list[BoundAccount]:
    """The accounts that the message names: by number, by their place in the list, by alias or last digits."""
    by_number = {account.account_no: account for account in bound}
    if turn.values.account_nos:
        return [by_number[number] for number in turn.values.account_nos if number in by_number]
    listed = by_place(turn, bound)
    if listed:
        return listed
    new_name = _new_name(turn, bound) if turn.intent == "set_alias" else None
    named = named_in(turn.text.replace(new_name, "") if new_name else turn.text, bound)
    return [named] if named else []


def _new_name(turn: Turn, bound: Sequence[BoundAccount]) -> str | None:
    """In 把爸妈家改叫老房子 what an account is to be called; a name in use is the account spoken of."""
    in_use = {account.alias for account in bound}
    return next((str(alias) for alias in reversed(turn.values.all("alias")) if alias not in in_use), None)


def by_place[Listed](turn: Turn, items: Sequence[Listed]) -> list[Listed]:
    """Those of a list that the message picks by their place: 第二个, 最后一个."""
    places = [int(place) for place in turn.values.all("ordinal")]
    return [items[place - 1 if place > 0 else place] for place in places if 0 < abs(place) <= len(items)]


def account_lines(bound: Sequence[BoundAccount]) -> str:
    """A list, numbered where there are several: what each is called, its owner, address and number, all masked."""
    if len(bound) == 1:
        return _line(bound[0])
    return "\n".join(
        f"{place}. {_line(account)}{'（默认）' if account.is_default else ''}" for place, account in enumerate(bound, 1)
    )


def _line(account: BoundAccount) -> str:
    alias = f"{account.alias}：" if account.alias else ""
    return f"{alias}{account.address}，户主{account.owner}，户号 {account.masked_no}"


def account_buttons(bound: Sequence[BoundAccount]) -> Buttons:
    """A button for each account."""
    return [(account.short_label, payload("inform", account_no=account.account_no)) for account in bound]


async def _bound(turn: Turn) -> list[BoundAccount]:
    return await turn.services.accounts.bindings(turn.openid)


async def _ask_which(turn: Turn, response: str) -> None:
    bound = await _bound(turn)
    turn.say(response, accounts=account_lines(bound), buttons=account_buttons(bound))


class ActionListAccounts(Task):
    """我绑了哪些户号."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_list_accounts"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """List them."""
        bound = await _bound(turn)
        several = [("换默认户号", "/switch_account")] if len(bound) > 1 else []
        turn.say(
            "utter_accounts", count=len(bound), accounts=account_lines(bound),
            buttons=[*several, ("再绑一个", "/bind_account"), ("起个名字", "/set_alias"), ("解绑", "/unbind_account")],
        )
        return []


# --- the default account


async def _switch(turn: Turn, account: BoundAccount) -> list[EventType]:
    now = await turn.services.accounts.set_default(turn.openid, account.account_no)
    turn.say("utter_switched", account=now.label)
    return [SlotSet("account_no", now.account_no)]


class ActionSwitchAccount(Task):
    """换个户号: to the one named; to the other one where there are two; else asks."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_switch_account"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Switch, or ask to which."""
        bound = await _bound(turn)
        if len(bound) == 1:
            turn.say("utter_only_one_account", account=bound[0].label, buttons=[("再绑一个", "/bind_account")])
            return []
        named = chosen(turn, bound)
        if not named and len(bound) == 2 and _OTHER_ONE.search(turn.text):
            named = [bound[1]]
        if named:
            # Task.run sets the account in question to the one picked; this comes after and wins.
            return await _switch(turn, named[0])
        return turn.start_form("switch_form", switch_to=None)


class ActionAskSwitchTo(Question):
    """Which account is to be the default."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_switch_to"

    async def ask(self, turn: Turn) -> None:
        """List the accounts, with buttons."""
        await _ask_which(turn, "utter_which_switch")


class ValidateSwitchForm(Form):
    """Hears which account is to be the default."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_switch_form"

    async def hear_switch_to(self, turn: Turn) -> Mapping[str, Any] | None:
        """The account's number."""
        named = chosen(turn, await _bound(turn))
        if named:
            return {"switch_to": named[0].account_no}
        return None if digresses(turn, "account_no", "ordinal") else self.misheard(turn, "switch_to", "utter_which_not_found")


class ActionSwitchFormSubmit(Task):
    """Switches to the account chosen in the form."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_switch_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Switch."""
        bound = {each.account_no: each for each in await _bound(turn)}
        if turn.slot("switch_to") not in bound:
            turn.say("utter_no_longer_bound")
            return []
        return await _switch(turn, bound[turn.slot("switch_to")])


# --- names


class ActionSetAlias(Task):
    """Gives an account a name of the customer's own."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_set_alias"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Name it at once where account and name were said, else ask for what is missing."""
        bound = await _bound(turn)
        named = chosen(turn, bound) or (bound if len(bound) == 1 else [])
        if not named and account is not None and _THIS_ONE.search(turn.text):
            named = [account]
        wish = _new_name(turn, bound) or _name_said(turn.text)
        if not (named and wish):
            return turn.start_form(
                "alias_form", alias_account=named[0].account_no if named else None, alias_name=None, alias_wish=wish,
            )
        refused = await _give_name(turn, named[0].account_no, wish)
        if refused:
            turn.say(refused)
            return turn.start_form("alias_form", alias_account=named[0].account_no, alias_name=None, alias_wish=None)
        return [SlotSet("account_no", named[0].account_no)]


def _name_said(text: str) -> str | None:
    found = _SAID_NAME.search(text)
    return found.group(1) if found and not _NOT_A_NAME.search(found.group(1)) else None


async def _give_name(turn: Turn, account_no: str, name: str) -> str | None:
    """Name an account and say so; the response that says why not, where the name is refused."""
    try:
        account = await turn.services.accounts.set_alias(turn.openid, account_no, name)
    except AliasRefused as error:
        return f"utter_alias_{error.rule}"
    except NotBound:  # the customer has let go of it in the meantime
        turn.say("utter_no_longer_bound")
        return None
    turn.say("utter_alias_set", alias=account.alias, account=f"{account.address}（{account.tail}）")
    return None


class ActionAskAliasAccount(Question):
    """Which account gets a name."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_alias_account"

    async def ask(self, turn: Turn) -> None:
        """List the accounts, with buttons."""
        await _ask_which(turn, "utter_which_alias")


class ActionAskAliasName(Question):
    """What the account is to be called."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_alias_name"

    async def ask(self, turn: Turn) -> None:
        """Ask, saying which account."""
        account = next((each for each in await _bound(turn) if each.account_no == turn.slot("alias_account")), None)
        turn.say("utter_which_name", account=account.label if account else "这个户号")


class ValidateAliasForm(Form):
    """Hears which account is to be called what."""

    def name(self) -> str:
        """The name in the domain."""
        return "validate_alias_form"

    async def hear_alias_account(self, turn: Turn) -> Mapping[str, Any] | None:
        """The account's number; then it is given the name that was said at the beginning, if one was."""
        named = chosen(turn, await _bound(turn))
        if not named:
            if digresses(turn, "account_no", "ordinal"):
                return None
            return self.misheard(turn, "alias_account", "utter_which_not_found")
        account_no, wish = named[0].account_no, turn.slot("alias_wish")
        given = await self._give(turn, account_no, wish) if wish else {}
        return {**given, "alias_account": account_no, "alias_wish": None}

    async def hear_alias_name(self, turn: Turn) -> Mapping[str, Any] | None:
        """The name."""
        alias, text = turn.values.first("alias"), _LEAD_IN.sub("", turn.text.strip())
        name = alias or text
        is_name = bool(alias or len(text) <= ALIAS_AT_ONCE) and not _NOT_A_NAME.search(text)
        if turn.intent != "set_alias" and digresses(turn) and not is_name:
            return None
        return await self._give(turn, turn.slot("alias_account"), name)

    async def _give(self, turn: Turn, account_no: str, name: str) -> dict[str, Any]:
        refused = await _give_name(turn, account_no, name)
        return self.misheard(turn, "alias_name", refused) if refused else {"alias_name": name}


class ActionAliasFormSubmit(Task):
    """The name is given; goes on with what was interrupted."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_alias_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Speak of this account from now on."""
        return [SlotSet("account_no", turn.slot("alias_account"))]


# --- letting go


class ActionUnbindAccount(Task):
    """Lets go of accounts, after asking which and whether really."""

    need = Need.ACCOUNT

    def name(self) -> str:
        """The name in the domain."""
        return "action_unbind_account"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Ask for what is not said yet."""
        bound = await _bound(turn)
        named = _to_unbind(turn, bound) or (bound if len(bound) == 1 else [])
        return turn.start_form(
            "unbind_form", unbind_accounts=[each.account_no for each in named] or None, unbind_agreed=None,
        )


def _to_unbind(turn: Turn, bound: Sequence[BoundAccount]) -> list[BoundAccount]:
    named = chosen(turn, bound)
    return named or (list(bound) if _ALL.search(turn.text) else [])


class ActionAskUnbindAccounts(Question):
    """Which accounts are to go."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_unbind_accounts"

    async def ask(self, turn: Turn) -> None:
        """List the accounts, with buttons."""
        await _ask_which(turn, "utter_which_unbind")


class ActionAskUnbindAgreed(Question):
    """Whether really."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_unbind_agreed"

    async def ask(self, turn: Turn) -> None:
        """Show which accounts, and ask."""
        going = [each for each in await _bound(turn) if each.account_no in turn.slot("unbind_accounts")]
        turn.say(
            "utter_really_unbind", accounts=account_lines(going), buttons=[("确定解绑", "/affirm"), ("先留着", "/deny")],
        )


class ValidateUnbindForm(Form):
    """Hears which accounts are to go, and whether really."""

    yes_or_no = frozenset({"unbind_agreed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_unbind_form"

    async def hear_unbind_accounts(self, turn: Turn) -> Mapping[str, Any] | None:
        """Their numbers."""
        named = _to_unbind(turn, await _bound(turn))
        if named:
            return {"unbind_accounts": [each.account_no for each in named]}
        if digresses(turn, "account_no", "ordinal"):
            return None
        return self.misheard(turn, "unbind_accounts", "utter_which_not_found")

    async def hear_unbind_agreed(self, turn: Turn) -> Mapping[str, Any] | None:
        """Yes, no, or "not this one but that one"."""
        named = chosen(turn, await _bound(turn))
        if named:
            return {"unbind_accounts": [each.account_no for each in named], "unbind_agreed": None}
        answer = agreed(turn)
        if answer is not None:
            return {"unbind_agreed": answer}
        if digresses(turn):
            return None
        return self.misheard(turn, "unbind_agreed", "utter_yes_or_no")


class ActionUnbindFormSubmit(Task):
    """Unbinds what was agreed on."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_unbind_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Unbind, and say which account is the default now."""
        if not turn.slot("unbind_agreed"):
            turn.say("utter_not_unbound")
            return []
        going = turn.slot("unbind_accounts")
        names = [each.label for each in await _bound(turn) if each.account_no in going]
        for account_no in going:
            try:
                await turn.services.accounts.unbind(turn.openid, account_no)
            except NotBound:  # the customer has let go of it in the meantime
                continue
        left = await _bound(turn)
        if left:
            turn.say("utter_unbound", accounts="、".join(names), default=left[0].label)
        else:
            turn.say("utter_unbound_last", accounts="、".join(names))
        return [SlotSet("account_no", left[0].account_no if left else None)]
