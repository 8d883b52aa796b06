"""The models behind `engine.aidp.services`: made from paths, each loaded when an operator first asks for it.

Only the data process gets here. A model that is not named is not there, and a recipe that needs it is refused.
"""

from __future__ import annotations

from engine.aidp.job import ModelPaths
from engine.aidp.services import Services


def services(paths: ModelPaths) -> Services:
    """What these paths make possible."""
    del paths
    return Services()
