"""Requests about meters: customers' readings, disputes, visits, checks."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "meter_request",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("request_no", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meter_request")),
        sa.UniqueConstraint("request_id", name=op.f("uq_meter_request_request_id")),
    )
    with op.batch_alter_table("meter_request", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_meter_request_openid_created_at"), ["openid", "created_at"], unique=False)
        batch_op.create_index(batch_op.f("ix_meter_request_request_no"), ["request_no"], unique=False)


def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("meter_request", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_meter_request_request_no"))
        batch_op.drop_index(batch_op.f("ix_meter_request_openid_created_at"))

    op.drop_table("meter_request")
