"""Tests of the store and the outbox."""
