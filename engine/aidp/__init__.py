"""AIDP: data operators and recipes on Hugging Face Datasets, usable inside the search and alone."""
