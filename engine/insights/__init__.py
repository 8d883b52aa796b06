"""Insights found again by meaning: a FAISS index over sentences, in a worker process (`python -P -m engine.insights`).

The rows are `Learned` events in the journal; the index is rebuilt from them and may be deleted at any time.
"""

from engine.insights.index import Found, InsightIndex, Insights, Row
from engine.insights.kin import Kin, kin_of

__all__ = ["Found", "InsightIndex", "Insights", "Kin", "Row", "kin_of"]
