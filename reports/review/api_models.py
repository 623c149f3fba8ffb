"""What the interface for programs answers with."""

from __future__ import annotations

import datetime as dt
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class _Document(BaseModel):
    model_config = ConfigDict(frozen=True, from_attributes=True)


class Weights(_Document):
    """Shares of the portfolio."""

    equity: float
    volatility: float
    cash: float


class ReportSummary(_Document):
    """A report in a list."""

    session: dt.date = Field(examples=["2020-03-16"])
    revision: int
    rule_set: str
    rule_set_digest: str
    emitted_at: dt.datetime
    target: Weights | None = Field(description="What to hold from the close of the effective session on.")
    effective_session: dt.date | None
    regime: str | None
    trend: str | None
    stop_loss: bool | None = Field(description="Whether the stop-loss test at the close was positive.")
    health: str | None
    href: str = Field(description="Address of the whole report.")


class ReportPage(_Document):
    """Reports, the newest first."""

    reports: list[ReportSummary]
    next: str | None = Field(description="Address of the following page; null at the end.")


class ReportDocument(_Document):
    """A report as it was stored."""

    session: dt.date
    revision: int
    rule_set: str
    rule_set_digest: str
    fingerprint: str
    emitted_at: dt.datetime
    newest_revision: int = Field(description="A greater one than `revision` supersedes this report.")
    previous: dt.date | None = Field(description="The session before that has a report.")
    following: dt.date | None = Field(description="The session after that has one.")
    report: dict[str, Any] = Field(description="Its document with its provenance, as /schemas/report.json has it.")


class HistoryPage(_Document):
    """Figures of sessions, the earliest first."""

    columns: list[str]
    rows: list[list[Any]] = Field(description="A list per session: its date, then the columns in their order.")
    next: str | None = Field(description="Address of the following page; null at the end.")
    notes: list[str] = Field(description="What was asked for and is not there.")


class ObservationVersion(_Document):
    """A value as a publisher had it."""

    publisher: str
    value: float | None = Field(description="Null where the publisher took it back.")
    known_at: dt.datetime
    known_at_is_assumed: bool
    payload_sha256: str
    fetched_at: dt.datetime
    locator: str


class Observations(_Document):
    """Every version of the values of a series on a day."""

    series: str
    day: dt.date
    unit: str | None
    description: str | None
    publishers: list[str] = Field(description="Those that are used, the one that counts first.")
    versions: list[ObservationVersion] = Field(description="By publisher, the newest first.")


class Outcome(_Document):
    """How a session stands: its report, or how its last run ended."""

    session: dt.date
    outcome: str = Field(examples=["EMITTED"])
    detail: str
    next_attempt_at: dt.datetime | None
    deadline_at: dt.datetime | None


class OutcomePage(_Document):
    """Outcomes, the newest session first."""

    outcomes: list[Outcome]
    next: str | None = Field(description="Address of the following page; null at the end.")


class Health(_Document):
    """The database answers."""

    status: str = Field(examples=["ok"])
    schema_revision: str


class ProblemLink(_Document):
    """What may have been meant."""

    title: str
    href: str


class ProblemDocument(_Document):
    """What was wrong, as RFC 9457 has it."""

    type: str
    title: str
    status: int
    detail: str
    links: list[ProblemLink] = []
