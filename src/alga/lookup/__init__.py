"""Look-ups: work items, services, users, entries, and what an interval would overlap."""
