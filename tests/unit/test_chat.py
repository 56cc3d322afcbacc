"""The developer's terminal: transcripts are read as people and our own tools write them; answers are compared in words."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest

from runxia.chat import Line, chat, read_transcript, replay
from runxia.phone import Phone

MARKDOWN = """# 小润的对话

## 从绑定到付清

**顾客**：查水费

**小润**：这期 86.40 元。
要现在付吗？

*（过了5分钟）*

## 另一段

**顾客**：（点）付款
"""


class Sandbox:
    """The sandbox's API: answers each message with what is next in ``answers``."""

    def __init__(self, *answers: dict[str, Any]) -> None:
        self.answers = list(answers)
        self.heard: list[dict[str, Any]] = []
        self.told: list[dict[str, Any]] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        import json

        if request.method == "POST":
            self.heard.append(json.loads(request.content))
            rendered = {"kind": "text", "direction": "out", "id": len(self.heard), **self.answers.pop(0)}
            self.told = [rendered]
            return httpx.Response(200, json={"messages": []})
        return httpx.Response(200, json={"messages": self.told})


@pytest.fixture
def phone_to() -> Any:
    def connect(sandbox: Sandbox) -> Phone:
        return Phone("http://sandbox", httpx.AsyncClient(transport=httpx.MockTransport(sandbox)), "o1")

    return connect


def test_markdown_transcripts_are_read() -> None:
    assert read_transcript(MARKDOWN.splitlines()) == [
        Line("顾客", "查水费"), Line("小润", "这期 86.40 元。\n要现在付吗？"), Line("顾客", "（点）付款"),
    ]


def test_plain_transcripts_are_read() -> None:
    assert read_transcript(["顾客：你好", "小润：您好", "在的", "顾客：再见"]) == [
        Line("顾客", "你好"), Line("小润", "您好\n在的"), Line("顾客", "再见"),
    ]


async def test_chat_numbers_the_buttons_and_taps_them(phone_to: Any) -> None:
    sandbox = Sandbox({"text": "确认吗？", "buttons": [{"title": "是的", "id": "b1"}]}, {"text": "好了"})
    out = io.StringIO()
    await chat(phone_to(sandbox), iter(["查水费\n", "\n", "1\n", "/退出\n", "不再发"]), out)
    assert "[1] 是的" in out.getvalue()
    assert [message.get("menu_id") for message in sandbox.heard] == [None, "b1"]


async def test_chat_survives_commands_that_make_no_sense(phone_to: Any) -> None:
    out = io.StringIO()
    await chat(phone_to(Sandbox()), iter(["/位置 这里"]), out)
    assert "看不懂这条命令" in out.getvalue()


async def test_replay_counts_answers_that_differ_in_words_not_in_figures(phone_to: Any) -> None:
    lines = [Line("顾客", "查水费"), Line("小润", "这期 86.40 元"), Line("顾客", "谢谢"), Line("小润", "不客气")]
    out = io.StringIO()
    assert await replay(phone_to(Sandbox({"text": "这期 12.00 元"}, {"text": "再见"})), lines, out) == 1
    assert "（原来是：不客气）" in out.getvalue()
