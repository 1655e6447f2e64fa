"""What if other rules had been in force: a period played again in memory, twice, and what differs."""
