"""The search: tree, events, policies, rewards, budgets. Pure: no I/O, no clock, no randomness but what is passed in."""
