"""A source that was asked already."""

from __future__ import annotations

from dataclasses import dataclass

from tasks.sources.payload import Fetched, Payload, Source


@dataclass(frozen=True)
class FetchedSource:
    """A source whose payloads were fetched before."""

    name: str
    simulated: bool
    payloads: tuple[Payload, ...]
    heals: bool = False

    def fetch(self) -> Fetched:
        """The payloads."""
        return Fetched(self.payloads)


def fetch_once(source: Source) -> FetchedSource:
    """Fetch everything a source has; raises what its `fetch` raises."""
    return FetchedSource(source.name, source.simulated, source.fetch().complete(), source.heals)
