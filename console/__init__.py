"""The staff's web console: a sanic application with one blueprint for each concern."""
