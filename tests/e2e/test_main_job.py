"""The main job, end to end: a customer binds an account, asks about the bill, and pays it."""

from __future__ import annotations

import re

from tests.dialogue.conversation import Player


async def test_bind_ask_explain_pay(player: Player) -> None:
    customer = player.customer
    account = player.accounts["arrears"]

    answer = await customer.say("你好，我想把家里的水表户号绑到微信上")
    assert "户号" in answer
    answer = await customer.say(f"户号{account['account_no']}")
    assert str(account["owner"]) not in answer, "the owner's name must be masked"
    assert re.search(r"\*", answer)
    await customer.tap("是的")
    answer = await customer.say(await customer.code(str(account["phone"])))
    assert "账单" in answer
    await customer.tap("只要电子账单")

    answer = await customer.say("这个月水费账单发我看看")
    assert re.search(r"\d+\.\d\d元", answer)
    answer = await customer.say("为什么这么贵啊")
    assert "吨" in answer
    answer = await customer.say("行吧，欠的都付了")
    unpaid = [bill for bill in account["bills"] if bill["status"] in ("unpaid", "partly_paid")]
    owed = sum(bill["amount_fen"] - bill["paid_fen"] for bill in unpaid)
    assert f"{owed // 100}.{owed % 100:02d}" in answer.replace(",", "")
    answer = await customer.say("对")
    assert any("/p/pay/" in link for link in customer.shown[-1].links)
    answer = await customer.pay()
    assert "收到" in answer

    answer = await customer.say("现在还欠多少")
    assert re.search(r"没有欠|不欠|都交清|已结清|没有.{0,6}(欠|待缴)", answer), answer
