"""The Executor: trial processes, and the engine's side that starts, watches and adopts them."""
