"""The steps of the loop: each carries out one kind of command and journals its outcome."""
