"""The tables, one module per capability."""

from store.models.accounts import Binding, Customer, Lockout, SmsChallenge, VerifiedSession
from store.models.answers import AnswerRating
from store.models.applications import ApplicationDocument, ApplicationFeed, ApplicationRecord
from store.models.auto_pay import AutoPayContract
from store.models.base import Base
from store.models.conversation import Media, Message
from store.models.desk import (
    Assignment,
    CannedReply,
    ConversationFacet,
    ConversationGram,
    ConversationRecord,
    ConversationTag,
    DailySample,
    LiveChange,
    Note,
    NoteMention,
    Presence,
    Review,
    SavedView,
    SearchKey,
    Tag,
    TrainerItem,
    Understanding,
)
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
    "Assignment",
    "AuditEntry",
    "AutoPayContract",
    "Base",
    "Binding",
    "CannedReply",
    "ConversationFacet",
    "ConversationGram",
    "ConversationRecord",
    "ConversationTag",
    "Customer",
    "DailySample",
    "Entry",
    "Erasure",
    "HotlineFeed",
    "InvoiceRequest",
    "InvoiceTitle",
    "LiveChange",
    "Lockout",
    "Media",
    "Message",
    "MeterRequestRecord",
    "Note",
    "NoteMention",
    "NotifySetting",
    "Outbox",
    "PayLine",
    "PayOrder",
    "Presence",
    "QuietTime",
    "Reconciliation",
    "ReconciliationDifference",
    "Refund",
    "RefundRequest",
    "Review",
    "SavedView",
    "SearchKey",
    "SmsChallenge",
    "Staff",
    "StaffCode",
    "StaffDevice",
    "StaffSession",
    "Subscription",
    "Tag",
    "TrainerItem",
    "Understanding",
    "VerifiedSession",
    "WorkOrder",
    "WorkOrderFile",
]
