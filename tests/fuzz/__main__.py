"""`python -m tests.fuzz [--inputs 100000] [--seed 0] [--only TARGET ...] [--keep FOLDER]`

Prints what was fed per kind of message and file, and every finding with its shortest input. Exit code 1 where there is
a finding. `--keep` writes the inputs of the findings there, whole.
"""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
from pathlib import Path

from tests.fuzz.everything import TARGETS, fuzz
from tests.fuzz.harness import Finding, Outcome

SHOWN = 400  # bytes of an input


def table(outcome: Outcome) -> str:
    """One target's figures: inputs and accepted ones by kind."""
    verdicts = ", ".join(f"{count:,} {verdict}" for verdict, count in outcome.verdicts.most_common())
    head = f"{outcome.name}: {outcome.counts.total():,} inputs in {outcome.seconds:.0f} s: {verdicts}"
    kinds = (f"{kind} {count:,} ({outcome.accepted[kind]:,})" for kind, count in outcome.counts.items())
    return f"{head}; the slowest took {outcome.slowest:.2f} s\n  inputs (accepted): {', '.join(kinds)}"


def told(finding: Finding) -> str:
    shown = finding.given.data[:SHOWN]
    more = f" ... {len(finding.given.data):,} bytes" if len(finding.given.data) > SHOWN else ""
    head = f"FINDING, {finding.times} times, at {finding.where}: {finding.what}"
    return f"{head}\n  {finding.given.kind}, {finding.given.how}: {shown!r}{more}\n{finding.trace}"


def keep(folder: Path, finding: Finding, number: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{finding.target.replace(' ', '-')}-{number}.bin").write_bytes(finding.given.data)


def main() -> int:
    parser = argparse.ArgumentParser(prog="tests.fuzz", description=__doc__)
    parser.add_argument("--inputs", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=TARGETS, default=())
    parser.add_argument("--keep", type=Path)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)  # the engine logs every refusal that it did not expect
    inputs = findings = 0
    with tempfile.TemporaryDirectory(prefix="trex-fuzz-") as folder:
        for outcome in fuzz(Path(folder), options.inputs, options.seed, tuple(options.only)):
            print(table(outcome), flush=True)
            inputs += outcome.counts.total()
            for number, finding in enumerate(outcome.findings.values()):
                findings += 1
                print(told(finding), flush=True)
                if options.keep:
                    keep(options.keep, finding, number)
    print(f"{inputs:,} inputs, seed {options.seed}: {findings} findings")
    return 1 if findings else 0


if __name__ == "__main__":
    sys.exit(main())
