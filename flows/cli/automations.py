"""``automations install|show``: the alerts of a Prefect server, from a file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import click
import httpx
import yaml

from flows.cli.main import EXIT_FAILED
from flows.cli.manual import manual
from flows.cli.options import json_option
from flows.cli.output import say
from signals.errors import ConfigurationError
from tasks.doctor.prefect_api import configured_server

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import BlockDocument
    from prefect.events.schemas.automations import Automation, AutomationCore

#: The automations that come with the product.
AUTOMATIONS = Path(__file__).parents[1] / "automations.yaml"

BLOCK = "tailguard-alerts"

INSTALLED, CHANGED, ABSENT = "installed", "differs", "not installed"

#: What a block can do that tells people, and the type of the block that posts what it is given.
_NOTIFY, _WEBHOOK = "notify", "webhook"

_PAGE = 200

file_option = click.option(
    "--file",
    "path",
    type=click.Path(path_type=Path),
    metavar="FILE",
    default=AUTOMATIONS,
    help="File of automations; by default the one that comes with tailguard.",
)
block_option = click.option(
    "--block",
    metavar="NAME",
    default=BLOCK,
    show_default=True,
    help="Name of the Prefect block that carries the messages.",
)


@click.group()
def automations() -> None:
    """Look after the alerts of a Prefect server.

    They tell of runs that fail, crash or are late, of sessions without a signal, and of a health check that finds
    something or does not run. The server is the one Prefect uses: PREFECT_API_URL, or the active profile.
    """


@automations.command(
    epilog=manual(
        "tailguard automations install",
        "tailguard automations install --block desk-channel",
        exit_codes="0 installed, 2 the server does not answer or refused, no block of that name or a wrong file",
    )
)
@file_option
@block_option
def install(path: Path, block: str) -> None:
    """Create or update the alerts on the Prefect server.

    They are found by their names, so running it again changes nothing; one that was paused stays paused. Messages go
    through a block of the server: any notification block, such as Slack Webhook or Custom Webhook, or a Webhook.
    """
    for name, done in _install(path, block):
        say(f"{name}: {done}")


@automations.command(
    epilog=manual(
        "tailguard automations show",
        "tailguard automations show --json",
        exit_codes="0 all installed and as in the file, 1 one is not, is paused or differs, 2 the server does not "
        "answer, no block of that name or a wrong file",
    )
)
@file_option
@block_option
@json_option
def show(path: Path, block: str, as_json: bool) -> int:
    """Compare the alerts of the Prefect server with the file.

    Each line has the name of one, whether it is installed as the file has it, and whether it was paused.
    """
    rows = _compare(path, block)
    if as_json:
        click.echo(json.dumps(rows))
    else:
        for row in rows:
            say(f"{row['name']}: {row['state']}{', paused' if row['paused'] else ''}")
    return 0 if all(row["state"] == INSTALLED and not row["paused"] for row in rows) else EXIT_FAILED


def _install(path: Path, block: str) -> list[tuple[str, str]]:
    with _client() as client:
        done = []
        for wanted in _wanted(client, path, block):
            there = _there(client, wanted.name)
            if there is None:
                client.create_automation(wanted)
                done.append((wanted.name, "created"))
            elif _as_in_file(there, wanted):
                done.append((wanted.name, "as before"))
            else:
                wanted.enabled = there.enabled
                client.update_automation(there.id, wanted)
                done.append((wanted.name, "updated"))
        return done


def _compare(path: Path, block: str) -> list[dict[str, Any]]:
    with _client() as client:
        rows = []
        for wanted in _wanted(client, path, block):
            there = _there(client, wanted.name)
            state = ABSENT if there is None else INSTALLED if _as_in_file(there, wanted) else CHANGED
            rows.append({"name": wanted.name, "state": state, "paused": there is not None and not there.enabled})
        return rows


@contextmanager
def _client() -> Iterator[SyncPrefectClient]:
    """A client of the server that Prefect uses; Prefect would start a temporary one where none is set."""
    server = configured_server()
    if server is None:
        raise ConfigurationError(
            "Prefect server",
            expected="the address of one",
            got="none",
            do="Set PREFECT_API_URL, such as http://127.0.0.1:4200/api.",
        )
    from prefect.client.orchestration import get_client

    try:
        with get_client(sync_client=True) as client:
            yield client
    except (httpx.HTTPError, RuntimeError) as error:
        # Of what a server answers the first line says what it refused; Prefect raises the other where none is found.
        raise ConfigurationError(
            f"Prefect server {urlsplit(server.url).netloc.rpartition('@')[2]} ({server.origin})",
            expected="an answer",
            got=str(error).partition("\n")[0] or type(error).__name__,
            do="See that it runs, and check PREFECT_API_URL, which ends in /api.",
        ) from error


def _wanted(client: SyncPrefectClient, path: Path, block: str) -> list[AutomationCore]:
    """The automations of a file, each action with the block that carries it."""
    from prefect.events.schemas.automations import AutomationCore

    documents = read_automations(path)
    carrier = _block(client, block)
    for document in documents:
        document["actions"] = [_carried_by(carrier, action) for action in document["actions"]]
    try:
        return [AutomationCore.model_validate(document) for document in documents]
    except ValueError as error:
        raise _unusable(path, str(error)) from error


def read_automations(path: Path) -> list[dict[str, Any]]:
    """The automations of a file, as it has them.

    Raises
    ------
    ConfigurationError
        When it cannot be read, or is no list of automations.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        documents = [dict(item) for item in content["automations"]]
        names = [str(item["name"]) for item in documents]
        actions = [action for item in documents for action in item["actions"]]
    except OSError as error:
        raise _unusable(path, error.strerror or str(error)) from error
    except (yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise _unusable(path, f"{type(error).__name__}: {error}") from error
    if len(set(names)) < len(names) or not all({"subject", "body"} <= set(action) for action in actions):
        raise _unusable(path, "two of one name, or an action without subject and body")
    return documents


def _carried_by(block: BlockDocument, action: dict[str, Any]) -> dict[str, Any]:
    if block.block_type is not None and block.block_type.slug == _WEBHOOK:
        # Rendered first and made JSON then: a message has lines and quotes.
        parts = "".join(f"{{% set {name} %}}{action[name]}{{% endset %}}" for name in ("subject", "body"))
        payload = parts + '{"subject": {{ subject|tojson }}, "body": {{ body|tojson }}}'
        return {"type": "call-webhook", "block_document_id": block.id, "payload": payload}
    return {**action, "block_document_id": block.id}


def _block(client: SyncPrefectClient, name: str) -> BlockDocument:
    found = []
    for offset in count(0, _PAGE):
        page = client.read_block_documents(limit=_PAGE, offset=offset, include_secrets=False)
        found += [document for document in page if document.name == name and _tells(document)]
        if len(page) < _PAGE:
            break
    if len(found) == 1:
        return found[0]
    raise ConfigurationError(
        f"Prefect block {name}",
        expected="one notification or webhook block of that name",
        got=f"{len(found)} of them",
        do="Create one on the server's page under Blocks, or as docs/operations.md shows, or name another with "
        "--block.",
    )


def _tells(block: BlockDocument) -> bool:
    slug = block.block_type.slug if block.block_type else ""
    return slug == _WEBHOOK or (block.block_schema is not None and _NOTIFY in block.block_schema.capabilities)


def _there(client: SyncPrefectClient, name: str) -> Automation | None:
    found = client.read_automations_by_name(name)
    if len(found) > 1:
        raise ConfigurationError(
            f"automation {name!r}", expected="one of that name", got=str(len(found)), do="Delete all but one of them."
        )
    return found[0] if found else None


def _as_in_file(there: Automation, wanted: AutomationCore) -> bool:
    return (there.description, there.trigger, there.actions) == (wanted.description, wanted.trigger, wanted.actions)


def _unusable(path: Path, got: str) -> ConfigurationError:
    return ConfigurationError(
        f"automations {path.name}", expected="a YAML list of Prefect automations", got=got, do="Check --file."
    )
