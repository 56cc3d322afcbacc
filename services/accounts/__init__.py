"""Accounts: which utility accounts a customer holds, and how they prove that they may see and change them."""

from services.accounts.accounts import Accounts, choose, named_in
from services.accounts.model import BoundAccount, Preview, Purpose

__all__ = ["Accounts", "BoundAccount", "Preview", "Purpose", "choose", "named_in"]
