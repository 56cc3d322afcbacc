"""Bills, arrears, use by tier, prices and payments of an account, and why a bill is what it is."""

from services.billing.explanation import Comparison, Explanation, HigherTier, Leak
from services.billing.queries import Arrears, Billing, Current, History
from services.billing.tariff import PriceList, PriceStep

__all__ = [
    "Arrears", "Billing", "Comparison", "Current", "Explanation", "HigherTier", "History", "Leak", "PriceList", "PriceStep",
]
