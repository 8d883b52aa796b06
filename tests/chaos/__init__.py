"""Chaos: whole searches in real processes, killed at listed points and at random moments, and what must be the same
afterwards. `make chaos` runs the long form (`tests.chaos.run`), `make test` a short one."""
