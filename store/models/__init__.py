"""The tables, one module per capability."""

from store.models.accounts import Binding, Customer, Lockout, SmsChallenge, VerifiedSession
from store.models.base import Base
from store.models.conversation import Handover, Media, Message
from store.models.payments import PayLine, PayOrder, Reconciliation, ReconciliationDifference, Refund
from store.models.system import AuditEntry, Entry, Outbox

__all__ = [
    "AuditEntry",
    "Base",
    "Binding",
    "Customer",
    "Entry",
    "Handover",
    "Lockout",
    "Media",
    "Message",
    "Outbox",
    "PayLine",
    "PayOrder",
    "Reconciliation",
    "ReconciliationDifference",
    "Refund",
    "SmsChallenge",
    "VerifiedSession",
]
