"""FT-Bench's scoring: metrics over judged rows, usable alone."""
