"""The types of the data operators, by what they are for. Import them from `engine.aidp.recipe`.

Light on purpose: the engine, the Researcher and the interface read recipes without importing `datasets`.
"""
