"""`trex doctor [--mend] [--json]`: what is wrong with a workspace, and mending of what can be mended."""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from engine.doctor import Deed, Finding, examine, mend
from engine.errors import one_line


def doctor(options: argparse.Namespace) -> int:
    """One line per check, then the counts. Exit code 1 where something is (still) wrong."""
    say: Callable[[str], None] = (lambda _text: None) if options.json else print
    findings, deeds = examine(options.space), list[Deed]()
    for finding in findings:
        say(line(finding))
    if options.mend:
        for deed in mend(options.space, findings, time.time()):
            deeds.append(deed)
            say(one_line(f"{'mended' if deed.done else 'left':6} {deed.what}"))
    if deeds:
        before, findings = findings, examine(options.space)
        for finding in findings:
            if finding.level != "ok" and finding not in before:  # what could not be seen before, of runs above all
                say(line(finding))
    if options.json:
        print(msgspec.json.encode(facts(findings, deeds)).decode())
    else:
        print(counts(findings, mended=sum(deed.done for deed in deeds)))
    return 1 if any(finding.level == "wrong" for finding in findings) else 0


def line(finding: Finding) -> str:
    """`note   a dead engine's socket is left: /run/...; mending would remove it`."""
    where = f": {finding.where}" if finding.where else ""
    cure = f"; mending would {finding.mend}" if finding.mend else ""
    return one_line(f"{finding.level:6} {finding.what}{where}{cure}")


def counts(findings: Sequence[Finding], mended: int) -> str:
    """`21 checks: 19 ok, 1 note, 1 wrong; `trex doctor --mend` would mend 1`."""
    number = Counter(finding.level for finding in findings)
    said = f"{len(findings)} checks: {number['ok']} ok, {number['note']} to note, {number['wrong']} wrong"
    can = sum(finding.cure is not None for finding in findings)
    return said + (f"; {mended} mended" if mended else f"; `trex doctor --mend` would mend {can}" if can else "")


def facts(findings: Sequence[Finding], deeds: Sequence[Deed]) -> dict[str, Any]:
    """For programs. With `--mend`, the findings are those after it."""
    said = [{"level": f.level, "what": f.what, "where": f.where, "mend": f.mend} for f in findings]
    return {"findings": said, "mended": deeds}
