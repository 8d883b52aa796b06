"""The terminal interface and the `trex` command. Knows the engine by its protocol and its journal only."""
