"""The Researcher: reads what the search knows, proposes plans, reads what came of them.

The language model runs in a process of its own (`python -P -m engine.researcher MODEL.gguf`); nothing else here
imports llama_cpp. Its text can fill a field of a plan, nothing more.
"""
