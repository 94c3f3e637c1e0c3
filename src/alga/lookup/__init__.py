"""Finding what people type: work items, services, users, entries, and what an interval would overlap."""
