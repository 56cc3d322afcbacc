"""Money in advance, titles and requests of invoices, direct debit contracts, refund requests."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "auto_pay_contract",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("contract_code", sa.String(length=32), nullable=False),
        sa.Column("contract_id", sa.String(length=64), nullable=True),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("expires_at", sa.DateTime(), nullable=False),
        sa.Column("signed_at", sa.DateTime(), nullable=True),
        sa.Column("ended_at", sa.DateTime(), nullable=True),
        sa.Column("untold", sa.Boolean(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_auto_pay_contract")),
        sa.UniqueConstraint("contract_code", name=op.f("uq_auto_pay_contract_contract_code")),
    )
    with op.batch_alter_table("auto_pay_contract", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_auto_pay_contract_account_no"), ["account_no"], unique=False)
        batch_op.create_index(batch_op.f("ix_auto_pay_contract_openid"), ["openid"], unique=False)
        batch_op.create_index(batch_op.f("ix_auto_pay_contract_state_next_try_at"), ["state", "next_try_at"], unique=False)

    op.create_table(
        "invoice_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_no", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("invoice_nos", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invoice_request")),
        sa.UniqueConstraint("request_no", name=op.f("uq_invoice_request_request_no")),
    )
    with op.batch_alter_table("invoice_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_invoice_request_next_try_at"), ["next_try_at"], unique=False)

    op.create_table(
        "invoice_title",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("tax_number", sa.String(length=20), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("used_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("openid", name=op.f("pk_invoice_title")),
    )
    op.create_table(
        "refund_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_no", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("out_trade_no", sa.String(length=32), nullable=False),
        sa.Column("amount_fen", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refund_request")),
        sa.UniqueConstraint("request_no", name=op.f("uq_refund_request_request_no")),
    )
    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_refund_request_openid_created_at"), ["openid", "created_at"], unique=False)

    with op.batch_alter_table("pay_order", schema=None) as batch_op:
        batch_op.add_column(sa.Column("purpose", sa.String(length=8), server_default="bills", nullable=False))



def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("pay_order", schema=None) as batch_op:
        batch_op.drop_column("purpose")

    with op.batch_alter_table("refund_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_refund_request_openid_created_at"))

    op.drop_table("refund_request")
    op.drop_table("invoice_title")
    with op.batch_alter_table("invoice_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invoice_request_next_try_at"))

    op.drop_table("invoice_request")
    with op.batch_alter_table("auto_pay_contract", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_auto_pay_contract_state_next_try_at"))
        batch_op.drop_index(batch_op.f("ix_auto_pay_contract_openid"))
        batch_op.drop_index(batch_op.f("ix_auto_pay_contract_account_no"))

    op.drop_table("auto_pay_contract")
