"""Applications in conversation: new connections, stopping and restoring, larger households, another use of the water."""
