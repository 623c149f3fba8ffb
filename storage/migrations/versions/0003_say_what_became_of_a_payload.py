"""Say what became of a payload"""

import sqlalchemy as sa
from alembic import op

revision = '0003'
down_revision = '0002'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('payloads') as batch:
        batch.add_column(sa.Column('refusal', sa.Text(), nullable=True))
        batch.add_column(sa.Column('pruned_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table('payloads') as batch:
        batch.drop_column('pruned_at')
        batch.drop_column('refusal')
