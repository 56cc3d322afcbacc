"""Figures as customers read them on a phone: short lines, no tables. Pure; whole sentences are in ``data/responses``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal

from runxia.money import yuan
from services.billing import Arrears, Comparison, HigherTier, PriceList
from services.billing.explanation import daily_use
from services.billing.months import first_month
from services.ports import Bill, BillLine, BillStatus, Payment, TierUsage, TierUse

TIER_NAMES = {1: "一档", 2: "二档", 3: "三档", 4: "四档", 5: "五档"}
LINE_NAMES = {
    "water": "水费", "sewage": "污水处理费", "resource_fee": "水资源费", "late_fee": "滞纳金", "discount": "减免",
}
STATUS_NAMES = {
    BillStatus.UNPAID: "未缴", BillStatus.PARTLY_PAID: "缴了一部分", BillStatus.PAID: "已缴", BillStatus.DISPUTED: "核实中",
    BillStatus.VOID: "已作废",
}
CHANNEL_NAMES = {"wechat": "微信", "alipay": "支付宝", "bank": "银行", "counter": "营业厅", "credit": "余额抵扣"}
READING_NAMES = {"estimated": "估抄", "customer": "自报"}
WEEKDAYS = "一二三四五六日"
NOTHING = Decimal(0)


def tons(volume: Decimal) -> str:
    """``Decimal("12.50")`` → ``12.5吨``: customers call a m³ a ton."""
    return f"{_plain(volume)}吨"


def daily(volume: Decimal) -> str:
    """Use a day to two places: ``0.39吨``."""
    return f"{volume.quantize(Decimal('0.01'), ROUND_HALF_UP)}吨"


def times(now: Decimal, usual: Decimal) -> str:
    """How many times as much, to one place: ``4.8倍``."""
    return f"{(now / usual).quantize(Decimal('0.1'), ROUND_HALF_UP)}倍"


def price(per_ton: Decimal) -> str:
    """``2.10元``."""
    return f"{per_ton.quantize(Decimal('0.01'))}元"


def day(moment: date) -> str:
    """``9月15日``."""
    return f"{moment.month}月{moment.day}日"


def moment(at: datetime) -> str:
    """``11月22日（周日）9:00``."""
    return f"{day(at)}（周{WEEKDAYS[at.weekday()]}）{at.hour}:{at:%M}"


def until(start: datetime, end: datetime) -> str:
    """``17:00``, with the day where it is another one; midnight is 24:00 of the day that it ends."""
    if end.date() == start.date():
        return f"{end.hour}:{end:%M}"
    return "24:00" if (end - timedelta(seconds=1)).date() == start.date() else moment(end)


def state(start: datetime, end: datetime, now: datetime) -> str:
    """Where something with a start and an expected end stands."""
    if now < start:
        return "还没开始"
    return "正在停水" if now < end else "已到预计来水时间"


def month(period: str) -> str:
    """``2026-08`` → ``2026年8月``."""
    year, number = period.split("-")
    return f"{year}年{int(number)}月"


def months(first: str, last: str) -> str:
    """``2026年8月``, ``2026年7至8月`` or ``2025年12月至2026年2月``."""
    if first == last:
        return month(last)
    if first[:4] == last[:4]:
        return f"{first[:4]}年{int(first[5:])}至{int(last[5:])}月"
    return f"{month(first)}至{month(last)}"


def bill_months(bill: Bill) -> str:
    """The months that a bill covers."""
    return months(first_month(bill), bill.period)


def bill_lines(bill: Bill) -> str:
    """Use, readings and every line of a bill."""
    kind = READING_NAMES.get(bill.reading_kind)
    return _joined([
        f"用水 {tons(bill.volume)}（{day(bill.start)}至{day(bill.end)}，{bill.days}天）",
        f"水表读数 {_plain(bill.previous_reading)} → {_plain(bill.current_reading)}{f'（{kind}）' if kind else ''}",
        *_water(bill),
        *(f"{LINE_NAMES.get(line.kind, '其他')} {yuan(line.amount_fen)}" for line in bill.lines if line.kind != "water"),
    ])


def history_lines(bills: Sequence[Bill]) -> str:
    """One line for each bill."""
    return _joined(
        f"{bill_months(bill)}　{tons(bill.volume)}　{yuan(bill.amount_fen)}　{STATUS_NAMES[bill.status]}" for bill in bills
    )


def average(fen: int, count: int) -> str:
    """The mean amount, rounded half up."""
    return yuan(int((Decimal(fen) / count).quantize(Decimal(1), ROUND_HALF_UP)))


def difference(fen: int) -> str:
    """``多 3.20元``, ``少 3.20元``."""
    return f"{'多' if fen >= 0 else '少'} {yuan(abs(fen))}"


def comparison_lines(bill: Bill, comparison: Comparison) -> str:
    """The parts of the difference, those that are not nothing; they add up to the whole."""
    other = comparison.other
    gap = bill.days - other.days
    now, then = daily_use([bill]), daily_use([other])
    use = "用水量" if now is None or then is None else f"每天用水 {daily(then)} → {daily(now)}"
    parts = (
        (use, comparison.use_fen),
        (f"两次抄表隔得{'更久' if gap > 0 else '更短'}（{other.days}天 → {bill.days}天）", comparison.days_fen),
        ("进了更高的阶梯" if comparison.tier_fen > 0 else "高阶梯的水变少", comparison.tier_fen),
        ("水价调整", comparison.price_fen),
        ("滞纳金", comparison.late_fee_fen),
        ("减免", comparison.discount_fen),
        ("其他", comparison.rest_fen),
    )
    return _joined(f"· {name}：{difference(fen)}" for name, fen in parts if fen)


def higher_tier_lines(steps: Sequence[HigherTier]) -> str:
    """What was charged above the first tier's price."""
    return _joined(
        f"· {tons(step.volume)}按{TIER_NAMES[step.tier]}价 {price(step.price)}/吨，比一档多 {yuan(step.extra_fen)}"
        for step in steps
    )


def tier_lines(usage: TierUsage) -> str:
    """How much of each tier is used and left."""
    return _joined(f"{TIER_NAMES[tier.tier]}（水费 {price(tier.price)}/吨）：{_tier_state(tier)}" for tier in usage.tiers)


def tier_now(usage: TierUsage) -> TierUse:
    """The tier that the next m³ falls into."""
    return next((tier for tier in usage.tiers if tier.limit is None or tier.used < tier.limit), usage.tiers[-1])


def household(people: int, included: int) -> str:
    """Whom the tiers are for: ``4口及以下``, ``6口之家``."""
    return f"{people}口及以下" if people <= included else f"{people}口之家"


def price_lines(prices: PriceList) -> str:
    """What a m³ costs with everything, tier by tier."""
    if prices.people is None:
        step = prices.steps[0]
        return _joined([
            f"每吨 {price(step.all_in)}",
            f"（水费 {price(step.water)}，污水处理费 {price(step.sewage)}，水资源费 {price(step.resource_fee)}）",
        ])
    return _joined(
        f"{TIER_NAMES[step.tier or 1]}（全年{_span(step.above, step.up_to)}）　{price(step.all_in)}/吨，"
        f"其中水费 {price(step.water)}"
        for step in prices.steps
    )


def arrears_line(label: str, arrears: Arrears) -> str:
    """One account's debt: bills, amount, what of it is late fee, what is overdue or in dispute."""
    said = "没有欠费"
    if arrears.bills:
        said = f"{len(arrears.bills)}期没缴，{yuan(arrears.owed_fen)}"
        notes = [f"{arrears.overdue}期已过期"] if arrears.overdue else []
        if arrears.late_fee_fen:
            notes.append(f"含滞纳金 {yuan(arrears.late_fee_fen)}")
        said += f"（{'，'.join(notes)}）" if notes else ""
    disputed = f"；另有{len(arrears.disputed)}期在核实，先不用缴" if arrears.disputed else ""
    return f"· {label}：{said}{disputed}"


def payment_lines(payments: Sequence[Payment]) -> str:
    """One line for each payment."""
    return _joined(
        f"{payment.paid_at.year}年{day(payment.paid_at.date())}　{yuan(payment.amount_fen)}　"
        f"{CHANNEL_NAMES.get(payment.channel, '其他方式')}{f'（{month(payment.period)}账单）' if payment.period else ''}"
        for payment in payments
    )


def _water(bill: Bill) -> list[str]:
    water = [line for line in bill.lines if line.kind == "water"]
    total = f"水费 {yuan(sum(line.amount_fen for line in water))}"
    if not water:
        return []
    if len(water) == 1 and (water[0].tier or 1) == 1:
        return [f"{total}{_product('（', water[0], '）')}"]
    return [total, *(f"· {TIER_NAMES[line.tier or 1]}{_product(' ', line, '')}，{yuan(line.amount_fen)}" for line in water)]


def _product(before: str, line: BillLine, after: str) -> str:
    if line.volume is None or line.price is None:
        return ""
    return f"{before}{tons(line.volume)} × {price(line.price)}{after}"


def _tier_state(tier: TierUse) -> str:
    if tier.limit is not None and tier.used >= tier.limit:
        return f"{tons(tier.limit)}已用完"
    if tier.used == NOTHING:
        return "还没用到"
    left = "" if tier.limit is None else f"，还剩 {tons(tier.limit - tier.used)}"
    return f"已用 {tons(tier.used)}{left}"


def _span(above: int, up_to: int | None) -> str:
    if up_to is None:
        return f"超过{above}吨的部分"
    return f"{above + 1 if above else 0}至{up_to}吨"


def _plain(number: Decimal) -> str:
    return f"{number.normalize():f}"


def _joined(lines: Iterable[str]) -> str:
    return "\n".join(lines)
