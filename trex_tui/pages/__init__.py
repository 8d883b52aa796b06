"""What the tabs of a node say, as text: one file per tab. Functions of a `Subject`; no widgets."""
