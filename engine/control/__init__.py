"""How interfaces and commands talk to the engine: a Unix socket, msgpack frames, a versioned protocol."""
