"""Settings: environment ``TAILGUARD_*``, then ``.env``, then ``tailguard.toml``, then the defaults here."""

from __future__ import annotations

import datetime as dt
import difflib
import math
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from signals.errors import ConfigurationError

#: A plain address: what every mail server takes.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

_PREFIX = "TAILGUARD_"
#: Read by the test suite only.
_TEST_PREFIX = "TAILGUARD_TEST_"


class _OwnDotEnv(DotEnvSettingsSource):
    """``.env`` without the settings of other programs, which often share the file."""

    def __call__(self) -> dict[str, Any]:
        known = Settings.model_fields
        return {
            name: value
            for name, value in super().__call__().items()
            if name in known or name.upper().startswith(_PREFIX)
        }


class Settings(BaseSettings):
    """Everything that differs between two installations."""

    model_config = SettingsConfigDict(
        env_prefix=_PREFIX, env_file=".env", toml_file="tailguard.toml", extra="forbid", hide_input_in_errors=True
    )

    database_url: SecretStr = Field(
        SecretStr("sqlite:///tailguard.db"), description="Where reports and observations are kept."
    )
    source: Literal["files"] = Field("files", description="Where market data come from.")
    data_dir: Path | None = Field(None, description="Directory that the source `files` reads.")
    notional_usd: float = Field(1_000_000.0, gt=0.0, description="Portfolio value the instruction is for, US dollars.")
    clock: str | None = Field(None, description="Pretend that it is this instant; for repeating a run of the past.")
    unscheduled_closures: Annotated[tuple[dt.date, ...], NoDecode] = Field(
        (), description="Days the NYSE closes unplanned that the calendar package does not know yet."
    )
    smtp_host: str | None = Field(None, description="Mail server; no mail without one.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server.")
    smtp_security: Literal["starttls", "ssl", "none"] = Field("starttls", description="How the connection is secured.")
    smtp_user: str = Field("", description="User name at the mail server; empty for none.")
    smtp_password: SecretStr = Field(SecretStr(""), description="Password at the mail server.")
    mail_from: str = Field("tailguard@localhost", description="Sender of the mails.")
    mail_to: Annotated[tuple[str, ...], NoDecode] = Field((), description="Recipients, separated by commas.")
    slack_webhook_url: SecretStr | None = Field(None, description="Incoming webhook of a Slack channel.")
    timeout_seconds: float = Field(30.0, gt=0.0, description="How long to wait for a mail server or for Slack.")

    @field_validator("mail_to", "unscheduled_closures", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value

    @field_validator("mail_from", "mail_to")
    @classmethod
    def _is_address(cls, value: str | tuple[str, ...]) -> str | tuple[str, ...]:
        for address in (value,) if isinstance(value, str) else value:
            if not _ADDRESS.fullmatch(address):
                raise ValueError("expected mail addresses such as desk@example.com, separated by commas")
        return value

    @field_validator("slack_webhook_url")
    @classmethod
    def _is_web_address(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not re.match(r"https?://\S+$", value.get_secret_value()):
            raise ValueError("expected an address that starts with https://")
        return value

    @field_validator("notional_usd")
    @classmethod
    def _is_finite(cls, value: float) -> float:
        if not math.isfinite(value):
            raise ValueError("expected a finite amount")
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
        """Add tailguard.toml below the environment and .env."""
        return init_settings, env_settings, _OwnDotEnv(settings_cls), TomlConfigSettingsSource(settings_cls)


def load_settings() -> Settings:
    """The settings in force.

    Raises
    ------
    ConfigurationError
        Naming the first setting that is wrong; its value is not shown, as it may be a secret.
    """
    for name in os.environ:
        setting = name.removeprefix(_PREFIX).lower()
        if name.startswith(_PREFIX) and not name.startswith(_TEST_PREFIX) and setting not in Settings.model_fields:
            raise _unknown(setting)
    try:
        return Settings()  # type: ignore[call-arg]  # the fields come from the environment
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False)[0]
        name = str(first["loc"][0]) if first["loc"] else "settings"
        if first["type"] == "extra_forbidden":
            raise _unknown(name.lower().removeprefix(_PREFIX.lower())) from None
        raise ConfigurationError(
            f"setting {name}",
            expected="a usable value",
            got=first["msg"],
            do=f"Check {_PREFIX}{name.upper()} in the environment and in .env, and {name} in tailguard.toml.",
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(
            "tailguard.toml", expected="a TOML file", got=str(error), do="Mend or remove it."
        ) from error


def _unknown(name: str) -> ConfigurationError:
    close = difflib.get_close_matches(name, Settings.model_fields, n=1)
    return ConfigurationError(
        f"setting {name}",
        expected=f"{close[0]}, perhaps" if close else "a setting that exists",
        got="an unknown name",
        do=f"Check {_PREFIX}{name.upper()} in the environment and in .env, and {name} in tailguard.toml.",
    )
