"""Widgets: one file each. They pull from the store when something in it has changed."""
