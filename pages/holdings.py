"""What is stored about a customer, in words: the file has the columns as they are, the page only what a person can read."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from runxia.money import yuan
from services.privacy import Holding

SHOWN = 200  # rows of a kind on the page
Line = tuple[str, str]

LABELS = {
    "account_no": "户号", "alias": "名称", "owner": "户主", "address": "地址", "is_default": "默认户号", "created_at": "时间",
    "changed_at": "更新时间", "closed_at": "结束时间", "done_at": "完成时间", "sent_at": "发出时间", "used_at": "上次使用",
    "paid_at": "付款时间", "settled_at": "入账时间", "signed_at": "签约时间", "ended_at": "解约时间", "promised_at": "承诺时间",
    "until": "有效期到", "topic": "通知",
    "overuse_volume": "用水超过（吨）", "overuse_fen": "水费超过", "pay_days": "提前几天提醒缴费",
    "balance_fen": "余额低于", "starts": "开始", "ends": "结束", "entry": "常见问题", "score": "评分", "rating": "评分",
    "comment": "评语", "rating_comment": "评语", "reason": "原因", "detail": "说明", "result": "处理结果", "crew": "处理人员",
    "kind": "类型", "category": "问题", "state": "状态", "name": "名称", "title": "抬头", "tax_number": "税号", "email": "邮箱",
    "size": "大小", "amount_fen": "金额", "purpose": "用途", "out_trade_no": "订单号", "transaction_id": "微信支付单号",
    "request_no": "申请号", "invoice_nos": "发票号码", "order_no": "单号", "application_no": "受理号",
    "contract_code": "签约号", "facts": "申请内容", "reminders": "催办次数", "urgency": "紧急程度", "phone": "电话",
    "use": "用途", "nature": "改为", "people": "人数", "start": "停水从", "end": "停水到",
    "waiting_since": "等待人工从", "last_at": "上次联系", "value": "读数", "since": "存疑的账单", "day": "日期", "part": "时段",
}
WORDS = {
    "text": "文字", "image": "照片", "voice": "语音", "video": "视频", "person": "个人", "company": "单位",
    "outage": "停水通知", "quality": "水质通知", "bills": "水费", "prepay": "预存",
    "install": "报装", "stop": "报停", "restore": "恢复用水", "household": "一户多人口", "nature": "改用水性质",
    "residential": "居民", "commercial": "商业", "special": "特种", "temporary": "临时用水",
    "repair": "报修", "complaint": "投诉", "suggestion": "建议",
    "burst": "水管爆裂", "leak": "漏水", "no_water": "没水", "low_pressure": "水压低、水小", "discoloured": "水发黄或浑浊",
    "odour": "水有异味", "meter": "水表故障", "valve": "阀门坏了", "cover": "井盖问题", "other": "其他问题",
    "reading": "报读数", "dispute": "读数复核", "visit": "上门抄表", "check": "水表校验",
    "morning": "上午", "afternoon": "下午",
    "immediate": "特急", "urgent": "紧急", "normal": "一般",
    "created": "待付款", "begun": "待付款", "prepaid": "待付款", "paid": "已付款", "settled": "已入账", "closed": "已关闭",
    "offered": "等待签约", "signed": "已签约", "ended": "已结束", "waiting": "等待中", "sent": "已发出",
    "received": "已受理", "reviewing": "审核中", "documents_missing": "待补材料", "surveying": "勘察中", "quoted": "已报价",
    "awaiting_payment": "待缴费", "constructing": "施工中", "done": "已办结", "rejected": "未通过", "withdrawn": "已撤回",
    "accepted": "已受理", "assigned": "已派单", "on_site": "处理中", "cancelled": "已取消",
    "filing": "提交中", "corrected": "已更正", "upheld": "维持原读数", "booked": "已约好",
    "scheduled": "已排期", "qualified": "校验合格", "unqualified": "校验不合格",
}
# What tells a customer nothing: numbers of ours, and how far our own machinery has got.
HIDDEN = frozenset({
    "message_id", "content_type", "excess", "prepay_id", "contract_id", "untold", "request_key", "version", "rating_state",
    "reminded_at", "payload", "trigger", "escalated_at", "snoozed_until", "told_closed_at", "last_by", "last_intent",
    "last_confidence", "lowest_confidence", "fallbacks", "fell_back", "angry", "has_photo", "has_voice", "outcome",
})
UNSPOKEN = {"image": "（照片）", "voice": "（语音）", "video": "（视频）", "location": "（位置）", "event": "（点了菜单）"}
SPEAKERS = {"in": "您", "out": "小润"}


def sections(holdings: list[Holding]) -> list[tuple[str, int, list[list[Line]]]]:
    """Title, count and the newest rows of each kind."""
    return [(each.title, len(each.rows), [_row(each.name, row) for row in reversed(each.rows[-SHOWN:])]) for each in holdings]


def _row(kind: str, row: Mapping[str, Any]) -> list[Line]:
    if kind == "message":
        return [(f"{row.get('created_at', '')}　{SPEAKERS.get(row.get('direction', ''), '')}", _spoken(row))]
    return [(LABELS[name], said(name, value)) for name, value in row.items() if name in LABELS and name not in HIDDEN]


def _spoken(message: Mapping[str, Any]) -> str:
    """The words of a message, or what it was."""
    content = message.get("content")
    words = content.get("shown") or content.get("text") if isinstance(content, Mapping) else content
    return str(words or UNSPOKEN.get(str(message.get("kind")), "（没有文字）"))


def said(name: str, value: Any) -> str:
    """A value as a customer reads it."""
    if isinstance(value, bool):
        return "是" if value else "否"
    if name.endswith("_fen"):
        return yuan(int(value))
    if name == "size":
        return f"{max(1, int(value) // 1024)} KB"
    if name == "invoice_nos":
        return "、".join(json.loads(value))
    if isinstance(value, Mapping):
        return "，".join(f"{LABELS[key]} {said(key, part)}" for key, part in value.items() if key in LABELS and part)
    return WORDS.get(str(value), str(value))
