"""What the desk says to customers of its own accord."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from runxia.utility import Hotline

BACK_TO_BOT: Final = "EXTERNAL_back_from_person"
ASK_RATING: Final = "这次的人工服务您满意吗？点一下就好。"
RATINGS: Final = ((3, "满意"), (2, "一般"), (1, "不满意"))
RATE: Final = "/desk_rate:"  # the payload of a rating; the score follows. Only the gateway makes payloads
THANKS: Final = {
    3: "谢谢您的肯定，祝您生活愉快。", 2: "谢谢您的评价，我们会做得更好。", 1: "很抱歉没让您满意，主管会看这次服务的记录。",
}


def queued(ahead: int) -> str:
    """That a person comes, and how many come first."""
    place = f"前面还有 {ahead} 位在等，" if ahead else ""
    return f"这件事我请人工客服来帮您。{place}同事看到就在这里回您，您可以先把情况写下来。"


def closed(opens: datetime | None, now: datetime, hotline: Hotline) -> str:
    """That nobody is there, and when somebody will be."""
    when = f"{day_of(opens, now)} {opens:%H:%M} 上班后" if opens else "上班后"
    return f"人工客服现在不在，您的话我们都记下了，同事{when}会在这里回您。急事请打 {hotline.phone}（{hotline.hours}）。"


def day_of(moment: datetime, now: datetime) -> str:
    """今天, 明天, or the date."""
    days = (moment.date() - now.date()) // timedelta(days=1)
    return {0: "今天", 1: "明天"}.get(days) or f"{moment.month}月{moment.day}日"
