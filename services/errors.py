"""Why something could not be done. Actions turn each into words; nothing else does."""

from __future__ import annotations

from datetime import datetime


class ServiceError(Exception):
    """The base of all."""


class SystemUnavailable(ServiceError):
    """Another system is slow, down, or answers nonsense. The task can be tried again."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.system = system  # csms | sms | mail | pay | wechat | hotline | website


class UnknownAccount(ServiceError):
    """CSMS knows no such account, or it does not say so to this customer."""


class ClosedAccount(ServiceError):
    """The account was closed (销户)."""


class AlreadyBound(ServiceError):
    """This customer has bound the account already."""


class TooManyBindings(ServiceError):
    """The customer, or the account, has as many bindings as the rules allow."""

    def __init__(self, whose: str) -> None:
        super().__init__(whose)
        self.whose = whose  # customer | account


class TooManyLookUps(ServiceError):
    """The customer has asked for as many unbound accounts as the rules allow for now."""


class NotBound(ServiceError):
    """The account is not one of this customer's."""


class NotVerified(ServiceError):
    """The customer must prove who they are first."""


class WrongProof(ServiceError):
    """Wrong code or password; ``tries_left`` before the lock."""

    def __init__(self, tries_left: int) -> None:
        super().__init__(tries_left)
        self.tries_left = tries_left


class ExpiredCode(ServiceError):
    """The code was right once, but its time is over, or it was used."""


class Locked(ServiceError):
    """Too many wrong tries."""

    def __init__(self, until: datetime) -> None:
        super().__init__(until)
        self.until = until


class TooManyCodes(ServiceError):
    """No more codes today."""


class CodeTooSoon(ServiceError):
    """A code was sent a moment ago to ``phone`` (masked), and is still good; another may be had in ``seconds``."""

    def __init__(self, seconds: int, phone: str) -> None:
        super().__init__(seconds, phone)
        self.seconds = seconds
        self.phone = phone


class NoPhone(ServiceError):
    """The account has no mobile phone on file."""


class NoPassword(ServiceError):
    """The account has no query password."""


class AliasRefused(ServiceError):
    """An account cannot be called that; ``rule`` says why."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule  # length | characters | digits | keyword | taken


class WeakPassword(ServiceError):
    """The password breaks a strength rule; ``rule`` names it."""

    def __init__(self, rule: str) -> None:
        super().__init__(rule)
        self.rule = rule  # length | mix | account | repeated


class NothingToPay(ServiceError):
    """None of the bills asked for has anything outstanding."""


class BillDisputed(ServiceError):
    """A disputed bill is not taken for payment until it is decided."""


class TooManyBills(ServiceError):
    """More bills than one order may hold."""


class LinkInvalid(ServiceError):
    """A payment link that is forged, used, expired, or somebody else's; ``why`` is one of those."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why  # forged | used | expired | foreign


class AmountChanged(ServiceError):
    """What a bill owes is no longer what the customer confirmed: a late fee was added, or part was paid elsewhere."""

    def __init__(self, bill_no: str, amount_fen: int) -> None:
        super().__init__(bill_no)
        self.bill_no = bill_no
        self.amount_fen = amount_fen  # what it owes now


class OrderPaid(ServiceError):
    """WeChat Pay will not close an order, because it has been paid."""


class CallbackRefused(ServiceError):
    """A callback that WeChat Pay did not send, or that is stale, or meant for another merchant. ``why`` goes to the log."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why  # signature | stale | malformed | merchant | contract


class PaymentMismatch(ServiceError):
    """WeChat Pay tells of a payment that does not fit our order; ``why`` is the fact that differs."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why  # order | amount | payer | transaction


class OutOfRange(ServiceError):
    """A setting beyond what the rules allow: ``setting`` is its name, the bounds are included."""

    def __init__(self, setting: str, lowest: int, highest: int) -> None:
        super().__init__(setting)
        self.setting = setting
        self.lowest = lowest
        self.highest = highest


class Undeliverable(ServiceError):
    """A message that WeChat does not take, and would not take if it were tried again; ``why`` is one of those below."""

    def __init__(self, why: str = "rejected") -> None:
        super().__init__(why)
        self.why = why  # window | quota | taken | refused | forbidden | unknown_customer | rejected


class NothingToRefund(ServiceError):
    """Not a payment of this customer that can be given back."""


class AutoPayNotOffered(ServiceError):
    """The utility has no contract template for direct debit at WeChat Pay."""


class AutoPaySigned(ServiceError):
    """There is a direct debit contract for the account already."""


class ReissueRefused(ServiceError):
    """An invoice is not cancelled for another title; ``why`` is the rule."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why  # late | again | issuing


class PrepayOutOfRange(ServiceError):
    """Less, or more, than may be paid in advance at a time."""

    def __init__(self, lowest_fen: int, highest_fen: int) -> None:
        super().__init__(lowest_fen, highest_fen)
        self.lowest_fen = lowest_fen
        self.highest_fen = highest_fen


class PaymentInProgress(ServiceError):
    """Money for one of the bills has arrived and is being booked; it must not be paid again."""


class ApplicationRefused(ServiceError):
    """An application cannot be taken, or not any more; ``why`` is one of those below.

    ``amount_fen``: what the account owes. ``number``: the application that is under way already.
    """

    def __init__(self, why: str, *, amount_fen: int = 0, number: str | None = None) -> None:
        super().__init__(why)
        # arrears | open | stopped | not_stopped | closed | not_residential | no_effect | same_nature | too_many | too_late
        self.why = why
        self.amount_fen = amount_fen
        self.number = number


class UnknownApplication(ServiceError):
    """There is no such application, or it is not this customer's."""


class UnknownOrder(ServiceError):
    """There is no such work order, or it is not this customer's: nobody else learns which."""


class OrderClosed(ServiceError):
    """The work order has ended: nothing about it can be changed any more."""


class RemindedTooOften(ServiceError):
    """The work order cannot be urged now: not before ``again_at``, or not at all any more where that is none."""

    def __init__(self, again_at: datetime | None) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class NotRateable(ServiceError):
    """The work order is not done, was rated already, or was done too long ago."""


class ReadingRefused(ServiceError):
    """The meter desk does not take a reading or a request about it, or not any more; ``why`` is one of those below.

    ``number``: the request that is under way already.
    """

    def __init__(self, why: str, *, number: str | None = None) -> None:
        super().__init__(why)
        # closed | stopped | window | taken | lower | open | full | too_late | too_many
        self.why = why
        self.number = number


class UnknownMeterRequest(ServiceError):
    """There is no such request about a meter, or it is not about an account of this customer's."""


class LoginRefused(ServiceError):
    """Wrong login or password, or an account that is locked or disabled: which of them, nobody is told."""


class WrongPassword(ServiceError):
    """The password that a signed-in member of staff gave to confirm something is wrong, or there were too many wrong ones."""


class WrongCode(ServiceError):
    """A code is wrong, was used before, or is too old."""


class WeakStaffPassword(ServiceError):
    """A password does not keep the rules; ``problems`` are those of :func:`services.staff.passwords.problems`."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__(*problems)
        self.problems = problems


class UnknownStaff(ServiceError):
    """There is no such member of staff, session or device."""


class LoginTaken(ServiceError):
    """Somebody else has that login."""


class StaffRefused(ServiceError):
    """An account of staff cannot be made or changed so; ``why``: own_account | last_admin | bad_login | bad_name | bad_email
    | bad_phone | no_reason.
    """

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


class ConversationTaken(ServiceError):
    """Somebody else has the conversation."""

    def __init__(self, owner: str | None) -> None:
        super().__init__(owner)
        self.owner = owner


class UnknownConversation(ServiceError):
    """There is no such conversation."""


class StaffUnavailable(ServiceError):
    """The member of staff is offline, or has as many conversations as they take."""


class SearchTooShort(ServiceError):
    """There are too few characters to search for."""
