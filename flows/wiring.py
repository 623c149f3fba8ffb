"""One place that turns settings into the things the flows and commands work with."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine

from flows.settings import Settings, load_settings
from signals.calendar import TradingCalendar, trading_calendar
from storage.engine import open_engine
from storage.schema import ensure_schema
from tasks.clock import Clock, clock_at, system_clock
from tasks.notify.channel import Channel
from tasks.notify.email import EmailChannel, SmtpServer
from tasks.notify.slack import WEBHOOK, SlackChannel
from tasks.persist import Recipient
from tasks.sources.payload import Source
from tasks.sources.registry import open_source


@dataclass(frozen=True)
class Services:
    """What a run needs, built from the settings."""

    settings: Settings
    clock: Clock
    calendar: TradingCalendar

    def engine(self) -> Engine:
        """The database, created if it is not there."""
        engine = open_engine(self.settings.database_url.get_secret_value())
        ensure_schema(engine)
        return engine

    def source(self, name: str | None, data_dir: Path | None) -> Source:
        """A source of market data; the arguments win over the settings."""
        settings = self.settings
        # Files are read now, also by a run that believes it is another day.
        return open_source(name or settings.source, data_dir or settings.data_dir, system_clock)

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
            found[EmailChannel.name] = EmailChannel(server, self.clock)
        if settings.slack_webhook_url:
            url = settings.slack_webhook_url.get_secret_value()
            found[SlackChannel.name] = SlackChannel(url, settings.timeout_seconds)
        return found

    def recipients(self) -> list[Recipient]:
        """Everyone who is told of a report."""
        settings, found = self.settings, []
        if settings.smtp_host:
            found += [Recipient(EmailChannel.name, address) for address in settings.mail_to]
        if settings.slack_webhook_url:
            found.append(Recipient(SlackChannel.name, WEBHOOK))
        return found


def services() -> Services:
    """The services of this process's settings."""
    settings = load_settings()
    return Services(settings, clock_at(settings.clock), trading_calendar(settings.unscheduled_closures))
