"""What every setting means, as records and as the Markdown of docs/configuration.md."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from flows.settings import Settings
from flows.settings_sources import variable

_PREAMBLE = """\
# Configuration

Nothing has to be configured to try tailguard. `tailguard init` writes a `tailguard.toml` in which every setting stands
commented out at its default; `tailguard config show` prints what is in force, and where each value comes from. This
page is what `tailguard config reference` prints.

## Where a setting comes from

The first of these that has it:

1. an option of the command, such as `--source`, `--data-dir` or `--database`;
2. the environment, as `TAILGUARD_` and its name in capitals;
3. `.env` in the working directory, under the same name; lines of other programs are left alone;
4. `tailguard.toml` in the working directory, under its name in small letters;
5. its default.

In the environment and in `.env`, lists are separated by commas. A setting of a wrong name or value ends every command
that needs settings with exit code 2 and a sentence that names it, never its value.

```toml
# tailguard.toml
notional_usd = 2_500_000
variants = ["veqtor-mid-term"]
smtp_host = "smtp.example.com"
smtp_user = "tailguard@example.com"
mail_from = "tailguard@example.com"
mail_to = ["desk@example.com", "risk@example.com"]
```

```sh
# .env
TAILGUARD_SMTP_PASSWORD=change-me
TAILGUARD_DATABASE_URL=postgresql+psycopg://tailguard:change-me@db.example.com/tailguard
```

## Secrets

The settings marked as secret below hold a password or are one. They belong into the environment, into `.env`, which is
not for version control, or into Secret blocks of Prefect, whose name then stands in their place:

```toml
smtp_password = "prefect-secret:tailguard-smtp"
```

They are never printed, logged or stored with a report: `config show` masks them, and errors name a setting without its
value. `tailguard init` makes a file that only its owner can read; a run warns of a file with secrets that others can
read, and `tailguard doctor` fails. [security.md](security.md) says more.

## In a container

The `Dockerfile` builds an image whose entry point is `tailguard`. It runs as a user without privileges in
`/var/lib/tailguard`, a volume: put `tailguard.toml` there, and find `tailguard.db` there. Secrets come from the
environment.

```console
docker build --tag tailguard .
docker run --rm --volume tailguard:/var/lib/tailguard tailguard init
docker run --rm --volume tailguard:/var/lib/tailguard --env TAILGUARD_SMTP_PASSWORD tailguard run
```

No Docker engine runs where tailguard is developed: the `Dockerfile` is linted, and the commands of its first stage were
run outside a container, but no image was built there.
"""


@dataclass(frozen=True)
class DescribedSetting:
    """One setting, for a reader.

    Parameters
    ----------
    group : str
        The heading it belongs under.
    takes : str
        Which values it takes.
    default, example : object
        As a settings file would have them; None for neither.
    """

    name: str
    group: str
    takes: str
    default: Any
    example: Any
    description: str
    secret: bool


def described_settings() -> list[DescribedSetting]:
    """Every setting, in the order of the model, which keeps groups together."""
    properties = Settings.model_json_schema()["properties"]
    return [_described(name, properties[name]) for name in Settings.model_fields]


def grouped_settings() -> Iterator[tuple[str, list[DescribedSetting]]]:
    """The settings under their headings."""
    for group, members in groupby(described_settings(), lambda setting: setting.group):
        yield group, list(members)


def plain(value: object) -> Any:
    """A value of a setting as a settings file would have it, secrets included."""
    match value:
        case SecretStr():
            return value.get_secret_value()
        case Path():
            return str(value)
        case dt.date():
            return value.isoformat()
        case tuple():
            return [plain(item) for item in value]
        case float() if value.is_integer():
            return int(value)
        case _:
            return value


def reference() -> str:
    """docs/configuration.md."""
    lines = [_PREAMBLE, "## Settings"]
    for group, members in grouped_settings():
        lines += ["", f"### {group}", "", "| setting | in the environment | takes | default | meaning |"]
        lines += ["|---|---|---|---|---|", *map(_row, members)]
    return "\n".join(lines) + "\n"


def _described(name: str, schema: dict[str, Any]) -> DescribedSetting:
    # An optional setting takes what its first alternative takes.
    kind = schema.get("anyOf", [schema])[0]
    return DescribedSetting(
        name=name,
        group=schema["group"],
        takes=schema["takes"] or _takes(kind),
        default=plain(Settings.model_fields[name].default),
        example=schema.get("examples", [None])[0],
        description=schema["description"],
        secret=kind.get("format") == "password",
    )


def _takes(schema: dict[str, Any]) -> str:
    match schema:
        case {"enum": choices}:
            return ", ".join(f"`{choice}`" for choice in choices)
        case {"type": "boolean"}:
            return "`true` or `false`"
        case {"type": "array", "items": {"enum": choices}}:
            return "any of " + ", ".join(f"`{choice}`" for choice in choices)
        case {"type": "array", "items": {"format": "date"}}:
            return "list of dates, yyyy-mm-dd"
        case {"type": "integer", "minimum": least, "maximum": most}:
            return f"whole number from {least} to {most}"
        case {"type": "number", "minimum": least, "maximum": most}:
            return f"number from {plain(float(least))} to {plain(float(most))}"
        case {"type": "number", "exclusiveMinimum": bound, "maximum": most}:
            return f"number above {plain(float(bound))}, up to {plain(float(most))}"
        case {"type": "number", "exclusiveMinimum": bound}:
            return f"number above {plain(float(bound))}"
        case {"format": "path"}:
            return "path"
        case _:
            return "text"


def _row(setting: DescribedSetting) -> str:
    default = "not set" if setting.default in (None, "", []) else f"`{setting.default}`"
    meaning = setting.description
    if setting.example is not None and not setting.secret:
        example = ",".join(setting.example) if isinstance(setting.example, list) else setting.example
        meaning += f" For example `{example}`."
    if setting.secret:
        meaning += " **Secret.**"
    default = default.replace("`True`", "`true`").replace("`False`", "`false`")
    return f"| `{setting.name}` | `{variable(setting.name)}` | {setting.takes} | {default} | {meaning} |"
