"""The report of a run: read from its journal and its trial directories, every score computed again.

Light: no torch. `gather` collects, `sections` says, `markdown` and `html` render, `verify` checks.
"""
