"""Keep the key figures of reports in columns"""

import datetime as dt
import json

import sqlalchemy as sa
from alembic import op

revision = '0009'
down_revision = '0008'
branch_labels = None
depends_on = None

BATCH = 200


def upgrade() -> None:
    sessions = op.create_table('session_figures',
    sa.Column('report_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('session', sa.Date(), nullable=False),
    sa.Column('rule_set', sa.String(length=80), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('emitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('effective_session', sa.Date(), nullable=False),
    sa.Column('health', sa.String(length=20), nullable=False),
    sa.Column('back_test', sa.Boolean(), nullable=False),
    sa.Column('spx', sa.Float(precision=53), nullable=True),
    sa.Column('vix', sa.Float(precision=53), nullable=True),
    sa.Column('realised_volatility', sa.Float(precision=53), nullable=False),
    sa.Column('regime', sa.String(length=40), nullable=False),
    sa.Column('short_average', sa.Float(precision=53), nullable=False),
    sa.Column('long_average', sa.Float(precision=53), nullable=False),
    sa.Column('trend', sa.String(length=40), nullable=False),
    sa.Column('trend_up', sa.Boolean(), nullable=False),
    sa.Column('trend_run', sa.Integer(), nullable=False),
    sa.Column('excess_return_5d', sa.Float(precision=53), nullable=True),
    sa.Column('stop_loss', sa.Boolean(), nullable=False),
    sa.Column('in_cash', sa.Boolean(), nullable=False),
    sa.Column('earned_equity', sa.Float(precision=53), nullable=False),
    sa.Column('earned_volatility', sa.Float(precision=53), nullable=False),
    sa.Column('earned_cash', sa.Float(precision=53), nullable=False),
    sa.Column('held_equity', sa.Float(precision=53), nullable=False),
    sa.Column('held_volatility', sa.Float(precision=53), nullable=False),
    sa.Column('held_cash', sa.Float(precision=53), nullable=False),
    sa.Column('target_equity', sa.Float(precision=53), nullable=False),
    sa.Column('target_volatility', sa.Float(precision=53), nullable=False),
    sa.Column('target_cash', sa.Float(precision=53), nullable=False),
    sa.Column('veqtor_total_return', sa.Float(precision=53), nullable=True),
    sa.Column('veqtor_excess_return', sa.Float(precision=53), nullable=True),
    sa.Column('sp500_total_return', sa.Float(precision=53), nullable=True),
    sa.Column('vix_short_total_return', sa.Float(precision=53), nullable=True),
    sa.Column('vix_mid_total_return', sa.Float(precision=53), nullable=True),
    sa.Column('constant_maturity_30d', sa.Float(precision=53), nullable=True),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_session_figures_report_id')),
    sa.PrimaryKeyConstraint('report_id', name=op.f('pk_session_figures'))
    )
    op.create_index(op.f('ix_session_figures_rule_set_session'), 'session_figures', ['rule_set', 'session'])

    hedges = op.create_table('hedge_figures',
    sa.Column('report_id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('hedge', sa.String(length=80), nullable=False),
    sa.Column('layer', sa.String(length=20), nullable=False),
    sa.Column('session', sa.Date(), nullable=False),
    sa.Column('revision', sa.Integer(), nullable=False),
    sa.Column('emitted_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('action', sa.String(length=20), nullable=False),
    sa.Column('state', sa.String(length=20), nullable=False),
    sa.Column('score', sa.Float(precision=53), nullable=True),
    sa.Column('paid_usd', sa.Float(precision=53), nullable=False),
    sa.Column('received_usd', sa.Float(precision=53), nullable=False),
    sa.Column('worth_usd', sa.Float(precision=53), nullable=True),
    sa.Column('pnl_usd', sa.Float(precision=53), nullable=False),
    sa.Column('net_cost', sa.Float(precision=53), nullable=True),
    sa.Column('alarm', sa.Float(precision=53), nullable=True),
    sa.Column('stop', sa.Float(precision=53), nullable=True),
    sa.Column('notional_usd', sa.Float(precision=53), nullable=False),
    sa.ForeignKeyConstraint(['report_id'], ['reports.id'], name=op.f('fk_hedge_figures_report_id')),
    sa.PrimaryKeyConstraint('report_id', 'hedge', 'layer', name=op.f('pk_hedge_figures'))
    )
    op.create_index(op.f('ix_hedge_figures_hedge_session'), 'hedge_figures', ['hedge', 'session'])

    _fill(op.get_bind(), sessions, hedges)


def downgrade() -> None:
    # Nothing is lost: the documents of reports have it all.
    op.drop_table('hedge_figures')
    op.drop_table('session_figures')


def _fill(connection, sessions, hedges):
    """The figures of the reports that are there, a batch of documents at a time."""
    reports = sa.table('reports', *map(sa.column, ('id', 'session', 'rule_set', 'revision', 'document', 'emitted_at')))
    reports.c.session.type, reports.c.emitted_at.type = sa.Date(), sa.DateTime(timezone=True)
    last = 0
    while True:
        query = sa.select(reports).where(reports.c.id > last).order_by(reports.c.id).limit(BATCH)
        found = connection.execute(query).all()
        if not found:
            return
        last = found[-1].id
        # What is no report of ours has no figures either.
        known = [(row, document) for row in found if 'regime' in (document := json.loads(row.document))]
        session_rows = [_session(row, document) for row, document in known]
        hedge_rows = [each for row, document in known for each in _hedges(row, document)]
        for table, rows in ((sessions, session_rows), (hedges, hedge_rows)):
            if rows:
                connection.execute(sa.insert(table), rows)


def _session(row, document):
    values = {item['label']: item['value'] for item in document['inputs']}
    levels = document['indices']

    def level(name, kind='total_return'):
        return levels.get(name, {}).get(kind)

    return {
        'report_id': row.id,
        'session': row.session,
        'rule_set': row.rule_set,
        'revision': row.revision,
        'emitted_at': row.emitted_at,
        'effective_session': dt.date.fromisoformat(document['effective_session']),
        'health': document['health'],
        'back_test': document['back_test'],
        'spx': values.get('S&P 500'),
        'vix': values.get('VIX'),
        'realised_volatility': document['regime']['volatility'],
        'regime': document['regime']['name'],
        'short_average': document['trend']['short_average'],
        'long_average': document['trend']['long_average'],
        'trend': document['trend']['name'],
        'trend_up': document['trend']['up'],
        'trend_run': document['trend']['run'],
        'excess_return_5d': document['stop_loss']['excess_return_5d'],
        'stop_loss': document['stop_loss']['active'],
        'in_cash': document['in_cash'],
        **{f'{when}_{part}': document[when][part] for when in ('earned', 'held', 'target')
           for part in ('equity', 'volatility', 'cash')},
        'veqtor_total_return': level('veqtor'),
        'veqtor_excess_return': level('veqtor', 'excess_return'),
        'sp500_total_return': level('sp500-total-return'),
        'vix_short_total_return': level('vix-short-term'),
        'vix_mid_total_return': level('vix-mid-term'),
        'constant_maturity_30d': document['constant_maturity_30d'],
    }


def _hedges(row, document):
    for hedge in document.get('hedges', ()):
        ledger, budget = hedge['ledger'], hedge['budget'] or {}
        if hedge['unavailable'] is not None or ledger is None:
            continue
        common = {
            'report_id': row.id,
            'hedge': hedge['rule_set'],
            'session': row.session,
            'revision': row.revision,
            'emitted_at': row.emitted_at,
            'score': hedge['score'],
            'notional_usd': hedge['notional_usd'],
        }
        yield common | {
            'layer': 'all',
            'action': '',
            'state': hedge['state'],
            'paid_usd': ledger['premium_paid_usd'],
            'received_usd': ledger['premium_received_usd'],
            'worth_usd': ledger['mark_usd'],
            'pnl_usd': ledger['pnl_usd'],
            **{name: budget.get(name) for name in ('net_cost', 'alarm', 'stop')},
        }
        for layer in hedge['layers']:
            paid = [fill['paid_usd'] for fill in layer['fills']]
            yield common | {
                'layer': layer['layer'],
                'action': layer['action'],
                'state': layer['state'],
                'paid_usd': sum((amount for amount in paid if amount > 0), 0.0),
                'received_usd': -sum((amount for amount in paid if amount < 0), -0.0),
                'worth_usd': 0.0 if layer['held'] is None else layer['held']['value_usd'],
                'pnl_usd': layer['pnl_usd'],
                'net_cost': None,
                'alarm': None,
                'stop': None,
            }
