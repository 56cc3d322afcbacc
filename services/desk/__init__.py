"""The desk of customer service: what staff see of conversations, and what they do with them.

``ledger`` keeps each conversation's row up to date; ``roster`` knows who is there; ``takeover`` and ``sending`` are what agents
do; ``inbox`` and ``search`` what they read; ``reviews`` what they add. ``services.handover`` brings customers here.
"""
