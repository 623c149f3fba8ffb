"""The steps as Prefect tasks.

Their inputs are open connections and clocks: nothing to hash or to cache, and their results stay in the process.
"""

from __future__ import annotations

from prefect import task
from prefect.cache_policies import NO_CACHE

from tasks.compute import compute_stored
from tasks.ingest import ingest
from tasks.notify.deliver import deliver
from tasks.persist import emit

fetch_step = task(name="fetch", cache_policy=NO_CACHE, persist_result=False)(ingest)
compute_step = task(name="compute", cache_policy=NO_CACHE, persist_result=False)(compute_stored)
emit_step = task(name="emit", cache_policy=NO_CACHE, persist_result=False)(emit)
deliver_step = task(name="deliver", cache_policy=NO_CACHE, persist_result=False)(deliver)
