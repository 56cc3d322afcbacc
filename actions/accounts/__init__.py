"""Accounts in conversation: binding, proving who one is, choosing between accounts, and changing what is on file."""
