"""One place that turns settings into the things the flows and commands work with."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from sqlalchemy import Engine

from flows.governance import approval_policy, governed_in_reports
from flows.rule_sets import rule_sets_named
from flows.settings import Settings, load_settings
from flows.settings_values import parsed_values
from signals.alvh.hedge import hedges_of
from signals.alvh.rules import RuleSet
from signals.approvals import Approval
from signals.calendar import TradingCalendar, trading_calendar
from signals.errors import ConfigurationError
from signals.market import IgnoredValue
from signals.options import OptionChain
from signals.veqtor.signal import VeqtorSignals
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.approvals import require_approvals
from tasks.clock import Clock, clock_at, system_clock
from tasks.compute import Judgement
from tasks.hedges import Make, ReportHedges
from tasks.ingest import Stored, stored_days
from tasks.notify.channel import Channel
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.notify.slack import WEBHOOK, SlackChannel
from tasks.notify.slack_bot import SlackBot
from tasks.persist import Recipient
from tasks.schedule import session_due, settled_session
from tasks.sources.files import FilesSource
from tasks.sources.live import SESSIONS, LiveEndpoints, LiveOptions, LiveSource
from tasks.sources.payload import Source
from tasks.sources.polite import Politeness
from tasks.sources.sample import SampleSource

#: A standing clock and publishers of today make data of today look as if they had been known then.
_STANDING_CLOCK = (
    "The setting clock stands still, and the publishers answer of another time. Remove it, or read recorded files, "
    "also through `tailguard replay`."
)

SOURCE_NAMES = (LiveSource.name, FilesSource.name, SampleSource.name)


@dataclass(frozen=True)
class Services:
    """What a run needs, built from the settings.

    `asks_for_hedges` says that hedges were named for this run: a stored report is revised to carry them.
    """

    settings: Settings
    clock: Clock
    calendar: TradingCalendar
    asks_for_hedges: bool = False

    def engine(self) -> Engine:
        """The database, created if it is not there."""
        engine = open_engine(self.settings.database_url.get_secret_value())
        ensure_schema(engine)
        return engine

    def source(
        self,
        name: str | None,
        data_dir: Path | None,
        through: dt.date | None = None,
        since: dt.date | None = None,
        *,
        joining: bool = False,
    ) -> Source:
        """A source of market data; `name` and `data_dir` win over the settings.

        Parameters
        ----------
        through : datetime.date, optional
            The last session that is wanted, by default the last one that closed.
        since : datetime.date, optional
            The first one, by default the same: whatever a signal of it needs is read too.
        joining : bool
            Whether what is read has to join what the database holds, so that no hole is left between.

        Raises
        ------
        ConfigurationError
            When there is no source of that name, or it lacks a setting.
        """
        settings = self.settings
        last = through or session_due(self.clock(), self.calendar)
        match name or settings.source:
            case FilesSource.name:
                # Files are read now, also by a run that believes it is another day.
                return FilesSource(_required(data_dir or settings.data_dir), system_clock)
            case SampleSource.name:
                return SampleSource(self.calendar, last, self.clock)
            case LiveSource.name:
                return self.live_source(last, since, stored=self._stored_days() if joining else None)
            case other:
                raise ConfigurationError(
                    "source", expected=f"one of {', '.join(SOURCE_NAMES)}", got=repr(other), do="Check --source."
                )

    def _stored_days(self) -> Stored | None:
        engine = self.engine()
        try:
            return stored_days(engine)
        finally:
            engine.dispose()

    def live_source(
        self,
        through: dt.date,
        since: dt.date | None = None,
        *,
        stored: Stored | None = None,
        deadline_seconds: float | None = None,
    ) -> LiveSource:
        """The live source; with a deadline, all of it answers within that time or none."""
        settings = self.settings
        # The session before is where the next read begins, while the files of contracts lag behind by one.
        first, last = min(since or through, self.calendar.previous_session(through)), through
        if stored:
            first, last = min(first, stored.last), max(last, stored.last)
        extra = max(len(self.calendar.sessions_in(first, last)) - 1, 0)
        options = LiveOptions(
            timeout_seconds=settings.source_timeout_seconds,
            user_agent=settings.user_agent,
            politeness=Politeness(
                settings.source_requests_at_once, settings.source_spacing_seconds, settings.source_attempts
            ),
            fred_api_key=settings.fred_api_key.get_secret_value() if settings.fred_api_key else None,
            option_chains=settings.option_chains,
            deadline_seconds=deadline_seconds,
            needed_only=deadline_seconds is not None,
            clock_advice=_STANDING_CLOCK if settings.clock else LiveOptions.clock_advice,
        )
        return LiveSource(
            self.calendar,
            last,
            self.clock,
            sessions=SESSIONS + extra,
            endpoints=LiveEndpoints(
                settings.yahoo_url,
                settings.cboe_url,
                settings.cboe_web_url,
                settings.fred_url,
                settings.fred_api_url,
                settings.bls_url,
            ),
            options=options,
            fund_since=stored.fund_since if stored else None,
        )

    def judgement(self, now: dt.datetime | None = None) -> Judgement:
        """Which values are used, as it is judged at an instant, by default now."""
        return Judgement(settled_session(now or self.clock(), self.calendar), self.ignored)

    @property
    def ignored(self) -> tuple[IgnoredValue, ...]:
        """Values that somebody has looked at and found wrong."""
        return parsed_values(self.settings.ignored_values)

    @cached_property
    def rule_sets(self) -> tuple[RuleSet, ...]:
        """The rule sets of the hedges in a report.

        Raises
        ------
        ConfigurationError
            When there is no such rule set, its file cannot be read or is wrong, or two have the same name.
        """
        return rule_sets_named(self.settings.hedges)

    @cached_property
    def approvals(self) -> tuple[Approval, ...]:
        """Who approved the rule sets of a report; none where no approval is asked for.

        Raises
        ------
        ConfigurationError
            When one of them is not approved by as many as are required.
        """
        rule_sets = governed_in_reports(self.settings.variants, self.rule_sets)
        return require_approvals(approval_policy(self.settings), rule_sets)

    def require_rule_sets(self) -> None:
        """Raise what is wrong with a rule set, or that it is not approved, before anything is fetched."""
        _ = self.rule_sets, self.approvals

    def hedges(
        self, signals: VeqtorSignals, chains: Mapping[dt.date, OptionChain], make: Make = hedges_of
    ) -> ReportHedges:
        """The hedges of the reports of a run."""
        return ReportHedges(signals, self.rule_sets, self.settings.notional_usd, chains, make)

    def channels(self) -> dict[str, Channel]:
        """The configured channels by name."""
        settings, found = self.settings, dict[str, Channel]()
        if settings.smtp_host:
            server = SmtpServer(
                host=settings.smtp_host,
                port=settings.smtp_port,
                security=settings.smtp_security,
                user=settings.smtp_user,
                password=settings.smtp_password.get_secret_value(),
                sender=settings.mail_from,
                timeout_seconds=settings.timeout_seconds,
            )
            found[EmailChannel.name] = EmailChannel(
                server, self.clock, settings.review_url, ignored=self.ignored, calendar=self.calendar
            )
        if settings.slack_webhook_url:
            url = settings.slack_webhook_url.get_secret_value()
            found[SlackChannel.name] = SlackChannel(url, settings.timeout_seconds, settings.review_url)
        elif settings.slack_bot_token and settings.slack_channel:
            found[SlackBot.name] = SlackBot(
                settings.slack_bot_token.get_secret_value(),
                settings.slack_channel,
                settings.timeout_seconds,
                settings.slack_api_url,
                settings.review_url,
            )
        return found

    def tells(self, source: Source) -> bool:
        """Whether anybody is told of reports from a source: of a simulated market only if that was asked for."""
        return not source.simulated or self.settings.notify_simulated

    def recipients(self) -> list[Recipient]:
        """Everyone who is told of a report."""
        settings, found = self.settings, []
        if settings.smtp_host:
            found += [Recipient(EmailChannel.name, address) for address in settings.mail_to]
        if settings.slack_webhook_url:
            found.append(Recipient(SlackChannel.name, WEBHOOK))
        elif settings.slack_bot_token and settings.slack_channel:
            found.append(Recipient(SlackBot.name, settings.slack_channel))
        return found


def _required(data_dir: Path | None) -> Path:
    if data_dir is None:
        raise ConfigurationError(
            "source files",
            expected="a directory of recorded files",
            got="no --data-dir",
            do="Name one with --data-dir or TAILGUARD_DATA_DIR.",
        )
    return data_dir


def services(hedges: Sequence[str] = ()) -> Services:
    """The services of this process's settings; `hedges` that are named win over those configured."""
    settings = load_settings()
    if hedges:
        settings = settings.model_copy(update={"hedges": tuple(hedges)})
    calendar = trading_calendar(settings.unscheduled_closures, settings.early_closes)
    return Services(settings, clock_at(settings.clock), calendar, asks_for_hedges=bool(hedges))
