"""Settings: environment ``TAILGUARD_*``, then ``.env``, then ``tailguard.toml``, then the defaults here."""

from __future__ import annotations

import datetime as dt
import os
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, EnvSettingsSource, PydanticBaseSettingsSource, SettingsConfigDict

from flows.settings_sources import (
    DOT_ENV,
    ENVIRONMENT,
    PREFIX,
    TOML_FILE,
    OwnDotEnv,
    Toml,
    contradiction,
    unknown,
    wrong,
)
from flows.settings_values import (
    AccessKey,
    Approvers,
    BaseAddress,
    DatabaseAddress,
    HeaderText,
    Instant,
    Listed,
    MailAddress,
    MailAddresses,
    Names,
    Password,
    PublishedValues,
    SecretWebAddress,
    SlackChannelName,
    SlackToken,
    is_in_the_clear,
    is_loopback,
)
from tasks.sources.addresses import (
    ATTEMPTS,
    BLS_URL,
    CBOE_URL,
    CBOE_WEB_URL,
    FRED_API_URL,
    FRED_URL,
    REQUESTS_AT_ONCE,
    SPACING_SECONDS,
    TIMEOUT_SECONDS,
    USER_AGENT,
    YAHOO_URL,
)

SLACK_API_URL = "https://slack.com/api"

#: Read by the test suite only.
_TEST_PREFIX = f"{PREFIX}TEST_"


def _setting(
    group: str, default: Any, description: str, *, takes: str = "", example: Any = None, **constraints: Any
) -> Any:
    """A setting that documents itself.

    Parameters
    ----------
    group : str
        Heading it stands under, in the file `tailguard init` writes and in docs/configuration.md.
    default, description : object, str
        Its value where nobody sets it, and what it means.
    takes : str
        Which values it takes, where its type does not say it all.
    example : object
        A value to start from, as it stands in tailguard.toml; needed where the default shows none.
    """
    return Field(
        default,
        description=description,
        examples=None if example is None else [example],
        json_schema_extra={"group": group, "takes": takes},
        **constraints,
    )


class Settings(BaseSettings):
    """Everything that differs between two installations."""

    model_config = SettingsConfigDict(env_prefix=PREFIX, toml_file=TOML_FILE, extra="forbid", hide_input_in_errors=True)

    source: Literal["files", "live", "sample"] = _setting(
        "Data",
        "live",
        "Where market data come from. `live` asks Yahoo, Cboe and FRED; `files` reads a directory of recorded files, "
        "`data_dir`; `sample` is a simulated market to try things on, and no signal of it is real.",
    )
    data_dir: Path | None = _setting(
        "Data", None, "Directory that the source `files` reads; docs/data-notes.md lists its files.", example="data"
    )
    yahoo_url: BaseAddress = _setting(
        "Data",
        YAHOO_URL,
        "Base address of Yahoo Finance, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    cboe_url: BaseAddress = _setting(
        "Data",
        CBOE_URL,
        "Base address of Cboe's published data, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    cboe_web_url: BaseAddress = _setting(
        "Data",
        CBOE_WEB_URL,
        "Base address of Cboe's web site, where the settlements of a day are published first.",
        takes="address",
    )
    fred_url: BaseAddress = _setting(
        "Data",
        FRED_URL,
        "Base address of FRED, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    fred_api_key: AccessKey = _setting(
        "Data",
        None,
        "Key of FRED's interface for programs. With one, rates are read there and not from behind its graphs.",
        example="change-me",
    )
    fred_api_url: BaseAddress = _setting(
        "Data", FRED_API_URL, "Base address of FRED's interface for programs.", takes="address"
    )
    bls_url: BaseAddress = _setting(
        "Data",
        BLS_URL,
        "Base address of the Bureau of Labor Statistics, which publishes when CPI and PPI come out.",
        takes="address",
    )
    ignored_values: PublishedValues = _setting(
        "Data",
        (),
        "Published values that somebody has looked at and found wrong, and that are not used: series, publisher and "
        "day of each, as `tailguard data show --session DATE` prints them.",
        takes="list of values",
        example=["SPX cboe 2020-03-16"],
    )
    option_chains: Names[Literal["VIX", "SPX"]] = _setting(
        "Data",
        ("VIX",),
        "Option chains the source `live` keeps, as Cboe quotes them with a delay. That of the VIX prices the hedges in "
        "place of a model; nothing needs that of SPX, which is large.",
    )
    user_agent: HeaderText = _setting(
        "Data",
        USER_AGENT,
        "What the source `live` calls itself. Like a browser, because Cboe's servers answer other programs with a web "
        "page in place of data.",
        takes="one line of text",
    )
    source_timeout_seconds: float = _setting(
        "Data",
        TIMEOUT_SECONDS,
        "How long one request of the source `live` may take, in seconds.",
        gt=0.0,
        allow_inf_nan=False,
    )
    source_requests_at_once: int = _setting(
        "Data", REQUESTS_AT_ONCE, "How many requests the source `live` has open with one host.", ge=1, le=16
    )
    source_spacing_seconds: float = _setting(
        "Data",
        SPACING_SECONDS,
        "How long the source `live` waits between the starts of two requests to one host, in seconds.",
        ge=0.0,
        le=60.0,
        allow_inf_nan=False,
    )
    source_attempts: int = _setting(
        "Data",
        ATTEMPTS,
        "How often a request is tried where trying again can help, within seconds: after a timeout, a broken answer or "
        "an error of the server, not after a refusal.",
        ge=1,
        le=10,
    )
    database_url: DatabaseAddress = _setting(
        "Database",
        SecretStr("sqlite:///tailguard.db"),
        "Where reports and observations are kept: a SQLite file, its path relative to the working directory, or "
        "PostgreSQL as `postgresql+psycopg://user:password@host/name`.",
        takes="database address",
    )
    notional_usd: float = _setting(
        "Portfolio",
        1_000_000.0,
        "Value of the portfolio the orders are for, in US dollars.",
        gt=0.0,
        allow_inf_nan=False,
    )
    variants: Names[Literal["veqtor-mid-term", "veqtor-overlay"]] = _setting(
        "Portfolio",
        (),
        "Variants of the strategy shown in the report beside VEQTOR. They change neither its target nor its orders.",
        example=["veqtor-mid-term"],
    )
    hedges: Names[str] = _setting(
        "Portfolio",
        ("alvh-seed", "alvh-442"),
        "Layered VIX hedges in the report, in this order: names of rule sets that `tailguard rules list` shows, or "
        "files with rule sets of your own. An empty list for none.",
        takes="list of rule sets",
    )
    smtp_host: str | None = _setting(
        "Mail", None, "Mail server. Without one, nobody is told by mail.", takes="host name", example="smtp.example.com"
    )
    smtp_port: int = _setting("Mail", 587, "Port of the mail server; usually 465 with `ssl`.", ge=1, le=65535)
    smtp_security: Literal["starttls", "ssl", "none"] = _setting(
        "Mail",
        "starttls",
        "How the connection is secured: `starttls` after connecting, `ssl` from the first byte, or `none`, for a "
        "server on the same machine.",
    )
    smtp_user: str = _setting("Mail", "", "User name at the mail server; empty for none.", example="desk@example.com")
    smtp_password: Password = _setting("Mail", SecretStr(""), "Password at the mail server.", example="change-me")
    mail_from: MailAddress = _setting(
        "Mail", "tailguard@localhost", "Sender of the mails.", takes="mail address", example="tailguard@example.com"
    )
    mail_to: MailAddresses = _setting(
        "Mail",
        (),
        "Recipients of the mails.",
        takes="list of mail addresses",
        example=["desk@example.com", "risk@example.com"],
    )
    slack_webhook_url: SecretWebAddress = _setting(
        "Slack",
        None,
        "Incoming webhook of a Slack channel. Without one, and without a bot, nobody is told in Slack.",
        takes="address",
        example="https://hooks.slack.com/services/change/me",
    )
    slack_bot_token: SlackToken = _setting(
        "Slack",
        None,
        "Token of a bot that may write to `slack_channel`, in place of a webhook: it puts the details of a report into "
        "a thread below its message.",
        takes="token, xoxb-...",
        example="xoxb-change-me",
    )
    slack_channel: SlackChannelName = _setting(
        "Slack",
        None,
        "Channel the bot writes to: its ID, or its name with #. The bot has to be a member.",
        takes="ID or #name",
        example="C0123456789",
    )
    slack_api_url: BaseAddress = _setting(
        "Slack", SLACK_API_URL, "Base address of Slack's interface for programs, for the bot.", takes="address"
    )
    timeout_seconds: float = _setting(
        "Delivery",
        30.0,
        "How long to wait for a mail server or for Slack, in seconds.",
        gt=0.0,
        allow_inf_nan=False,
    )
    notify_simulated: bool = _setting(
        "Delivery",
        False,
        "Tell the recipients also of signals of the simulated sample market; otherwise they never hear of one.",
    )
    fetch_retries: int = _setting(
        "Running",
        2,
        "How often a scheduled run asks again, minutes later, for what did not answer. A run on a terminal never does.",
        ge=0,
        le=10,
    )
    fetch_retry_seconds: float = _setting(
        "Running",
        120.0,
        "How long a scheduled run waits before it asks again the first time; then twice as long, and so on.",
        gt=0.0,
        le=3600.0,
        allow_inf_nan=False,
    )
    clock: Instant = _setting(
        "Running",
        None,
        "An instant at which to stand still, to repeat a run of the past; New York time if it names no other. Data "
        "corrected since are used as they are now.",
        takes="instant, yyyy-mm-ddThh:mm",
        example="2020-03-16T18:45",
    )
    unscheduled_closures: Listed[dt.date] = _setting(
        "Running",
        (),
        "Days the New York Stock Exchange closes unplanned that the calendar package does not know yet.",
        example=["2018-12-05"],
    )
    early_closes: Listed[dt.date] = _setting(
        "Running",
        (),
        "Days the New York Stock Exchange closes at 13:00 unplanned that the calendar package does not know yet.",
        example=["2026-12-23"],
    )
    review_url: BaseAddress | None = _setting(
        "Running",
        None,
        "Address under which people read reports, as `tailguard review` shows them. Messages link to it, and so does a "
        "run on a Prefect server.",
        takes="address",
        example="https://tailguard.example.com",
    )
    review_token: AccessKey = _setting(
        "Running",
        None,
        "What readers of `tailguard review` have to know, 16 characters or more; needed where others can reach it.",
        example="change-me-change-me",
    )
    study_runner: Literal["processes", "threads", "dask"] = _setting(
        "Study",
        "processes",
        "Where the parts of a study are computed: in processes or on threads of this machine, or by Dask through "
        "prefect-dask, which `pip install 'tailguard[dask]'` brings. What is found is the same to the bit.",
    )
    study_workers: int | None = _setting(
        "Study",
        None,
        "How many of them there are, by default as many as this machine has processors. A Dask cluster of your own "
        "has its own number.",
        ge=1,
        le=1024,
        example=4,
    )
    study_dask_address: str | None = _setting(
        "Study",
        None,
        "Scheduler of a Dask cluster of your own, for `dask`, whose workers have the same tailguard on machines of the "
        "same kind. Without one, a cluster on this machine is started for each study and ended with it.",
        takes="address of a Dask scheduler",
        example="tcp://dask.example.com:8786",
    )
    log_level: Literal["debug", "info", "warning", "error"] | None = _setting(
        "Logs",
        None,
        "What is logged to standard error, and to the Prefect server where there is one. Without it, a scheduled run "
        "logs its steps, as `info` does, and a run on a terminal nothing: it prints how it ended.",
        example="info",
    )
    log_format: Literal["text", "json"] = _setting(
        "Logs",
        "text",
        "How: `text` for people, or one JSON object a line. docs/operations.md says how to let Prefect's own logs be "
        "JSON as well.",
    )

    approvals_required: int = _setting(
        "Governance",
        0,
        "How many approvers have to sign a rule set before a run uses it, 0 for none; docs/governance.md says how.",
        ge=0,
        le=100,
    )
    approvers: Approvers = _setting(
        "Governance",
        (),
        "Who may approve rule sets: name and public key of each, as `tailguard rules keygen` prints them.",
        takes="list of name=key",
        example=["alice=S6hSQVbT5J8t0gnqw0EWl0CbUWrEQXP8J8Ql2hHqzQM="],
    )
    approvals_dir: Path = _setting(
        "Governance", Path("approvals"), "Directory of the proposals and signatures that `tailguard rules` writes."
    )

    @model_validator(mode="after")
    def _fit_together(self) -> Self:
        if bool(self.smtp_host) != bool(self.mail_to):
            raise contradiction("mail_to", "smtp_host and mail_to together, or neither: one alone tells nobody")
        if self.smtp_security == "none" and self.smtp_user and not is_loopback(self.smtp_host or "localhost"):
            raise contradiction("smtp_security", "starttls or ssl, as smtp_password would go over the network readable")
        if self.fred_api_key and is_in_the_clear(self.fred_api_url):
            raise contradiction("fred_api_url", "https://, as fred_api_key would go over the network readable")
        if self.slack_webhook_url and (self.slack_bot_token or self.slack_channel):
            raise contradiction(
                "slack_webhook_url",
                "a webhook or a bot: remove slack_webhook_url to have threads, or slack_bot_token and slack_channel",
            )
        if bool(self.slack_bot_token) != bool(self.slack_channel):
            raise contradiction(
                "slack_channel", "slack_bot_token and slack_channel together, or neither: one alone tells nobody"
            )
        if self.slack_bot_token and is_in_the_clear(self.slack_api_url):
            raise contradiction("slack_api_url", "https://, as slack_bot_token would go over the network readable")
        if self.approvals_required > len(self.approvers):
            raise contradiction("approvals_required", f"at most the number of approvers, {len(self.approvers)}")
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Add .env and tailguard.toml below the environment."""
        return init_settings, env_settings, OwnDotEnv(settings_cls), Toml(settings_cls)


def load_settings() -> Settings:
    """The settings in force.

    Raises
    ------
    ConfigurationError
        Naming the first setting that is wrong; its value is not shown, as it may be a secret.
    """
    for name in os.environ:
        setting = name.removeprefix(PREFIX).lower()
        if name.startswith(PREFIX) and not name.startswith(_TEST_PREFIX) and setting not in Settings.model_fields:
            raise unknown(setting, Settings.model_fields)
    try:
        return Settings()
    except ValidationError as error:
        raise wrong(error, Settings.model_fields) from None


def origins() -> dict[str, str]:
    """Where each setting in force comes from; those at their default are left out."""
    found: dict[str, str] = {}
    for origin, source in (
        (TOML_FILE, Toml(Settings)),
        (DOT_ENV, OwnDotEnv(Settings)),
        (ENVIRONMENT, EnvSettingsSource(Settings)),
    ):
        found |= dict.fromkeys(source(), origin)
    return found
