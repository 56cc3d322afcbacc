"""Direct debit (自动扣款): contracts that customers sign with WeChat Pay. CSMS debits by them; nothing here moves money."""

from services.auto_pay.auto_pay import AutoPay, AutoPayStatus
from services.auto_pay.ports import Contract, DebitDesk, Papay

__all__ = ["AutoPay", "AutoPayStatus", "Contract", "DebitDesk", "Papay"]
