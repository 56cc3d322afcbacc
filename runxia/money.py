"""Money is integer fen everywhere; yuan exist only in what people read and in other systems' files."""

from __future__ import annotations

from decimal import Decimal


def yuan(fen: int) -> str:
    """Show an amount as customers read it: ``8640`` → ``86.40元``."""
    sign = "-" if fen < 0 else ""
    whole, part = divmod(abs(fen), 100)
    return f"{sign}{whole}.{part:02d}元"


def fen_from_yuan(text: str) -> int:
    """Read an amount in yuan from another system's file.

    Raises:
        ValueError: not a decimal number, or finer than a fen.
    """
    try:
        fen = Decimal(text.strip()) * 100
    except ArithmeticError as error:
        raise ValueError(f"not an amount in yuan: {text!r}") from error
    if not fen.is_finite() or fen != fen.to_integral_value():
        raise ValueError(f"not an amount in yuan: {text!r}")
    return int(fen)
