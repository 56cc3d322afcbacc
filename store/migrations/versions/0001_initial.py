"""The tables of the first release."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", sa.DateTime(), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=True),
        sa.Column("outcome", sa.String(length=24), nullable=False),
        sa.Column("detail", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_account_no_at"), ["account_no", "at"], unique=False)
        batch_op.create_index(batch_op.f("ix_audit_actor_at"), ["actor", "at"], unique=False)

    op.create_table(
        "customer",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("subscribed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_customer")),
    )
    op.create_table(
        "handover",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("closed_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover")),
    )
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_handover_openid_state"), ["openid", "state"], unique=False)

    op.create_table(
        "kv",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_kv")),
    )
    with op.batch_alter_table("kv", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_kv_ends_at"), ["ends_at"], unique=False)

    op.create_table(
        "lockout",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("wrong", sa.Integer(), nullable=False),
        sa.Column("last_try_at", sa.DateTime(), nullable=False),
        sa.Column("locked_until", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("openid", "account_no", name=op.f("pk_lockout")),
    )
    op.create_table(
        "media",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("content_type", sa.String(length=64), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("path", sa.String(length=200), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
    )
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_media_openid"), ["openid"], unique=False)

    op.create_table(
        "message",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("direction", sa.String(length=3), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("grant", sa.String(length=8), nullable=True),
        sa.Column("cause", sa.String(length=160), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("answers", sa.Text(), nullable=True),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
        sa.UniqueConstraint("key", name=op.f("uq_message_key")),
    )
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_message_cause"), ["cause"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_openid_id"), ["openid", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_message_state_openid"), ["state", "openid"], unique=False)

    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("dedupe_key", sa.String(length=160), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("lease_until", sa.DateTime(), nullable=True),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_outbox_dedupe_key")),
    )
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_outbox_openid_state_id"), ["openid", "state", "id"], unique=False)
        batch_op.create_index(batch_op.f("ix_outbox_state_not_before"), ["state", "not_before"], unique=False)

    op.create_table(
        "pay_order",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("excess", sa.String(length=8), nullable=False),
        sa.Column("link_nonce", sa.String(length=32), nullable=False),
        sa.Column("prepay_id", sa.String(length=64), nullable=True),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("paid_at", sa.DateTime(), nullable=True),
        sa.Column("settled_at", sa.DateTime(), nullable=True),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_order")),
        sa.UniqueConstraint("out_trade_no", name=op.f("uq_pay_order_out_trade_no")),
    )
    with op.batch_alter_table("pay_order", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pay_order_openid_created_at"), ["openid", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_pay_order_paid_at"), ["paid_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_pay_order_state_next_try_at"), ["state", "next_try_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_pay_order_transaction_id"), ["transaction_id"], unique=False)

    op.create_table(
        "reconciliation",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("statement_sha1", sa.String(length=40), nullable=True),
        sa.Column("payments", sa.Integer(), nullable=False),
        sa.Column("paid_fen", sa.Integer(), nullable=False),
        sa.Column("refunded_fen", sa.Integer(), nullable=False),
        sa.Column("compared_at", sa.DateTime(), nullable=False),
        sa.Column("handed_over_at", sa.DateTime(), nullable=True),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_reconciliation")),
    )
    op.create_table(
        "sms_challenge",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.String(length=64), nullable=False),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("code_hash", sa.String(length=128), nullable=False),
        sa.Column("sent_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_challenge")),
    )
    with op.batch_alter_table("sms_challenge", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_sms_challenge_openid_purpose"), ["openid", "purpose"], unique=False)

    op.create_table(
        "verified_session",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("until", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("openid", "account_no", name=op.f("pk_verified_session")),
    )
    op.create_table(
        "binding",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("alias", sa.Text(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["openid"], ["customer.openid"], name=op.f("fk_binding_openid")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_binding")),
        sa.UniqueConstraint("openid", "account_no", name=op.f("uq_binding_openid_account_no")),
    )
    with op.batch_alter_table("binding", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_binding_account_no"), ["account_no"], unique=False)

    op.create_table(
        "pay_line",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("bill_no", sa.String(length=32), nullable=False),
        sa.Column("period", sa.String(length=7), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("result", sa.String(length=16), nullable=True),
        sa.Column("applied_fen", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["pay_order.id"], name=op.f("fk_pay_line_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pay_line")),
        sa.UniqueConstraint("order_id", "bill_no", name=op.f("uq_pay_line_order_id_bill_no")),
    )
    with op.batch_alter_table("pay_line", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_pay_line_bill_no"), ["bill_no"], unique=False)

    op.create_table(
        "reconciliation_difference",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=True),
        sa.Column("out_trade_no", sa.String(length=64), nullable=True),
        sa.Column("ours_fen", sa.Integer(), nullable=True),
        sa.Column("theirs_fen", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["day"], ["reconciliation.day"], name=op.f("fk_reconciliation_difference_day")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reconciliation_difference")),
    )
    with op.batch_alter_table("reconciliation_difference", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_reconciliation_difference_day"), ["day"], unique=False)

    op.create_table(
        "refund",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("order_id", sa.Integer(), nullable=False),
        sa.Column("out_refund_no", sa.String(length=64), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("done_at", sa.DateTime(), nullable=True),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["order_id"], ["pay_order.id"], name=op.f("fk_refund_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund")),
        sa.UniqueConstraint("out_refund_no", name=op.f("uq_refund_out_refund_no")),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_order_id"), ["order_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_refund_state_next_try_at"), ["state", "next_try_at"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_state_next_try_at"))
        batch_op.drop_index(batch_op.f("ix_refund_order_id"))

    op.drop_table("refund")
    with op.batch_alter_table("reconciliation_difference", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reconciliation_difference_day"))

    op.drop_table("reconciliation_difference")
    with op.batch_alter_table("pay_line", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pay_line_bill_no"))

    op.drop_table("pay_line")
    with op.batch_alter_table("binding", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_binding_account_no"))

    op.drop_table("binding")
    op.drop_table("verified_session")
    with op.batch_alter_table("sms_challenge", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sms_challenge_openid_purpose"))

    op.drop_table("sms_challenge")
    op.drop_table("reconciliation")
    with op.batch_alter_table("pay_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_pay_order_transaction_id"))
        batch_op.drop_index(batch_op.f("ix_pay_order_state_next_try_at"))
        batch_op.drop_index(batch_op.f("ix_pay_order_paid_at"))
        batch_op.drop_index(batch_op.f("ix_pay_order_openid_created_at"))

    op.drop_table("pay_order")
    with op.batch_alter_table("outbox", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_outbox_state_not_before"))
        batch_op.drop_index(batch_op.f("ix_outbox_openid_state_id"))

    op.drop_table("outbox")
    with op.batch_alter_table("message", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_message_state_openid"))
        batch_op.drop_index(batch_op.f("ix_message_openid_id"))
        batch_op.drop_index(batch_op.f("ix_message_cause"))

    op.drop_table("message")
    with op.batch_alter_table("media", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_media_openid"))

    op.drop_table("media")
    op.drop_table("lockout")
    with op.batch_alter_table("kv", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_kv_ends_at"))

    op.drop_table("kv")
    with op.batch_alter_table("handover", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_handover_openid_state"))

    op.drop_table("handover")
    op.drop_table("customer")
    with op.batch_alter_table("audit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_actor_at"))
        batch_op.drop_index(batch_op.f("ix_audit_account_no_at"))

    op.drop_table("audit")
