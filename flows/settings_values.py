"""The types of settings: what each takes beyond a type of Python's, and the words for anything else."""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Annotated, TypeVar
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, SecretStr, ValidationInfo
from pydantic_settings import NoDecode

from flows.prefect_secrets import SCHEME, PrefectSecret
from signals.approvals import APPROVER_NAME

#: A plain address: what every mail server takes.
_ADDRESS = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")

#: Length of an ed25519 public key.
_KEY_BYTES = 32


def _split(value: object) -> object:
    return [item.strip() for item in value.split(",") if item.strip()] if isinstance(value, str) else value


def _named_once(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(set(value)) < len(value):
        raise ValueError("each name once")
    return value


def _instant(value: str | None) -> str | None:
    try:
        dt.datetime.fromisoformat(value or "2026-01-01")
    except ValueError:
        raise ValueError("an instant such as 2020-03-16T18:45") from None
    return value


def _database(value: str) -> None:
    if not re.match(r"(sqlite|postgresql)(\+\w+)?://", value):
        raise ValueError("sqlite:///tailguard.db, or postgresql+psycopg://user:password@host/name")


def _published_values(value: tuple[str, ...]) -> tuple[str, ...]:
    for item in value:
        if not re.fullmatch(r"[\w.-]+ [\w-]+ \d{4}-\d\d-\d\d", item) or not _is_day(item.rpartition(" ")[2]):
            raise ValueError("values such as 'SPX cboe 2020-03-16', separated by commas")
    return value


def _mail_address(value: str) -> str:
    return _mail_addresses((value,))[0]


def _mail_addresses(value: tuple[str, ...]) -> tuple[str, ...]:
    if not all(_ADDRESS.fullmatch(address) for address in value):
        raise ValueError("mail addresses such as desk@example.com, separated by commas")
    return value


def _base_address(value: str) -> str:
    # Addresses are stored with what came from them, so one with a password is refused.
    if not re.fullmatch(r"https?://[^\s/?#@]+(/[^\s?#@]*[^\s/?#@])?", value) or not _has_usable_port(value):
        raise ValueError("an address such as https://example.com, without user, options or a slash at its end")
    return value


def _header(value: str) -> str:
    if not re.fullmatch(r"[!-~]([ -~]*[!-~])?", value):
        raise ValueError("one line of printable ASCII")
    return value


def _web_address(value: str) -> None:
    # Whoever sees the address can post to the channel.
    if not re.fullmatch(r"https?://\S+", value) or is_in_the_clear(value):
        raise ValueError("an address that starts with https://")


def _slack_channel(value: str | None) -> str | None:
    if value is not None and not re.fullmatch(r"#[^\s,#]{1,80}|[CGD][A-Z0-9]{4,}", value):
        raise ValueError("a channel's ID, such as C0123456789, or its name with #")
    return value


def _token(value: str) -> None:
    # It goes into a header.
    if not re.fullmatch(r"xox[a-z]-[A-Za-z0-9-]+", value):
        raise ValueError("a token that starts with xoxb-")


def _anything(_: str) -> None:
    return


def _approvers(value: tuple[str, ...]) -> tuple[str, ...]:
    keys = approver_keys(value)
    if not len(set(keys.values())) == len(keys) == len(value):
        raise ValueError("every approver once, each with a key of their own")
    return value


def approver_keys(value: Iterable[str]) -> dict[str, bytes]:
    """Approvers and their public keys.

    Raises
    ------
    ValueError
        With what is expected, when one is not a name and a key.
    """
    found = {}
    for item in value:
        name, _, key = item.partition("=")
        try:
            public = base64.b64decode(key, validate=True)
        except ValueError:
            public = b""
        if not APPROVER_NAME.fullmatch(name) or len(public) != _KEY_BYTES:
            raise ValueError("approvers as name=key, as `tailguard rules keygen` prints them, separated by commas")
        found[name] = public
    return found


def is_secret(name: str, value: str) -> bool:
    """Whether the value of a setting for secrets is one: not a block's name, nor an address without a password."""
    if name == "database_url":
        return urlsplit(value).password is not None or "password=" in value
    return bool(value) and not value.startswith(SCHEME)


def is_in_the_clear(address: str) -> bool:
    """Whether what is sent to a web address can be read on its way."""
    parts = urlsplit(address)
    return parts.scheme == "http" and not is_loopback(parts.hostname or "")


def is_loopback(host: str) -> bool:
    """Whether a host is this machine."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _secret(check: Callable[[str], None]) -> AfterValidator:
    """A secret that is given, and passes a check, or the name of the Secret block of Prefect that holds it."""

    def validate(value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        if value.get_secret_value().startswith(SCHEME):
            return PrefectSecret(value.get_secret_value(), str(info.field_name), check)
        check(value.get_secret_value())
        return value

    return AfterValidator(validate)


def parsed_values(values: Iterable[str]) -> tuple[tuple[str, str, dt.date], ...]:
    """Series, publisher and day of `PublishedValues`."""
    parts = (value.split() for value in values)
    return tuple((series, publisher, dt.date.fromisoformat(day)) for series, publisher, day in parts)


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


_Item = TypeVar("_Item")

#: Several values; in the environment and in .env separated by commas.
Listed = Annotated[tuple[_Item, ...], NoDecode, BeforeValidator(_split)]
#: The same, each at most once.
Names = Annotated[tuple[_Item, ...], NoDecode, BeforeValidator(_split), AfterValidator(_named_once)]
PublishedValues = Annotated[Listed[str], AfterValidator(_published_values)]
MailAddress = Annotated[str, AfterValidator(_mail_address)]
MailAddresses = Annotated[Listed[str], AfterValidator(_mail_addresses)]
Instant = Annotated[str | None, AfterValidator(_instant)]
DatabaseAddress = Annotated[SecretStr, _secret(_database)]
Password = Annotated[SecretStr, _secret(_anything)]
AccessKey = Annotated[SecretStr | None, _secret(_anything)]
Approvers = Annotated[Listed[str], AfterValidator(_approvers)]
BaseAddress = Annotated[str, AfterValidator(_base_address)]
SlackChannelName = Annotated[str | None, AfterValidator(_slack_channel)]
SlackToken = Annotated[SecretStr | None, _secret(_token)]
HeaderText = Annotated[str, AfterValidator(_header)]
SecretWebAddress = Annotated[SecretStr | None, _secret(_web_address)]
