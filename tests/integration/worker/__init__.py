"""Tests of the worker over real brokers."""
