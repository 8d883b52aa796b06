"""Tests of the interface: driven by keys, fed by a fake engine that speaks the real protocol."""
