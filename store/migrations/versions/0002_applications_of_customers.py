"""Applications of customers, their photos, and how far CSMS's changes have been read."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table(
        "application",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("request_id", sa.String(length=32), nullable=False),
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account_no", sa.String(length=20), nullable=True),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("application_no", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=20), nullable=False),
        sa.Column("detail", sa.Text(), nullable=True),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.DateTime(), nullable=False),
        sa.Column("changed_at", sa.DateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application")),
        sa.UniqueConstraint("request_id", name=op.f("uq_application_request_id")),
    )
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_application_no"), ["application_no"], unique=False)
        batch_op.create_index(batch_op.f("ix_application_openid_created_at"), ["openid", "created_at"], unique=False)

    op.create_table(
        "application_feed",
        sa.Column("name", sa.String(length=16), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_application_feed")),
    )
    op.create_table(
        "application_document",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("application_id", sa.Integer(), nullable=False),
        sa.Column("media_id", sa.String(length=32), nullable=False),
        sa.Column("document", sa.String(length=32), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", sa.DateTime(), nullable=False),
        sa.ForeignKeyConstraint(["application_id"], ["application.id"], name=op.f("fk_application_document_application_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_application_document")),
        sa.UniqueConstraint("application_id", "media_id", name=op.f("uq_application_document_application_id_media_id")),
    )
    with op.batch_alter_table("application_document", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_application_document_state_next_try_at"), ["state", "next_try_at"], unique=False)



def downgrade() -> None:
    """Undo."""
    with op.batch_alter_table("application_document", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_document_state_next_try_at"))

    op.drop_table("application_document")
    op.drop_table("application_feed")
    with op.batch_alter_table("application", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_application_openid_created_at"))
        batch_op.drop_index(batch_op.f("ix_application_application_no"))

    op.drop_table("application")
