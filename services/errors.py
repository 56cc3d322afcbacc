"""Why something could not be done. Actions turn each into words; nothing else does."""

from __future__ import annotations

from datetime import datetime


class ServiceError(Exception):
    """The base of all."""


class SystemUnavailable(ServiceError):
    """Another system is slow, down, or answers nonsense. The task can be tried again."""

    def __init__(self, system: str) -> None:
        super().__init__(system)
        self.system = system  # csms | sms | pay | wechat


class UnknownAccount(ServiceError):
    """CSMS knows no such account, or it does not say so to this customer."""


class ClosedAccount(ServiceError):
    """The account was closed (销户)."""


class AlreadyBound(ServiceError):
    """This customer has bound the account already."""


class TooManyBindings(ServiceError):
    """The customer, or the account, has as many bindings as the rules allow."""


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
    """A code was sent a moment ago."""

    def __init__(self, seconds: int) -> None:
        super().__init__(seconds)
        self.seconds = seconds


class NoPhone(ServiceError):
    """The account has no mobile phone on file."""


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
