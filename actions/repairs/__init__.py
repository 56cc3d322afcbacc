"""Repairs, complaints and suggestions: the dialogues.

``reporting`` takes a fault up, ``feedback`` complaints and suggestions, ``orders`` what became of them, ``rating`` what the
customer thinks of it.
"""
