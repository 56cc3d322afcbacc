"""Background work: what cannot be done while a customer waits. See :mod:`worker.tasks` for what, :mod:`worker.app` for when."""
