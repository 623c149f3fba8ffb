"""Tell of missing signals"""

import sqlalchemy as sa
from alembic import op

revision = '0004'
down_revision = '0003'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('alerts',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('session', sa.Date(), nullable=False),
    sa.Column('rule_set_digest', sa.String(length=64), nullable=False),
    sa.Column('kind', sa.String(length=20), nullable=False),
    sa.Column('title', sa.String(length=120), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('deadline_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('raised_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('run_id', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['run_id'], ['runs.id'], name=op.f('fk_alerts_run_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_alerts')),
    sa.UniqueConstraint('session', 'rule_set_digest', name=op.f('uq_alerts_session_rule_set_digest'))
    )
    with op.batch_alter_table('outbox') as batch:
        batch.add_column(sa.Column('alert_id', sa.Integer(), nullable=True))
        batch.alter_column('report_id', existing_type=sa.Integer(), nullable=True)
        batch.create_foreign_key(op.f('fk_outbox_alert_id'), 'alerts', ['alert_id'], ['id'])
        batch.create_unique_constraint(
            op.f('uq_outbox_alert_id_channel_recipient'), ['alert_id', 'channel', 'recipient']
        )
        batch.create_check_constraint(op.f('ck_outbox_one_subject'), '(report_id IS NULL) <> (alert_id IS NULL)')


def downgrade() -> None:
    # Messages about alerts have no place in the older schema.
    op.execute('DELETE FROM outbox WHERE alert_id IS NOT NULL')
    with op.batch_alter_table('outbox') as batch:
        batch.drop_constraint(op.f('ck_outbox_one_subject'), type_='check')
        batch.drop_constraint(op.f('uq_outbox_alert_id_channel_recipient'), type_='unique')
        batch.drop_constraint(op.f('fk_outbox_alert_id'), type_='foreignkey')
        batch.alter_column('report_id', existing_type=sa.Integer(), nullable=False)
        batch.drop_column('alert_id')
    op.drop_table('alerts')
