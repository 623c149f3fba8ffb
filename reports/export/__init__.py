"""Stored reports as files for others: documents, tables, a calendar, a feed. Stored reports in, bytes or rows out."""
