"""Keep hedge targets, and the calls of option chains"""

import sqlalchemy as sa
from alembic import op

revision = '0006'
down_revision = '0005'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('hedge_targets',
    sa.Column('id', sa.Integer(), nullable=False),
    sa.Column('report_id', sa.Integer(), nullable=False),
    sa.Column('rule_set', sa.String(length=80), nullable=False),
    sa.Column('rule_set_digest', sa.String(length=64), nullable=False),
    sa.Column('layer', sa.String(length=20), nullable=False),
    sa.Column('leg', sa.Integer(), nullable=False),
    sa.Column('effective_session', sa.Date(), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('hedge_state', sa.String(length=20), nullable=False),
    sa.Column('instrument', sa.String(length=40), nullable=True),
    sa.Column('expiry', sa.Date(), nullable=True),
    sa.Column('strike', sa.Float(precision=53), nullable=True),
    sa.Column('ratio', sa.Integer(), nullable=True),
    sa.Column('contracts_held', sa.Float(precision=53), nullable=False),
    sa.Column('contracts_target', sa.Float(precision=53), nullable=False),
    sa.Column('contracts_target_rounded', sa.Integer(), nullable=False),
    sa.Column('price', sa.Float(precision=53), nullable=True),
    sa.Column('basis', sa.String(length=20), nullable=True),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_hedge_targets_report_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_hedge_targets')),
    sa.UniqueConstraint('report_id', 'rule_set', 'layer', 'leg', name=op.f('uq_hedge_targets_report_id_rule_set_layer_leg'))
    )


    op.create_table('chain_calls',
    sa.Column('payload_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('quoted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('calls', sa.LargeBinary(), nullable=False),
    sa.ForeignKeyConstraint(['payload_id'], ['payloads.id'], name=op.f('fk_chain_calls_payload_id')),
    sa.PrimaryKeyConstraint('payload_id', name=op.f('pk_chain_calls'))
    )


def downgrade() -> None:
    # Lost: the lines of hedge targets, which the documents of reports still have, and what was read of option chains.
    op.drop_table('chain_calls')
    op.drop_table('hedge_targets')
