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
    # Lost: why files could not be read, and which bodies were pruned; those stay empty.
    # Not in a batch, which would make the table anew: SQLite does not drop one that others refer to.
    op.drop_column('payloads', 'pruned_at')
    op.drop_column('payloads', 'refusal')
