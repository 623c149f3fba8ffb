"""The steps with a side effect: fetch, ingest, compute, persist, deliver. Each is a small plain function."""
