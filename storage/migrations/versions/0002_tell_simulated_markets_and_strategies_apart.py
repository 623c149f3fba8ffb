"""Tell simulated markets and strategies apart"""

import sqlalchemy as sa
from alembic import op

revision = '0002'
down_revision = '0001'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('market',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('simulated', sa.Boolean(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_market_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_market'))
    )
    # What was read before there was a sample market is real.
    op.execute(
        "INSERT INTO market (id, simulated) SELECT 1, false WHERE EXISTS (SELECT 1 FROM payloads)"
    )
    with op.batch_alter_table('allocations') as batch:
        batch.add_column(sa.Column('strategy', sa.String(length=40), nullable=False, server_default='veqtor'))
        batch.drop_constraint(op.f('uq_allocations_report_id_instrument'), type_='unique')
        batch.create_unique_constraint(
            op.f('uq_allocations_report_id_strategy_instrument'), ['report_id', 'strategy', 'instrument']
        )
    with op.batch_alter_table('allocations') as batch:
        batch.alter_column('strategy', server_default=None)


def downgrade() -> None:
    # The older schema knows the real market only: what is simulated would be taken for it, also after an upgrade.
    if op.get_bind().execute(sa.text('SELECT count(*) FROM market WHERE simulated')).scalar():
        raise RuntimeError('a database about the simulated sample market cannot go back to a schema without one')
    # Lost: the targets of variants.
    op.execute("DELETE FROM allocations WHERE strategy <> 'veqtor'")
    with op.batch_alter_table('allocations') as batch:
        batch.drop_constraint(op.f('uq_allocations_report_id_strategy_instrument'), type_='unique')
        batch.create_unique_constraint(op.f('uq_allocations_report_id_instrument'), ['report_id', 'instrument'])
        batch.drop_column('strategy')
    op.drop_table('market')
