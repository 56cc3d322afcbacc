"""Readings in conversation: customers' own, those on file, those in doubt; visits to read a meter, and checks of meters."""
