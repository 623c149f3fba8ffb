"""Let messages wait for their next attempt, and let a person settle them"""

import sqlalchemy as sa
from alembic import op

revision = '0007'
down_revision = '0006'
branch_labels = None
depends_on = None


# Not in a batch, which would make the table anew, on SQLite without its check constraint.
def upgrade() -> None:
    op.add_column('outbox', sa.Column('refusals', sa.Integer(), nullable=False, server_default='0'))
    op.add_column('outbox', sa.Column('due_at', sa.DateTime(timezone=True), nullable=True))
    op.add_column('outbox', sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    # The older schema does not know messages that somebody gave up.
    op.execute("UPDATE outbox SET state = 'SUPERSEDED' WHERE state = 'DROPPED'")
    op.drop_column('outbox', 'settled_at')
    op.drop_column('outbox', 'due_at')
    op.drop_column('outbox', 'refusals')
