"""The subcommands of `trex`: one file per family. Each function takes the parsed arguments and returns an exit code."""
