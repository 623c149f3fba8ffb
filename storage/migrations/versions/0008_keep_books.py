"""Keep the books of hedges, to go on from"""

import sqlalchemy as sa
from alembic import op

revision = '0008'
down_revision = '0007'
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table('kept_books',
    sa.Column('rule_set_sha256', sa.String(length=64), nullable=False),
    sa.Column('session', sa.Date(), nullable=False),
    sa.Column('inputs', sa.String(length=64), nullable=False),
    sa.Column('program', sa.String(length=64), nullable=False),
    sa.Column('document', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('rule_set_sha256', name=op.f('pk_kept_books'))
    )


def downgrade() -> None:
    op.drop_table('kept_books')
