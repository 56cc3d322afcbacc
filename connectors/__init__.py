"""Clients of outside systems, one package each. Every one raises :class:`services.errors.SystemUnavailable` for its system."""
