"""What the utility does for its customers, in plain Python: no HTTP, no Rasa, no sanic."""
