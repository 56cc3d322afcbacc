"""The tables, one module per capability."""

from store.models.accounts import Binding, Customer, Lockout, SmsChallenge, VerifiedSession
from store.models.answers import AnswerRating
from store.models.applications import ApplicationDocument, ApplicationFeed, ApplicationRecord
from store.models.auto_pay import AutoPayContract
from store.models.base import Base
from store.models.conversation import Handover, Media, Message
from store.models.invoices import InvoiceRequest, InvoiceTitle
from store.models.payments import PayLine, PayOrder, Reconciliation, ReconciliationDifference, Refund
from store.models.privacy import Erasure
from store.models.readings import MeterRequestRecord
from store.models.refunds import RefundRequest
from store.models.repairs import HotlineFeed, WorkOrder, WorkOrderFile
from store.models.staff import Staff, StaffCode, StaffDevice, StaffSession
from store.models.subscriptions import NotifySetting, QuietTime, Subscription
from store.models.system import AuditEntry, Entry, Outbox

__all__ = [
    "AnswerRating",
    "ApplicationDocument",
    "ApplicationFeed",
    "ApplicationRecord",
    "AuditEntry",
    "AutoPayContract",
    "Base",
    "Binding",
    "Customer",
    "Entry",
    "Erasure",
    "Handover",
    "HotlineFeed",
    "InvoiceRequest",
    "InvoiceTitle",
    "Lockout",
    "Media",
    "Message",
    "MeterRequestRecord",
    "NotifySetting",
    "Outbox",
    "PayLine",
    "PayOrder",
    "QuietTime",
    "Reconciliation",
    "ReconciliationDifference",
    "Refund",
    "RefundRequest",
    "SmsChallenge",
    "Staff",
    "StaffCode",
    "StaffDevice",
    "StaffSession",
    "Subscription",
    "VerifiedSession",
    "WorkOrder",
    "WorkOrderFile",
]
