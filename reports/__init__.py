"""What people read: one view of a report, and its renderings. Nothing here writes, and nothing needs Prefect."""
