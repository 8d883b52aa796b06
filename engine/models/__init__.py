"""Models by name: base models to train and GGUF files for the Researcher; found, fetched, verified, converted."""

from engine.download import Progress
from engine.models.catalogue import CATALOGUE, Entry, Kind
from engine.models.importing import import_file
from engine.models.pull import pull
from engine.models.store import Installed, Listed, find, list_models

__all__ = [
    "CATALOGUE",
    "Entry",
    "Installed",
    "Kind",
    "Listed",
    "Progress",
    "find",
    "import_file",
    "list_models",
    "pull",
]
