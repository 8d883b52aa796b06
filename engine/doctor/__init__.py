"""The doctor: looks at a workspace, says what is wrong with it and what mending would do, and does that when asked.

`examine` changes nothing; `mend` does what a finding announced and no more. Neither removes a result, an adapter or an
event. Not the checking of scores (`engine.report.verify`) and not what the engine mends by itself at every start.
"""

from engine.doctor.examine import examine
from engine.doctor.finding import Finding
from engine.doctor.mend import Deed, mend

__all__ = ["Deed", "Finding", "examine", "mend"]
