"""Rows that say again what an earlier row says: by their words, by their characters, by their meaning."""
