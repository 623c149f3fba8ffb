"""Tables.

Money is in US dollars, weights are decimals, instants are UTC. Nothing here is ever updated but the delivery state of
an outbox row, the end of a run, what became of a payload: read, refused, or its body pruned; and what was computed and
can be computed again: a kept book, a study.
"""

from __future__ import annotations

import datetime as dt

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class UtcDateTime(TypeDecorator[dt.datetime]):
    """An aware instant, kept in UTC also where the database knows no time zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """To UTC; a naive value is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a naive datetime cannot be stored: {value!r}")
        return value.astimezone(dt.UTC)

    def process_result_value(self, value: dt.datetime | None, dialect: Dialect) -> dt.datetime | None:
        """From UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=dt.UTC) if value.tzinfo is None else value.astimezone(dt.UTC)


class Words(TypeDecorator[str]):
    r"""Text from outside, such as what a server said; what a database cannot hold is written out, as in ``\x00``."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """PostgreSQL refuses NUL, and no encoding has halves of a character, which undecodable file names become."""
        if value is None:
            return None
        return value.replace("\0", "\\x00").encode(errors="backslashreplace").decode()


class Base(DeclarativeBase):
    """Base of all tables; constraints have names so that a migration can find them."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
        }
    )


class Market(Base):
    """The one row that says which market the database is about: a simulated one is never mixed with the real one."""

    __tablename__ = "market"
    __table_args__ = (CheckConstraint("id = 1", name="one_row"),)

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    simulated: Mapped[bool]


class Payload(Base):
    """The body of a published file as it was fetched, compressed.

    A body that could not be read is kept too, with the reason in `refusal`. One that was pruned is empty.
    """

    __tablename__ = "payloads"
    __table_args__ = (UniqueConstraint("sha256", "format", "subject"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64))
    format: Mapped[str] = mapped_column(String(40))
    subject: Mapped[str] = mapped_column(String(80))
    locator: Mapped[str] = mapped_column(Words)
    fetched_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    size: Mapped[int]
    ingested_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    refusal: Mapped[str | None] = mapped_column(Words)
    pruned_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    # Last, so that the columns before it are read without it.
    body: Mapped[bytes] = mapped_column(LargeBinary)


class Observation(Base):
    """A value as a publisher had it. A changed value is a further row with a later knowledge time.

    A row without a value says that the publisher has taken it back.
    """

    __tablename__ = "observations"
    __table_args__ = (UniqueConstraint("series", "publisher", "day", "known_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    series: Mapped[str] = mapped_column(String(40))
    publisher: Mapped[str] = mapped_column(String(40))
    day: Mapped[dt.date] = mapped_column(Date)
    value: Mapped[float | None] = mapped_column(Float(53))
    known_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    known_at_is_assumed: Mapped[bool]
    payload_id: Mapped[int] = mapped_column(ForeignKey("payloads.id"))


class ChainCalls(Base):
    """The quotes of the calls in a payload that is an option chain, compressed: read in a moment, where a body is not.

    They say nothing the body does not, and can be made from it again.
    """

    __tablename__ = "chain_calls"

    payload_id: Mapped[int] = mapped_column(ForeignKey("payloads.id"), primary_key=True, autoincrement=False)
    quoted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    calls: Mapped[bytes] = mapped_column(LargeBinary)


class Run(Base):
    """One run of a flow, and what it expects next."""

    __tablename__ = "runs"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    source: Mapped[str] = mapped_column(String(20))
    flow_run_id: Mapped[str | None] = mapped_column(String(36))
    started_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    message: Mapped[str | None] = mapped_column(Words)
    next_session: Mapped[dt.date | None] = mapped_column(Date)
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    next_deadline_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Outcome(Base):
    """How a run ended for a session; the sessions a backfill found done already are counted in its run instead."""

    __tablename__ = "outcomes"
    __table_args__ = (Index(None, "session"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))
    session: Mapped[dt.date] = mapped_column(Date)
    outcome: Mapped[str] = mapped_column(String(20))
    detail: Mapped[str] = mapped_column(Words)
    recorded_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    next_attempt_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    deadline_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class Report(Base):
    """An emitted signal. A later revision supersedes an earlier one and never replaces it."""

    __tablename__ = "reports"
    __table_args__ = (UniqueConstraint("session", "rule_set_digest", "revision"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session: Mapped[dt.date] = mapped_column(Date)
    rule_set: Mapped[str] = mapped_column(String(80))
    rule_set_digest: Mapped[str] = mapped_column(String(64))
    revision: Mapped[int]
    fingerprint: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)
    emitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))


class Allocation(Base):
    """One line of a strategy's target: what to hold from the close of the effective session."""

    __tablename__ = "allocations"
    __table_args__ = (UniqueConstraint("report_id", "strategy", "instrument"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    strategy: Mapped[str] = mapped_column(String(40))
    effective_session: Mapped[dt.date] = mapped_column(Date)
    instrument: Mapped[str] = mapped_column(String(40))
    weight: Mapped[float | None] = mapped_column(Float(53))
    amount_usd: Mapped[float] = mapped_column(Float(53))
    contracts: Mapped[float | None] = mapped_column(Float(53))


class HedgeTarget(Base):
    """One contract of a layer of a hedge: what is held of it, and what is to be from the effective session on.

    `leg` counts the contracts of a layer. A layer that holds nothing and buys nothing has one row, without an
    instrument. Contracts are negative where they are sold.
    """

    __tablename__ = "hedge_targets"
    __table_args__ = (UniqueConstraint("report_id", "rule_set", "layer", "leg"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"))
    rule_set: Mapped[str] = mapped_column(String(80))
    rule_set_digest: Mapped[str] = mapped_column(String(64))
    layer: Mapped[str] = mapped_column(String(20))
    leg: Mapped[int]
    effective_session: Mapped[dt.date] = mapped_column(Date)
    action: Mapped[str] = mapped_column(String(20))
    hedge_state: Mapped[str] = mapped_column(String(20))
    instrument: Mapped[str | None] = mapped_column(String(40))
    expiry: Mapped[dt.date | None] = mapped_column(Date)
    strike: Mapped[float | None] = mapped_column(Float(53))
    ratio: Mapped[int | None]
    contracts_held: Mapped[float] = mapped_column(Float(53))
    contracts_target: Mapped[float] = mapped_column(Float(53))
    contracts_target_rounded: Mapped[int]
    price: Mapped[float | None] = mapped_column(Float(53))
    basis: Mapped[str | None] = mapped_column(String(20))


class SessionFigureRow(Base):
    """The key figures of a report, in columns; `storage.figures` says what they are."""

    __tablename__ = "session_figures"
    __table_args__ = (Index(None, "rule_set", "session"),)

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True, autoincrement=False)
    session: Mapped[dt.date] = mapped_column(Date)
    rule_set: Mapped[str] = mapped_column(String(80))
    revision: Mapped[int]
    emitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    effective_session: Mapped[dt.date] = mapped_column(Date)
    health: Mapped[str] = mapped_column(String(20))
    back_test: Mapped[bool]
    spx: Mapped[float | None] = mapped_column(Float(53))
    vix: Mapped[float | None] = mapped_column(Float(53))
    realised_volatility: Mapped[float] = mapped_column(Float(53))
    regime: Mapped[str] = mapped_column(String(40))
    short_average: Mapped[float] = mapped_column(Float(53))
    long_average: Mapped[float] = mapped_column(Float(53))
    trend: Mapped[str] = mapped_column(String(40))
    trend_up: Mapped[bool]
    trend_run: Mapped[int]
    excess_return_5d: Mapped[float | None] = mapped_column(Float(53))
    stop_loss: Mapped[bool]
    in_cash: Mapped[bool]
    earned_equity: Mapped[float] = mapped_column(Float(53))
    earned_volatility: Mapped[float] = mapped_column(Float(53))
    earned_cash: Mapped[float] = mapped_column(Float(53))
    held_equity: Mapped[float] = mapped_column(Float(53))
    held_volatility: Mapped[float] = mapped_column(Float(53))
    held_cash: Mapped[float] = mapped_column(Float(53))
    target_equity: Mapped[float] = mapped_column(Float(53))
    target_volatility: Mapped[float] = mapped_column(Float(53))
    target_cash: Mapped[float] = mapped_column(Float(53))
    veqtor_total_return: Mapped[float | None] = mapped_column(Float(53))
    veqtor_excess_return: Mapped[float | None] = mapped_column(Float(53))
    sp500_total_return: Mapped[float | None] = mapped_column(Float(53))
    vix_short_total_return: Mapped[float | None] = mapped_column(Float(53))
    vix_mid_total_return: Mapped[float | None] = mapped_column(Float(53))
    constant_maturity_30d: Mapped[float | None] = mapped_column(Float(53))


class HedgeFigureRow(Base):
    """The key figures of a hedge in a report, by layer and as a whole; `storage.figures` says what they are."""

    __tablename__ = "hedge_figures"
    __table_args__ = (Index(None, "hedge", "session"),)

    report_id: Mapped[int] = mapped_column(ForeignKey("reports.id"), primary_key=True, autoincrement=False)
    hedge: Mapped[str] = mapped_column(String(80), primary_key=True)
    layer: Mapped[str] = mapped_column(String(20), primary_key=True)
    session: Mapped[dt.date] = mapped_column(Date)
    revision: Mapped[int]
    emitted_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    action: Mapped[str] = mapped_column(String(20))
    state: Mapped[str] = mapped_column(String(20))
    score: Mapped[float | None] = mapped_column(Float(53))
    paid_usd: Mapped[float] = mapped_column(Float(53))
    received_usd: Mapped[float] = mapped_column(Float(53))
    worth_usd: Mapped[float | None] = mapped_column(Float(53))
    pnl_usd: Mapped[float] = mapped_column(Float(53))
    net_cost: Mapped[float | None] = mapped_column(Float(53))
    alarm: Mapped[float | None] = mapped_column(Float(53))
    stop: Mapped[float | None] = mapped_column(Float(53))
    notional_usd: Mapped[float] = mapped_column(Float(53))


class Alert(Base):
    """A session that got no signal in time, which recipients are told of once.

    `title` completes "no signal: ..." in a few words, `text` says in sentences, one a line, what is missing and why.
    """

    __tablename__ = "alerts"
    __table_args__ = (UniqueConstraint("session", "rule_set_digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    session: Mapped[dt.date] = mapped_column(Date)
    rule_set_digest: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(20))
    title: Mapped[str] = mapped_column(String(120))
    text: Mapped[str] = mapped_column(Words)
    deadline_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    raised_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    run_id: Mapped[int] = mapped_column(ForeignKey("runs.id"))


class OutboxMessage(Base):
    """A message that has to reach a recipient: written with the report or the alert it is about, sent after it."""

    __tablename__ = "outbox"
    __table_args__ = (
        UniqueConstraint("report_id", "channel", "recipient"),
        UniqueConstraint("alert_id", "channel", "recipient"),
        CheckConstraint("(report_id IS NULL) <> (alert_id IS NULL)", name="one_subject"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    report_id: Mapped[int | None] = mapped_column(ForeignKey("reports.id"))
    alert_id: Mapped[int | None] = mapped_column(ForeignKey("alerts.id"))
    channel: Mapped[str] = mapped_column(String(20))
    recipient: Mapped[str] = mapped_column(String(320))
    state: Mapped[str] = mapped_column(String(20))
    attempts: Mapped[int]
    created_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    claimed_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    sent_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    last_error: Mapped[str | None] = mapped_column(Words)
    refusals: Mapped[int] = mapped_column(server_default="0")
    due_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)
    settled_at: Mapped[dt.datetime | None] = mapped_column(UtcDateTime)


class KeptBook(Base):
    """The book of a hedge after a session, to go on from: a cache of what can be computed again from observations."""

    __tablename__ = "kept_books"

    rule_set_sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    session: Mapped[dt.date] = mapped_column(Date)
    inputs: Mapped[str] = mapped_column(String(64))
    program: Mapped[str] = mapped_column(String(64))
    document: Mapped[str] = mapped_column(Text)


class Study(Base):
    """A study: what it is made from, as a digest, and what it found, as compressed JSON.

    One made again from the same takes the place of the one before, which it equals unless a part of that had failed.
    """

    __tablename__ = "studies"
    __table_args__ = (UniqueConstraint("key"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(64))
    made_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    first: Mapped[dt.date] = mapped_column(Date)
    last: Mapped[dt.date] = mapped_column(Date)
    source: Mapped[str] = mapped_column(String(20))
    simulated: Mapped[bool]
    complete: Mapped[bool]
    # Last, so that the columns before it are read without it.
    document: Mapped[bytes] = mapped_column(LargeBinary)


class StudyPart(Base):
    """What came of one part of a study that is not finished, to go on from: compressed JSON."""

    __tablename__ = "study_parts"

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    part: Mapped[str] = mapped_column(String(80), primary_key=True)
    kept_at: Mapped[dt.datetime] = mapped_column(UtcDateTime)
    document: Mapped[bytes] = mapped_column(LargeBinary)
