"""The engine: searches for a better fine-tuning of a language model, without a terminal.

Not the interface (that is `trex_tui`). Importing this package loads nothing heavy: torch, transformers,
datasets, faiss and llama_cpp are imported only inside the child processes that need them.
"""

__version__ = "0.4.0"
