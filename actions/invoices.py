"""E-invoices: which bills, to whom, a yes; sending them again; and another title for one that is issued."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from rasa_sdk.events import EventType, SlotSet

from actions import figures
from actions.flow import ANSWERS, Form, Need, Question, Task, agreed, payload
from actions.payments import labels_of
from actions.turn import Buttons, Turn
from runxia.clock import SHANGHAI
from runxia.money import yuan
from services.accounts import BoundAccount
from services.errors import ReissueRefused, UnknownAccount
from services.invoices import Filing, Invoice, InvoiceOffer, InvoiceState, Title, TitleKind
from services.invoices.rules import clean_tax_number, is_name, tax_number_problem
from services.ports import Bill

SPECIAL = re.compile(r"专票|专用发票|抵扣|一般纳税人")
ANEW = re.compile(
    r"红冲|冲红|作废|重开|换开|重新开|(?:改|换).{0,4}(?:抬头|税号|名)|(?:抬头|税号|名字?|内容).{0,8}(?:错|换|改|变|少|不对)|开错|写错"
)
AGAIN = re.compile(
    r"重发|再发|重新(?:发|下载)|没收到|没拿到|找不到|哪里?看|在哪.{0,3}下载|进度|开了?没有?|开好[了没]|下载|链接|开了吗|丢了"
)
ALL = re.compile(r"全部|全都|都开|所有|补齐|一[块起]|每[个期]月?|一年|整年|统统|通通")
COMPANY = re.compile(
    r"公司|单位|企业|厂|店|铺|行|馆|中心|学校|医院|合作社|工作室|集团|事务所|协会|委员会|[局院部社所站会]$"
)
PERSON = re.compile(r"个人|自己|我本人|本人|私人")
NO_EMAIL = re.compile(r"不用|不要|没有|聊天|微信|这里|不发|算了")
BEFORE_NAME = re.compile(r"^.{0,8}?(?:抬头|名称|名字|公司名|单位|户名)?(?:就)?(?:是|写|开给|开成|填|叫|为|用|：|:)+\s*")
PERSON_NAME = re.compile(r"[\u4e00-\u9fff]{2,4}|[\u4e00-\u9fff]+·[\u4e00-\u9fff·]+")
QUESTION = re.compile(r"[?？]|[吗呢嘛]$|怎么|多少|什么|哪里|为啥|咋")
LONE_NUMBER = re.compile(r"[0-9A-Za-z](?:[\s\-—]?[0-9A-Za-z]){9,24}")
GO_ON = re.compile(r"^(?!.*(?:不|别|先|等)).*开(?:吧|票吧|了吧|就行)")  # 开吧: asking for it again is a yes
LISTED = 6
NONE, CHAT = "-", ""  # no tax number for a person; no e-mail address but the chat
FORM_INTENTS = ANSWERS | {"invoice"}
IN_CHAT: Buttons = [("发在聊天里就行", payload("inform", email_to="chat"))]
SLOTS = (
    "invoice_account", "invoice_request_no", "invoice_replaces", "invoice_offered", "invoice_bills", "invoice_kind",
    "invoice_name", "invoice_tax_number", "invoice_email", "invoice_confirmed",
)


# --- what a message says about an invoice


def title_said(turn: Turn) -> dict[str, Any]:
    """The title's slots, as far as the message tells them."""
    said: dict[str, Any] = {}
    company, number = turn.values.first("org"), turn.values.first("tax_number")
    kind = turn.values.first("title_kind")
    if company and is_name(str(company)):
        said |= {"invoice_kind": TitleKind.COMPANY.value, "invoice_name": str(company)}
    elif kind in (TitleKind.PERSON, TitleKind.COMPANY):
        said["invoice_kind"] = kind
    elif PERSON.search(turn.text):
        said["invoice_kind"] = TitleKind.PERSON.value
    if number and tax_number_problem(clean_tax_number(str(number))) is None:
        said |= {"invoice_kind": TitleKind.COMPANY.value, "invoice_tax_number": clean_tax_number(str(number))}
    if said.get("invoice_kind") == TitleKind.PERSON:
        said["invoice_tax_number"] = NONE
    return said


def email_said(turn: Turn) -> dict[str, Any]:
    """The e-mail address named, if any."""
    email = turn.values.first("email")
    return {"invoice_email": str(email)} if email else {}


def _months(turn: Turn) -> list[tuple[str, str]]:
    return [(each.first_month, each.last_month) for each in turn.values.periods if not each.excluded]


def _spans(turn: Turn) -> str:
    return "、".join(figures.months(first, last) for first, last in _months(turn))


def bill_line(bill: Mapping[str, Any]) -> str:
    """``2026年8月　86.40元``."""
    return f"{figures.month(bill['period'])}　{yuan(bill['amount_fen'])}"


def _kept(bills: Sequence[Bill]) -> list[dict[str, Any]]:
    return [{"bill_no": bill.bill_no, "period": bill.period, "amount_fen": bill.amount_fen} for bill in bills]


def when(moment: datetime) -> str:
    """``2026年11月3日``."""
    local = moment.astimezone(SHANGHAI)
    return f"{local.year}年{figures.day(local.date())}"


def say_link(turn: Turn, invoice: Invoice) -> None:
    """Give the link to an issued invoice."""
    turn.say(
        "utter_invoice_link", month=figures.month(invoice.period), title=invoice.title.name,
        custom={
            "kind": "link", "title": f"{figures.month(invoice.period)}发票", "text": "",
            "url": turn.services.invoices.link(invoice.invoice_no),
        },
    )


# --- beginning


class ActionInvoice(Task):
    """发票: a new one; one that exists, sent again or in its state; or one to another title."""

    need = Need.VERIFIED

    def name(self) -> str:
        """The name in the domain."""
        return "action_invoice"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Find out which of these is meant."""
        if account is None:
            raise TypeError("the task needs an account")
        if SPECIAL.search(turn.text):
            turn.say("utter_invoice_special", special=turn.services.utility.invoices.special, **_contact(turn))
            return []
        try:
            if ANEW.search(turn.text) or turn.values.first("change") == "title":
                return await self._anew(turn, account)
            if AGAIN.search(turn.text):
                return await self._again(turn, account)
            return await self._new(turn, account)
        except UnknownAccount:
            turn.say("utter_invoice_no_account", account=account.label)
            return []

    async def _new(self, turn: Turn, account: BoundAccount) -> list[EventType]:
        offer = await turn.services.invoices.offer(account.account_no, _months(turn))
        if not offer.bills:
            _say_nothing_to_invoice(turn, offer)
            return []
        if offer.invoiced and turn.values.periods:
            _say_already(turn, offer.invoiced)
        return await start(turn, account, offered=_kept(offer.bills), chosen=_chosen(turn, offer.bills))

    async def _again(self, turn: Turn, account: BoundAccount) -> list[EventType]:
        invoices = [each for each in await turn.services.invoices.of_account(account.account_no) if _in_months(turn, each)]
        if not invoices:
            turn.say("utter_invoice_none", account=account.label, buttons=[("开发票", "/invoice")])
            return []
        email = turn.values.first("email")
        issued = [each for each in invoices if each.state is InvoiceState.ISSUED][:3]
        for invoice in issued:
            if email:
                await turn.services.invoices.send(turn.openid, invoice, str(email))
            else:
                say_link(turn, invoice)
        if email and issued:
            months = "、".join(figures.month(each.period) for each in issued)
            turn.say("utter_invoice_sent", months=months, email=str(email))
        elif issued:
            turn.say("utter_invoice_by_email_too")
        waiting = [each for each in invoices if each.state is InvoiceState.ISSUING]
        if waiting:
            turn.say("utter_invoice_issuing", months="、".join(figures.month(each.period) for each in waiting))
        return []

    async def _anew(self, turn: Turn, account: BoundAccount) -> list[EventType]:
        invoices = [each for each in await turn.services.invoices.of_account(account.account_no) if _in_months(turn, each)]
        if not invoices:
            turn.say("utter_invoice_none_to_change", account=account.label)
            return await self._new(turn, account)
        if len(invoices) > 1 and not turn.values.first("ordinal"):
            buttons = [
                (f"{figures.month(each.period)}那张", payload("invoice", period=_as_period(each.period), change="title"))
                for each in invoices[:LISTED]
            ]
            turn.say("utter_invoice_which_to_change", buttons=buttons)
            return []
        return await change_title(turn, account, invoices[_index(turn.values.first("ordinal") or 1, len(invoices))])


def _index(ordinal: int, count: int) -> int:
    place = ordinal - 1 if ordinal > 0 else ordinal
    return place if -count <= place < count else 0


def _as_period(period: str) -> dict[str, str]:
    """A month as the value component gives it."""
    return {"from": f"{period}-01", "to": f"{period}-28", "text": figures.month(period), "grain": "month"}


def _in_months(turn: Turn, invoice: Invoice) -> bool:
    months = _months(turn)
    return not months or any(first <= invoice.period <= last for first, last in months)


def _say_nothing_to_invoice(turn: Turn, offer: InvoiceOffer) -> None:
    if offer.invoiced:
        _say_already(turn, offer.invoiced)
    elif offer.unpaid:
        months = "、".join(figures.month(bill.period) for bill in reversed(offer.unpaid))
        turn.say("utter_invoice_unpaid", months=months, buttons=[("先缴费", "/pay_bill")])
    else:
        months_back = turn.services.utility.invoices.months_back
        turn.say("utter_invoice_nothing", span=_spans(turn) or f"最近{months_back}个月", months=months_back, **_contact(turn))


def _say_already(turn: Turn, invoices: Sequence[Invoice]) -> None:
    """These bills have an invoice: since when, in whose name, and where."""
    for invoice in invoices[:3]:
        if invoice.issued_at is None:
            turn.say("utter_invoice_issuing", months=figures.month(invoice.period))
            continue
        turn.say(
            "utter_invoice_already", month=figures.month(invoice.period), day=when(invoice.issued_at),
            title=invoice.title.name,
            custom={
                "kind": "link", "title": f"{figures.month(invoice.period)}发票", "text": "",
                "url": turn.services.invoices.link(invoice.invoice_no),
            },
        )


def _chosen(turn: Turn, bills: Sequence[Bill]) -> list[dict[str, Any]] | None:
    """The bills that are meant, if the message tells."""
    most = turn.services.utility.invoices.at_once
    ordinal = turn.values.first("ordinal")
    if turn.values.periods or ALL.search(turn.text) or len(bills) == 1:
        if len(bills) > most:
            turn.say("utter_invoice_many", count=len(bills), most=most)
        return _kept(bills[:most])
    return [_kept(bills)[_index(int(ordinal), len(bills))]] if ordinal else None


async def start(
    turn: Turn, account: BoundAccount, *, offered: list[dict[str, Any]], chosen: list[dict[str, Any]] | None,
    replaces: str | None = None,
) -> list[EventType]:
    """Begin the form with all that is known: what the message says, else what was used last time."""
    known: dict[str, Any] = dict.fromkeys(SLOTS)
    last = await turn.services.invoices.remembered(turn.openid)
    said = title_said(turn)
    if last is not None and not said and replaces is None:
        known |= {
            "invoice_kind": last.title.kind.value, "invoice_name": last.title.name,
            "invoice_tax_number": last.title.tax_number or NONE, "invoice_email": last.email or CHAT,
        }
    elif last is not None:
        known["invoice_email"] = last.email or CHAT
    known |= {
        **said, **email_said(turn), "invoice_account": account.account_no, "invoice_offered": offered, "invoice_bills": chosen,
        "invoice_replaces": replaces, "invoice_request_no": f"FP{turn.services.clock.now():%Y%m%d}{secrets.token_hex(6)}",
    }
    return turn.start_form("invoice_form", **known)


async def change_title(turn: Turn, account: BoundAccount, invoice: Invoice) -> list[EventType]:
    """Begin the form for another title, where the rules allow it."""
    why = turn.services.invoices.why_not_reissue(invoice)
    if why is not None:
        _say_no_reissue(turn, why)
        return []
    bill = {"bill_no": invoice.bill_no, "period": invoice.period, "amount_fen": invoice.amount_fen}
    turn.say("utter_invoice_change", month=figures.month(invoice.period), title=invoice.title.name)
    return await start(turn, account, offered=[bill], chosen=[bill], replaces=invoice.invoice_no)


def _say_no_reissue(turn: Turn, why: str) -> None:
    rules = turn.services.utility.invoices
    turn.say(f"utter_invoice_no_reissue_{why}", days=rules.reissue_days, times=rules.reissues, **_contact(turn))


def _contact(turn: Turn) -> dict[str, Any]:
    hotline = turn.services.utility.hotline
    return {"hotline": hotline.phone, "hotline_hours": hotline.hours}


# --- the questions


class ActionAskInvoiceBills(Question):
    """Asks which bills, newest first."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_bills"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        offered = turn.slot("invoice_offered") or []
        lines = "\n".join(f"{number}. {bill_line(bill)}" for number, bill in enumerate(offered[:LISTED], 1))
        turn.say("utter_ask_invoice_bills", lines=lines, buttons=_bill_buttons(offered))


def _bill_buttons(offered: Sequence[Mapping[str, Any]]) -> Buttons:
    return [
        (f"{figures.month(offered[0]['period'])}的", payload("inform", ordinal=1)),
        (f"全部{len(offered)}期", payload("inform", bills="all")),
    ]


class ActionAskInvoiceKind(Question):
    """Asks whether the title is a person's or a company's."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_kind"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_invoice_kind", buttons=[
            ("个人", payload("inform", title_kind=TitleKind.PERSON.value)),
            ("单位", payload("inform", title_kind=TitleKind.COMPANY.value)),
        ])


class ActionAskInvoiceName(Question):
    """Asks for the name on the invoice."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_name"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        company = turn.slot("invoice_kind") == TitleKind.COMPANY
        turn.say("utter_ask_invoice_company" if company else "utter_ask_invoice_person")


class ActionAskInvoiceTaxNumber(Question):
    """Asks for a company's tax number."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_tax_number"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_invoice_tax_number", title=turn.slot("invoice_name"))


class ActionAskInvoiceEmail(Question):
    """Asks where to send it."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_email"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        turn.say("utter_ask_invoice_email", buttons=IN_CHAT)


class ActionAskInvoiceConfirmed(Question):
    """Shows bills, title and address, and asks for a yes."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_ask_invoice_confirmed"

    async def ask(self, turn: Turn) -> None:
        """Put the question."""
        bills = turn.slot("invoice_bills") or []
        labels = await labels_of(turn)
        number = turn.slot("invoice_tax_number")
        turn.say(
            "utter_invoice_confirm_again" if turn.slot("invoice_replaces") else "utter_invoice_confirm",
            lines="\n".join(bill_line(bill) for bill in bills), count=len(bills),
            amount=yuan(sum(bill["amount_fen"] for bill in bills)), account=labels.get(turn.slot("invoice_account"), ""),
            title=turn.slot("invoice_name"), tax_number="" if number == NONE else f"，税号 {number}",
            email=turn.slot("invoice_email") or "发在聊天里",
            buttons=[
                ("确认开票", "/affirm"), ("换抬头", payload("inform", change="title")),
                ("换邮箱", payload("inform", change="email")), ("先不开", "/deny"),
            ],
        )


# --- the answers


class ValidateInvoiceForm(Form):
    """Hears which bills, to whom, and where to; and at the end a yes, or what is to be different."""

    yes_or_no = frozenset({"invoice_confirmed"})

    def name(self) -> str:
        """The name in the domain."""
        return "validate_invoice_form"

    def required(self, turn: Turn, slots: list[str]) -> list[str]:
        """A no ends the form at once."""
        return [] if turn.slot("invoice_confirmed") is False else slots

    async def hear_invoice_bills(self, turn: Turn) -> Mapping[str, Any] | None:
        """Months, a place in the list, or all."""
        offered: list[dict[str, Any]] = turn.slot("invoice_offered") or []
        rest = {**title_said(turn), **email_said(turn)}
        months, ordinal = _months(turn), turn.values.first("ordinal")
        if turn.values.first("bills") == "all" or (ALL.search(turn.text) and turn.intent in FORM_INTENTS):
            return {**rest, "invoice_bills": offered[:turn.services.utility.invoices.at_once]}
        if months:
            chosen = [bill for bill in offered if any(first <= bill["period"] <= last for first, last in months)]
            if not chosen:
                turn.say("utter_invoice_not_then", span=_spans(turn))
                return {**rest, **self.again("invoice_bills")}
            return {**rest, "invoice_bills": chosen}
        if ordinal:
            return {**rest, "invoice_bills": [offered[_index(int(ordinal), len(offered))]]}
        if agreed(turn) is False:
            return {"invoice_confirmed": False}
        if turn.intent not in FORM_INTENTS:
            return None
        if rest:
            return rest
        return self.misheard(turn, "invoice_bills", "utter_invoice_which_bills", buttons=_bill_buttons(offered))

    async def hear_invoice_kind(self, turn: Turn) -> Mapping[str, Any] | None:
        """个人, 单位, or the name itself."""
        said = {**title_said(turn), **email_said(turn)}
        if "invoice_kind" in said:
            return said
        name = _name_in(turn.text)
        if COMPANY.search(turn.text) and turn.intent in FORM_INTENTS:
            whole = len(name) > 4 and is_name(name) and not QUESTION.search(turn.text)
            return {**said, "invoice_kind": TitleKind.COMPANY.value, "invoice_name": name if whole else None}
        if turn.intent not in FORM_INTENTS:
            return None
        return {**said, **self.misheard(turn, "invoice_kind", "utter_invoice_which_kind")}

    async def hear_invoice_name(self, turn: Turn) -> Mapping[str, Any] | None:
        """The name."""
        said = {**title_said(turn), **email_said(turn)}
        if said.get("invoice_name"):
            return said
        if "title_kind" in {entity["entity"] for entity in turn.values.entities}:
            return {**said, "invoice_name": None}
        company = turn.slot("invoice_kind") == TitleKind.COMPANY
        name = str(turn.values.first("name") or "") or _name_in(turn.text)
        looks_right = COMPANY.search(name) if company else PERSON_NAME.fullmatch(name)
        if is_name(name) and not QUESTION.search(turn.text) and (looks_right or turn.intent in FORM_INTENTS):
            return {**said, "invoice_name": name}
        if turn.intent not in FORM_INTENTS:
            return None
        return self.misheard(turn, "invoice_name", "utter_invoice_bad_name")

    async def hear_invoice_tax_number(self, turn: Turn) -> Mapping[str, Any] | None:
        """The number, checked."""
        said = {**title_said(turn), **email_said(turn)}
        if said.get("invoice_tax_number"):
            return {**_emptied(turn, said), **said}
        found = LONE_NUMBER.search(turn.text)
        if found is None:
            if turn.intent not in FORM_INTENTS:
                return None
            return self.misheard(turn, "invoice_tax_number", "utter_invoice_no_tax_number")
        number = clean_tax_number(found.group())
        problem = tax_number_problem(number)
        if problem is None:
            return {**said, "invoice_tax_number": number}
        return self.misheard(turn, "invoice_tax_number", f"utter_invoice_tax_number_{problem}", count=len(number))

    async def hear_invoice_email(self, turn: Turn) -> Mapping[str, Any] | None:
        """An address, or none."""
        said = email_said(turn)
        if said:
            return said
        if turn.values.first("email_to") == "chat" or turn.intent == "deny" or NO_EMAIL.search(turn.text):
            return {"invoice_email": CHAT}
        if turn.intent not in FORM_INTENTS:
            return None
        return self.misheard(turn, "invoice_email", "utter_invoice_bad_email", buttons=IN_CHAT)

    async def hear_invoice_confirmed(self, turn: Turn) -> Mapping[str, Any] | None:
        """A yes or a no; or another title, address or month."""
        change = turn.values.first("change")
        if change == "title":
            return {"invoice_kind": None, "invoice_name": None, "invoice_tax_number": None, "invoice_confirmed": None}
        if change == "email":
            return {"invoice_email": None, "invoice_confirmed": None}
        changed = {**title_said(turn), **email_said(turn)}
        if changed:
            return {**_emptied(turn, changed), **changed, "invoice_confirmed": None}
        if turn.values.periods and not turn.slot("invoice_replaces"):
            return await self._other_bills(turn)
        yes = agreed(turn)
        if ANEW.search(turn.text) and yes is not True:
            return {"invoice_kind": None, "invoice_name": None, "invoice_tax_number": None, "invoice_confirmed": None}
        if turn.intent == "invoice" and GO_ON.search(turn.text):
            yes = True
        if yes is None:
            if turn.intent not in FORM_INTENTS:
                return None
            return self.misheard(turn, "invoice_confirmed", "utter_invoice_yes_or_no")
        return {"invoice_confirmed": yes}

    async def _other_bills(self, turn: Turn) -> Mapping[str, Any]:
        offer = await turn.services.invoices.offer(turn.slot("invoice_account"), _months(turn))
        if not offer.bills:
            _say_nothing_to_invoice(turn, offer)
            return {"invoice_confirmed": None}
        return {"invoice_bills": _kept(offer.bills), "invoice_confirmed": None}


def _name_in(text: str) -> str:
    return BEFORE_NAME.sub("", text.strip()).strip(" ，,。.！!的")


def _emptied(turn: Turn, changed: Mapping[str, Any]) -> dict[str, Any]:
    """What another kind of title, or another company, makes unknown."""
    other_kind = changed.get("invoice_kind", turn.slot("invoice_kind")) != turn.slot("invoice_kind")
    emptied: dict[str, Any] = {}
    if other_kind and "invoice_name" not in changed:
        emptied["invoice_name"] = None
    if (other_kind or changed.get("invoice_name")) and "invoice_tax_number" not in changed:
        emptied["invoice_tax_number"] = None
    return emptied


# --- the end


class ActionInvoiceFormSubmit(Task):
    """After the answer: file the request, or leave it. Trying again after an outage comes here too, with the same number."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_invoice_form_submit"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """File exactly what was confirmed."""
        forget: list[EventType] = [SlotSet(name, None) for name in SLOTS]
        if not turn.slot("invoice_confirmed"):
            turn.say("utter_invoice_not_now")
            return forget
        if turn.slot("invoice_account") not in await labels_of(turn):
            turn.say("utter_invoice_unbound")
            return forget
        number = turn.slot("invoice_tax_number")
        kind = TitleKind(turn.slot("invoice_kind"))
        title = Title(kind, turn.slot("invoice_name"), number if kind is TitleKind.COMPANY else None)
        if turn.slot("invoice_replaces"):
            await self._reissue(turn, title)
        else:
            await self._file(turn, title)
        return forget

    async def _file(self, turn: Turn, title: Title) -> None:
        filing: Filing = await turn.services.invoices.file(
            turn.openid, turn.slot("invoice_request_no"), turn.slot("invoice_account"),
            [bill["bill_no"] for bill in turn.slot("invoice_bills")], title, turn.slot("invoice_email") or None,
        )
        if filing.already:
            _say_already(turn, filing.already)
        if filing.rejected:
            turn.say("utter_invoice_rejected", count=len(filing.rejected))
        if filing.accepted:
            turn.say("utter_invoice_filed", count=len(filing.accepted), number=turn.slot("invoice_request_no"))

    async def _reissue(self, turn: Turn, title: Title) -> None:
        invoices = turn.services.invoices
        old = await invoices.find(turn.slot("invoice_account"), turn.slot("invoice_replaces"))
        if old is None:  # another message of the same customer, or another customer of the account, was faster
            turn.say("utter_invoice_changed_meanwhile")
            return
        try:
            await invoices.reissue(
                turn.openid, turn.slot("invoice_request_no"), old, title, turn.slot("invoice_email") or None,
            )
        except ReissueRefused as error:
            _say_no_reissue(turn, error.why)
            return
        turn.say("utter_invoice_reissued", month=figures.month(old.period), number=turn.slot("invoice_request_no"))


class ActionInvoiceIssued(Task):
    """Tells the customer of invoices that are ready: what ``EXTERNAL_invoice_issued`` carries."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_invoice_issued"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """Say it, with a link for each."""
        ready: list[list[str]] = turn.values.first("invoices") or []
        failed: list[str] = turn.values.first("failed") or []
        if ready:
            turn.say("utter_invoice_ready", count=len(ready))
        for invoice_no, period in ready:
            turn.say("utter_invoice_ready_link", month=figures.month(period), custom={
                "kind": "link", "title": "打开发票", "text": "",
                "url": turn.services.invoices.link(invoice_no),
            })
        if failed:
            turn.say("utter_invoice_failed", months="、".join(map(figures.month, failed)), **_contact(turn))
        return []
