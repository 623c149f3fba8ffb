"""What a run would store: everything is read and compared, and nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from sqlalchemy import Engine

from signals.market import MarketData, Observations
from signals.veqtor.report import SignalReport
from storage.runs import EMITTED, SessionOutcome
from storage.unit_of_work import UnitOfWork
from tasks.ingest import left_out, load_market, read_payloads, read_source, rewritten_histories, with_withdrawn
from tasks.persist import judged
from tasks.sources.fetched import FetchedSource


def market_after(engine: Engine | None, source: FetchedSource) -> tuple[MarketData, dict[int, str]]:
    """The market as it would be stored after what was fetched, and the hashes of the payloads behind it.

    Without a database it is what the source has.

    Raises
    ------
    DataQualityError
        When a payload cannot be read, or tells another history than the one that is known.
    """
    if engine is None:
        return read_source(replace(source, heals=False))
    with UnitOfWork(engine) as work:
        ingested, hashes = work.observations.last_ingested(), work.observations.payload_hashes()
        unread = []
        for number, payload in enumerate(source.payloads, start=1):
            key = work.observations.payload_key(payload.sha256, payload.format, payload.subject)
            if key is None or ingested.get((payload.format, payload.subject)) != key:
                # Keys of what is stored are positive.
                unread.append((-number, payload))
                hashes[-number] = payload.sha256
        read, _ = read_payloads(unread, heals=False)
        read += left_out(work, read)
        stored = load_market(work)
    for error in rewritten_histories(read, stored).values():
        raise error
    merged = dict(stored)
    for key, payload, found in read:
        name = (found.series, found.publisher)
        news = with_withdrawn(found, stored.find(*name), payload)
        merged[name] = _over(merged.get(name), replace(news, payloads=np.full(len(news.days), key)))
    return MarketData(merged.values(), simulated=source.simulated), hashes


def _over(before: Observations | None, news: Observations) -> Observations:
    """What is known once there are news; they have NaN where a value was taken back."""
    if before is None:
        before = replace(news, days=news.days[:0], values=news.values[:0], payloads=news.payloads[:0])
    kept = ~np.isin(before.days, news.days)
    there = ~np.isnan(news.values)
    days = np.concatenate([before.days[kept], news.days[there]])
    order = np.argsort(days)
    return replace(
        news,
        days=days[order],
        values=np.concatenate([before.values[kept], news.values[there]])[order],
        payloads=np.concatenate([before.payloads[kept], news.payloads[there]])[order],
    )


def outcomes_of(
    engine: Engine | None,
    reports: Sequence[SignalReport],
    *,
    adding_variants: bool,
    preceding: SignalReport | None = None,
) -> list[SessionOutcome]:
    """What would become of reports, as `tasks.persist.judged` has it; without a database all of them are new."""
    if engine is None:
        return [SessionOutcome(report.session, EMITTED, report.verdict) for report in reports]
    with UnitOfWork(engine) as work:
        found = judged(work, reports, adding_variants=adding_variants, preceding=preceding)
    return [item.outcome for item in found]
