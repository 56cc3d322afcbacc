"""The action server: one module per capability, thin. Slots in, one service call, messages and events out."""

from actions import runtime

runtime.register()
