"""What a demonstration or a test turns: fixture, reset, clock, faults, the counter."""

from sandbox.controls import hotline
from sandbox.controls.api import bp

__all__ = ["bp", "hotline"]
