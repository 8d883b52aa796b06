"""What the interface knows, as plain data. Imports no textual."""
