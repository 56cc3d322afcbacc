"""The desk of customer service, which takes the place of the table of hand-overs."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0010"
down_revision: str | None = "0009"
branch_labels: Sequence[str] | None = None
depends_on: Sequence[str] | None = None


def upgrade() -> None:
    """Apply."""
    op.create_table('canned_reply',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('shortcut', sa.String(length=24), nullable=False),
    sa.Column('text', sa.String(length=600), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('changed_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_canned_reply')),
    sa.UniqueConstraint('shortcut', name=op.f('uq_canned_reply_shortcut'))
    )
    op.create_table('conversation',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('openid', sa.String(length=64), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=True),
    sa.Column('trigger', sa.String(length=24), nullable=True),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.Column('waiting_since', sa.DateTime(), nullable=True),
    sa.Column('escalated_at', sa.DateTime(), nullable=True),
    sa.Column('snoozed_until', sa.DateTime(), nullable=True),
    sa.Column('told_closed_at', sa.DateTime(), nullable=True),
    sa.Column('last_at', sa.DateTime(), nullable=False),
    sa.Column('last_by', sa.String(length=8), nullable=False),
    sa.Column('last_intent', sa.String(length=64), nullable=True),
    sa.Column('last_confidence', sa.Float(), nullable=True),
    sa.Column('lowest_confidence', sa.Float(), nullable=True),
    sa.Column('fallbacks', sa.Integer(), nullable=False),
    sa.Column('fell_back', sa.Boolean(), nullable=False),
    sa.Column('angry', sa.Boolean(), nullable=False),
    sa.Column('has_photo', sa.Boolean(), nullable=False),
    sa.Column('has_voice', sa.Boolean(), nullable=False),
    sa.Column('outcome', sa.String(length=16), nullable=True),
    sa.Column('rating', sa.Integer(), nullable=True),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_conversation')),
    sa.UniqueConstraint('openid', name=op.f('uq_conversation_openid'))
    )
    with op.batch_alter_table('conversation', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversation_last_at_id'), ['last_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_conversation_lowest_confidence_last_at'), ['lowest_confidence', 'last_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_conversation_owner_state_last_at'), ['owner', 'state', 'last_at'], unique=False)
        batch_op.create_index(batch_op.f('ix_conversation_state_last_at_id'), ['state', 'last_at', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_conversation_state_waiting_since_id'), ['state', 'waiting_since', 'id'], unique=False)

    op.create_table('live_change',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('body', sa.String(length=500), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_live_change'))
    )
    with op.batch_alter_table('live_change', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_live_change_at'), ['at'], unique=False)

    op.create_table('presence',
    sa.Column('login', sa.String(length=64), nullable=False),
    sa.Column('online', sa.Boolean(), nullable=False),
    sa.Column('capacity', sa.Integer(), nullable=False),
    sa.Column('seen_at', sa.DateTime(), nullable=False),
    sa.Column('given_at', sa.DateTime(), nullable=True),
    sa.PrimaryKeyConstraint('login', name=op.f('pk_presence'))
    )
    op.create_table('saved_view',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('login', sa.String(length=64), nullable=False),
    sa.Column('name', sa.String(length=40), nullable=False),
    sa.Column('filters', sa.Text(), nullable=False),
    sa.Column('shared', sa.Boolean(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_saved_view')),
    sa.UniqueConstraint('login', 'name', name=op.f('uq_saved_view_login_name'))
    )
    op.create_table('search_key',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('secret', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_search_key'))
    )
    op.create_table('tag',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('name', sa.String(length=24), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_tag')),
    sa.UniqueConstraint('name', name=op.f('uq_tag_name'))
    )
    op.create_table('assignment',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.Column('step', sa.String(length=12), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_assignment_conversation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment'))
    )
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_assignment_at'), ['at'], unique=False)
        batch_op.create_index(batch_op.f('ix_assignment_conversation_id_id'), ['conversation_id', 'id'], unique=False)

    op.create_table('conversation_facet',
    sa.Column('kind', sa.String(length=8), nullable=False),
    sa.Column('value', sa.String(length=64), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_conversation_facet_conversation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('kind', 'value', 'conversation_id', name=op.f('pk_conversation_facet'))
    )
    with op.batch_alter_table('conversation_facet', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversation_facet_conversation_id'), ['conversation_id'], unique=False)

    op.create_table('conversation_gram',
    sa.Column('gram', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('conversation_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('month', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_conversation_gram_conversation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('gram', 'conversation_id', name=op.f('pk_conversation_gram')),
    sqlite_with_rowid=False
    )
    with op.batch_alter_table('conversation_gram', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversation_gram_conversation_id'), ['conversation_id'], unique=False)

    op.create_table('conversation_tag',
    sa.Column('tag_id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_conversation_tag_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['tag_id'], ['tag.id'], name=op.f('fk_conversation_tag_tag_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('tag_id', 'conversation_id', name=op.f('pk_conversation_tag'))
    )
    with op.batch_alter_table('conversation_tag', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_conversation_tag_conversation_id'), ['conversation_id'], unique=False)

    op.create_table('daily_sample',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_daily_sample_conversation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('day', 'conversation_id', name=op.f('pk_daily_sample'))
    )
    with op.batch_alter_table('daily_sample', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_daily_sample_conversation_id'), ['conversation_id'], unique=False)

    op.create_table('note',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_note_conversation_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_note'))
    )
    with op.batch_alter_table('note', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_note_conversation_id_id'), ['conversation_id', 'id'], unique=False)

    op.create_table('review',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('conversation_id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=True),
    sa.Column('kind', sa.String(length=12), nullable=False),
    sa.Column('score', sa.Integer(), nullable=True),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.ForeignKeyConstraint(['conversation_id'], ['conversation.id'], name=op.f('fk_review_conversation_id'), ondelete='CASCADE'),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_review_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_review'))
    )
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_review_conversation_id_id'), ['conversation_id', 'id'], unique=False)
        batch_op.create_index(batch_op.f('ix_review_message_id'), ['message_id'], unique=False)

    op.create_table('trainer_item',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('note', sa.Text(), nullable=True),
    sa.Column('by', sa.String(length=64), nullable=False),
    sa.Column('at', sa.DateTime(), nullable=False),
    sa.Column('state', sa.String(length=8), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_trainer_item_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_trainer_item')),
    sa.UniqueConstraint('message_id', name=op.f('uq_trainer_item_message_id'))
    )
    with op.batch_alter_table('trainer_item', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_trainer_item_state_id'), ['state', 'id'], unique=False)

    op.create_table('understanding',
    sa.Column('message_id', sa.Integer(), nullable=False),
    sa.Column('intent', sa.String(length=64), nullable=False),
    sa.Column('confidence', sa.Float(), nullable=False),
    sa.Column('runner_up', sa.String(length=64), nullable=True),
    sa.Column('runner_up_confidence', sa.Float(), nullable=True),
    sa.Column('fell_back', sa.Boolean(), nullable=False),
    sa.Column('detail', sa.Text(), nullable=False),
    sa.ForeignKeyConstraint(['message_id'], ['message.id'], name=op.f('fk_understanding_message_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('message_id', name=op.f('pk_understanding'))
    )
    op.create_table('note_mention',
    sa.Column('note_id', sa.Integer(), nullable=False),
    sa.Column('login', sa.String(length=64), nullable=False),
    sa.Column('seen_at', sa.DateTime(), nullable=True),
    sa.ForeignKeyConstraint(['note_id'], ['note.id'], name=op.f('fk_note_mention_note_id'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('note_id', 'login', name=op.f('pk_note_mention'))
    )
    with op.batch_alter_table('note_mention', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_note_mention_login_seen_at'), ['login', 'seen_at'], unique=False)

    # Who waits and who was taken stays so; why is in the messages, and its encryption was bound to the old column.
    op.execute("""
        INSERT INTO conversation (openid, state, owner, trigger, waiting_since, last_at, last_by, fallbacks, fell_back, angry,
                                  has_photo, has_voice, created_at)
        SELECT openid, state, owner, 'asked', created_at, created_at, 'customer', 0, false, false, false, false, created_at
        FROM handover
        WHERE id IN (SELECT min(id) FROM handover WHERE state IN ('waiting', 'taken') GROUP BY openid)
    """)
    with op.batch_alter_table('handover', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_handover_openid_state'))

    op.drop_table('handover')


def downgrade() -> None:
    """Undo."""
    op.create_table('handover',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('openid', sa.String(length=64), nullable=False),
    sa.Column('reason', sa.Text(), nullable=False),
    sa.Column('state', sa.String(length=12), nullable=False),
    sa.Column('owner', sa.String(length=64), nullable=True),
    sa.Column('created_at', sa.DateTime(), nullable=False),
    sa.Column('closed_at', sa.DateTime(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_handover'))
    )
    with op.batch_alter_table('handover', schema=None) as batch_op:
        batch_op.create_index(batch_op.f('ix_handover_openid_state'), ['openid', 'state'], unique=False)

    with op.batch_alter_table('note_mention', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_note_mention_login_seen_at'))

    op.drop_table('note_mention')
    op.drop_table('understanding')
    with op.batch_alter_table('trainer_item', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_trainer_item_state_id'))

    op.drop_table('trainer_item')
    with op.batch_alter_table('review', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_review_message_id'))
        batch_op.drop_index(batch_op.f('ix_review_conversation_id_id'))

    op.drop_table('review')
    with op.batch_alter_table('note', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_note_conversation_id_id'))

    op.drop_table('note')
    with op.batch_alter_table('daily_sample', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_daily_sample_conversation_id'))

    op.drop_table('daily_sample')
    with op.batch_alter_table('conversation_tag', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversation_tag_conversation_id'))

    op.drop_table('conversation_tag')
    with op.batch_alter_table('conversation_gram', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversation_gram_conversation_id'))

    op.drop_table('conversation_gram')
    with op.batch_alter_table('conversation_facet', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversation_facet_conversation_id'))

    op.drop_table('conversation_facet')
    with op.batch_alter_table('assignment', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_assignment_conversation_id_id'))
        batch_op.drop_index(batch_op.f('ix_assignment_at'))

    op.drop_table('assignment')
    op.drop_table('tag')
    op.drop_table('search_key')
    op.drop_table('saved_view')
    op.drop_table('presence')
    with op.batch_alter_table('live_change', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_live_change_at'))

    op.drop_table('live_change')
    with op.batch_alter_table('conversation', schema=None) as batch_op:
        batch_op.drop_index(batch_op.f('ix_conversation_state_waiting_since_id'))
        batch_op.drop_index(batch_op.f('ix_conversation_state_last_at_id'))
        batch_op.drop_index(batch_op.f('ix_conversation_owner_state_last_at'))
        batch_op.drop_index(batch_op.f('ix_conversation_lowest_confidence_last_at'))
        batch_op.drop_index(batch_op.f('ix_conversation_last_at_id'))

    op.drop_table('conversation')
    op.drop_table('canned_reply')
