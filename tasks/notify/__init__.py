"""Delivery of what the outbox holds: one module per channel."""
