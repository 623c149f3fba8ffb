"""Settings: environment ``TAILGUARD_*``, then ``.env``, then ``tailguard.toml``, then the defaults here."""

from __future__ import annotations

import datetime as dt
import difflib
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from signals.errors import ConfigurationError
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

#: A plain address: what every mail server takes.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

PREFIX = "TAILGUARD_"
#: Read by the test suite only.
_TEST_PREFIX = "TAILGUARD_TEST_"

ENVIRONMENT = "environment"
DOT_ENV = ".env"
TOML_FILE = "tailguard.toml"
DEFAULT = "default"


class _OwnDotEnv(DotEnvSettingsSource):
    """``.env`` without the settings of other programs, which often share the file."""

    def __init__(self, settings_cls: type[BaseSettings]) -> None:
        super().__init__(settings_cls, env_file=DOT_ENV)

    def __call__(self) -> dict[str, Any]:
        known = Settings.model_fields
        return {
            name: value
            for name, value in super().__call__().items()
            if name in known or name.upper().startswith(PREFIX)
        }

    def _read_env_file(self, file_path: Path) -> Mapping[str, str | None]:
        try:
            return super()._read_env_file(file_path)
        except (OSError, ValueError) as error:
            raise _unreadable(DOT_ENV, "a text file of NAME=value lines", error) from error


class _Toml(TomlConfigSettingsSource):
    """``tailguard.toml``."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        try:
            return super()._read_file(file_path)
        except (OSError, ValueError) as error:
            raise _unreadable(TOML_FILE, "a TOML file", error) from error


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
    yahoo_url: str = _setting(
        "Data",
        YAHOO_URL,
        "Base address of Yahoo Finance, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    cboe_url: str = _setting(
        "Data",
        CBOE_URL,
        "Base address of Cboe's published data, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    cboe_web_url: str = _setting(
        "Data",
        CBOE_WEB_URL,
        "Base address of Cboe's web site, where the settlements of a day are published first.",
        takes="address",
    )
    fred_url: str = _setting(
        "Data",
        FRED_URL,
        "Base address of FRED, for the source `live`; another one for a proxy or a mirror.",
        takes="address",
    )
    fred_api_key: SecretStr | None = _setting(
        "Data",
        None,
        "Key of FRED's interface for programs. With one, rates are read there and not from behind its graphs.",
        example="change-me",
    )
    fred_api_url: str = _setting(
        "Data", FRED_API_URL, "Base address of FRED's interface for programs.", takes="address"
    )
    bls_url: str = _setting(
        "Data",
        BLS_URL,
        "Base address of the Bureau of Labor Statistics, which publishes when CPI and PPI come out.",
        takes="address",
    )
    ignored_values: Annotated[tuple[str, ...], NoDecode] = _setting(
        "Data",
        (),
        "Published values that somebody has looked at and found wrong, and that are not used: series, publisher and "
        "day of each, as `tailguard data show --session DATE` prints them.",
        takes="list of values",
        example=["SPX cboe 2020-03-16"],
    )
    option_chains: Annotated[tuple[Literal["VIX", "SPX"], ...], NoDecode] = _setting(
        "Data",
        ("VIX",),
        "Option chains the source `live` keeps, as Cboe quotes them with a delay. That of the VIX prices the hedges in "
        "place of a model; nothing needs that of SPX, which is large.",
    )
    user_agent: str = _setting(
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
    database_url: SecretStr = _setting(
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
    variants: Annotated[tuple[Literal["veqtor-mid-term", "veqtor-overlay"], ...], NoDecode] = _setting(
        "Portfolio",
        (),
        "Variants of the strategy shown in the report beside VEQTOR. They change neither its target nor its orders.",
        example=["veqtor-mid-term"],
    )
    hedges: Annotated[tuple[str, ...], NoDecode] = _setting(
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
    smtp_password: SecretStr = _setting("Mail", SecretStr(""), "Password at the mail server.", example="change-me")
    mail_from: str = _setting(
        "Mail", "tailguard@localhost", "Sender of the mails.", takes="mail address", example="tailguard@example.com"
    )
    mail_to: Annotated[tuple[str, ...], NoDecode] = _setting(
        "Mail",
        (),
        "Recipients of the mails.",
        takes="list of mail addresses",
        example=["desk@example.com", "risk@example.com"],
    )
    slack_webhook_url: SecretStr | None = _setting(
        "Slack",
        None,
        "Incoming webhook of a Slack channel. Without one, nobody is told in Slack.",
        takes="address",
        example="https://hooks.slack.com/services/change/me",
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
    clock: str | None = _setting(
        "Running",
        None,
        "An instant at which to stand still, to repeat a run of the past; New York time if it names no other. Data "
        "corrected since are used as they are now.",
        takes="instant, yyyy-mm-ddThh:mm",
        example="2020-03-16T18:45",
    )
    unscheduled_closures: Annotated[tuple[dt.date, ...], NoDecode] = _setting(
        "Running",
        (),
        "Days the New York Stock Exchange closes unplanned that the calendar package does not know yet.",
        example=["2018-12-05"],
    )
    early_closes: Annotated[tuple[dt.date, ...], NoDecode] = _setting(
        "Running",
        (),
        "Days the New York Stock Exchange closes at 13:00 unplanned that the calendar package does not know yet.",
        example=["2026-12-23"],
    )

    @field_validator("clock")
    @classmethod
    def _is_instant(cls, value: str | None) -> str | None:
        try:
            dt.datetime.fromisoformat(value or "2026-01-01")
        except ValueError:
            raise ValueError("an instant such as 2020-03-16T18:45") from None
        return value

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: SecretStr) -> SecretStr:
        if not re.match(r"(sqlite|postgresql)(\+\w+)?://", value.get_secret_value()):
            raise ValueError("sqlite:///tailguard.db, or postgresql+psycopg://user:password@host/name")
        return value

    @model_validator(mode="after")
    def _reaches_somebody(self) -> Self:
        if bool(self.smtp_host) != bool(self.mail_to):
            raise ValueError("smtp_host and mail_to together, or neither: one alone tells nobody")
        return self

    @field_validator(
        "mail_to",
        "unscheduled_closures",
        "early_closes",
        "variants",
        "hedges",
        "option_chains",
        "ignored_values",
        mode="before",
    )
    @classmethod
    def _split(cls, value: object) -> object:
        return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value

    @field_validator("ignored_values")
    @classmethod
    def _names_values(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for item in value:
            if not re.fullmatch(r"[\w.-]+ [\w-]+ \d{4}-\d\d-\d\d", item) or not _is_day(item.rpartition(" ")[2]):
                raise ValueError("values such as 'SPX cboe 2020-03-16', separated by commas")
        return value

    @field_validator("mail_from", "mail_to")
    @classmethod
    def _is_mail_address(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(address):
                raise ValueError("mail addresses such as desk@example.com, separated by commas")
        return value

    @field_validator("variants", "hedges", "option_chains")
    @classmethod
    def _is_named_once(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(value)) < len(value):
            raise ValueError("each name once")
        return value

    @field_validator("yahoo_url", "cboe_url", "cboe_web_url", "fred_url", "fred_api_url", "bls_url")
    @classmethod
    def _is_base_address(cls, value: str) -> str:
        # Addresses are stored with what came from them, so one with a password is refused.
        if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*[^\s/?#@])?", value) or not _has_usable_port(value):
            raise ValueError("an address such as https://example.com, without user, options or a slash at its end")
        return value

    @field_validator("user_agent")
    @classmethod
    def _is_header(cls, value: str) -> str:
        if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
            raise ValueError("one line of printable ASCII")
        return value

    @field_validator("slack_webhook_url")
    @classmethod
    def _is_web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.fullmatch(r"https?://\S+", value.get_secret_value()):
            raise ValueError("an address that starts with https://")
        return value

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
        return init_settings, env_settings, _OwnDotEnv(settings_cls), _Toml(settings_cls)


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
            raise _unknown(setting)
    try:
        return Settings()
    except ValidationError as error:
        raise _wrong(error) from None


def origins() -> dict[str, str]:
    """Where each setting in force comes from; those at their default are left out."""
    found: dict[str, str] = {}
    for origin, source in (
        (TOML_FILE, _Toml(Settings)),
        (DOT_ENV, _OwnDotEnv(Settings)),
        (ENVIRONMENT, EnvSettingsSource(Settings)),
    ):
        found |= dict.fromkeys(source(), origin)
    return found


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return f"{PREFIX}{name.upper()}"


def _is_day(text: str) -> bool:
    try:
        dt.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _has_usable_port(address: str) -> bool:
    try:
        return urlsplit(address).port != 0
    except ValueError:
        return False


def _wrong(error: ValidationError) -> ConfigurationError:
    first = error.errors(include_input=False, include_url=False)[0]
    name = str(first["loc"][0]) if first["loc"] else "mail_to"
    if first["type"] == "extra_forbidden":
        return _unknown(name.lower().removeprefix(PREFIX.lower()))
    # A validator above says what is expected, and pydantic: "Input should be a valid integer, unable to ...".
    expected = first["msg"].removeprefix("Value error, ").removeprefix("Input should be ")
    expected = re.sub(r"^(greater|less) than", r"a number \1 than", expected)
    expected = re.sub(r"^(a valid [^,]+), (.+)", r"\1 (\2)", expected)
    return ConfigurationError(f"setting {name}", expected=expected, got="something else", do=_where(name))


def _unknown(name: str) -> ConfigurationError:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return ConfigurationError(
        f"setting {name}",
        expected=f"{close[0]}, perhaps" if close else "a setting that exists",
        got="an unknown name",
        do=_where(name),
    )


def _where(name: str) -> str:
    if name == "database_url":
        return f"Check --database, {variable(name)} in the environment and in {DOT_ENV}, and {name} in {TOML_FILE}."
    return f"Check {variable(name)} in the environment and in {DOT_ENV}, and {name} in {TOML_FILE}."


def _unreadable(file: str, expected: str, error: OSError | ValueError) -> ConfigurationError:
    reason = error.strerror if isinstance(error, OSError) else str(error)
    return ConfigurationError(
        f"{file} in the working directory", expected=expected, got=str(reason), do="Mend or remove it."
    )
