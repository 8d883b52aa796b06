"""Talking to a trained adapter and to its base model: a child process, and the half that asks it."""
