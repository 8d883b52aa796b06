"""The local language model as a writer of rows: what it is asked, within which budget, and what may come of it."""
