"""What an application says and changes, as lines for a phone; whole sentences are in ``data/responses/applications.yml``."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from actions import figures
from actions.applications.reading import KIND_NAMES
from actions.billing import KIND_NAMES as NATURES
from runxia.masking import mask_address, mask_name, mask_phone
from runxia.utility import ApplicationRules
from services.applications import Filing, View
from services.applications.rules import TariffChange


def full_day(day: date) -> str:
    """``2026年12月1日``."""
    return f"{day.year}年{figures.day(day)}"


def document_names(ids: Iterable[str], rules: ApplicationRules) -> str:
    """Documents by name, one line each."""
    return "\n".join(f"· {rules.documents.get(each, each)}" for each in ids)


def filing_lines(filing: Filing, rules: ApplicationRules, label: str | None, *, masked: bool) -> str:
    """What is applied for. ``label``: of the account. ``masked``: personal data is hidden, as everywhere but in the
    customer's own draft, which they are to check.
    """
    use = next((each.name for each in rules.installation.uses if each.use == filing.use), filing.use)
    name, phone, address = filing.name or "", filing.phone or "", filing.address or ""
    shown = (
        ("业务", KIND_NAMES[filing.kind]),
        ("户号", label),
        ("用水地址", mask_address(address) if masked else address),
        ("用途", use),
        ("申请人", mask_name(name) if masked else name),
        ("联系电话", mask_phone(phone) if masked else phone),
        ("人数", f"{filing.people}人" if filing.people else None),
        ("改为", NATURES.get(filing.nature or "")),
        ("停水时间", stop_span(filing)),
    )
    return "\n".join(f"{title}：{value}" for title, value in shown if value)


def stop_span(filing: Filing) -> str | None:
    """``2026年12月1日起，到2027年5月31日``."""
    if filing.start is None:
        return None
    return f"{full_day(filing.start)}起，{f'到{full_day(filing.end)}' if filing.end else '恢复日期未定'}"


def tariff_lines(change: TariffChange) -> str:
    """Prices before and after. Where only the tiers' widths change, tier by tier."""
    if change.before.kind != change.after.kind:
        named = (("现在", change.before), ("改后", change.after))
        return "\n".join(f"{when}（{NATURES[prices.kind]}）\n{figures.price_lines(prices)}" for when, prices in named)
    pairs = zip(change.before.steps, change.after.steps, strict=True)
    return "\n".join(
        f"{figures.TIER_NAMES[before.tier or 1]}（{figures.price(before.all_in)}/吨）：全年{_up_to(before.above, before.up_to)}"
        f" → {_up_to(after.above, after.up_to)}"
        for before, after in pairs
    )


def _up_to(above: int, up_to: int | None) -> str:
    return f"{above}吨以上" if up_to is None else f"{above}至{up_to}吨"


def view_line(view: View, state: str) -> str:
    """One application in a list: ``· 报装 SQ202611210001（11月21日提交）：已受理``."""
    return f"· {KIND_NAMES[view.kind]} {view.number}（{figures.day(view.filed_at.date())}提交）：{state}"
