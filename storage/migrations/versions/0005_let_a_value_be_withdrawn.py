"""Let a value be withdrawn"""

import sqlalchemy as sa
from alembic import op

revision = '0005'
down_revision = '0004'
branch_labels = None
depends_on = None


def upgrade() -> None:
    with op.batch_alter_table('observations') as batch:
        batch.alter_column('value', existing_type=sa.Float(53), nullable=True)


def downgrade() -> None:
    # Lost: that publishers have taken values back. Those count again.
    op.execute('DELETE FROM observations WHERE value IS NULL')
    with op.batch_alter_table('observations') as batch:
        batch.alter_column('value', existing_type=sa.Float(53), nullable=False)
