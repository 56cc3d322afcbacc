"""Components of the language pipeline; ``config.yml`` says in what order they run."""
