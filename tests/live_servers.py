"""The product's recorded market with one server for each publisher, which may answer as a test wants it to."""

from __future__ import annotations

import datetime as dt
import ssl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import partial
from pathlib import Path

from tasks.replay.market import PUBLISHERS
from tasks.replay.messages import Reply, Request
from tasks.replay.server import Asked, HttpServer
from tasks.replay.yahoo import chart, yahoo_rows
from tasks.sources.live import LiveEndpoints

__all__ = ["LiveServer", "LiveServers", "Reply", "chart", "live_servers", "yahoo_rows"]


@dataclass
class LiveServer:
    """One server. `instead` may answer in its place; it returns None where it does not."""

    usual: Callable[[Request], Reply]
    date: dt.datetime
    tls: ssl.SSLContext | None = None
    instead: Callable[[str], Reply | None] = lambda _path: None
    paths: list[str] = field(default_factory=list)
    user_agents: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.server = HttpServer(self.answer, tls=self.tls)

    @property
    def host(self) -> str:
        return self.server.host

    @property
    def url(self) -> str:
        return self.server.url

    def answer(self, asked: Asked) -> Reply:
        request = Request.read(asked.target)
        self.paths.append(request.path)
        self.user_agents.add(asked.user_agent)
        return replace(self.instead(request.path) or self.usual(request), date=self.date)


@dataclass(frozen=True)
class LiveServers:
    """One for each publisher."""

    yahoo: LiveServer
    cboe: LiveServer
    cboe_web: LiveServer
    fred: LiveServer
    fred_api: LiveServer
    bls: LiveServer

    @property
    def endpoints(self) -> LiveEndpoints:
        return LiveEndpoints(
            yahoo=self.yahoo.url,
            cboe_cdn=self.cboe.url,
            cboe_web=self.cboe_web.url,
            fred=self.fred.url,
            fred_api=self.fred_api.url,
            bls=self.bls.url,
        )

    @property
    def settings(self) -> dict[str, str]:
        """The environment variables that point the product here."""
        return {f"TAILGUARD_{each.name.upper()}_URL": getattr(self, each.name).url for each in fields(self)}


@contextmanager
def live_servers(directory: Path, instant: dt.datetime, tls: ssl.SSLContext | None = None) -> Iterator[LiveServers]:
    """Serve the recorded files in a directory as their publishers would have at an instant."""
    with ExitStack() as stack:
        servers = {
            name.replace("-", "_"): LiveServer(partial(publisher, directory, instant), instant, tls)
            for name, publisher in PUBLISHERS.items()
        }
        for server in servers.values():
            stack.enter_context(server.server)
        yield LiveServers(**servers)
