"""Fuzzing: what comes from outside is refused in one sentence, changes nothing, and hangs nobody.

python -m tests.fuzz --inputs 100000 --seed 0        the whole; `make test` runs a short form
"""
