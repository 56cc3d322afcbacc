"""Talks to the running bot in the terminal, as the customer's phone would: ``runxia chat``, ``runxia replay FILE``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TextIO

import httpx

from runxia.phone import Phone

HELP = "输入一句话就发给小润；输入按钮的编号等于点它。/位置 纬度,经度  /照片  /退出"
TAPPED = "（点）"
# 顾客：…, **小润**：… as docs/transcripts.md has them; what follows until the next speaker belongs to the same message.
_SPEAKER = re.compile(r"^(?:\*\*)?(顾客|小润)(?:\*\*)?[：:]\s?(.*)$")
BETWEEN = ("#", "*（")  # what a line begins with that nobody says


@dataclass(frozen=True, slots=True)
class Line:
    """What one of the two said in a transcript."""

    who: str  # 顾客 or 小润
    text: str


def read_transcript(lines: Iterable[str]) -> list[Line]:
    """The messages of a transcript: text with 顾客： and 小润： before each, or Markdown as ``make transcripts`` writes it.

    A heading (``## …``) or what happens meanwhile (``*（过了5分钟）*``) ends a message; what stands before the first speaker
    is left out.
    """
    found: list[Line] = []
    speaking = False
    for line in (line.rstrip() for line in lines):
        said = _SPEAKER.match(line)
        if said:
            found.append(Line(said[1], said[2]))
        elif speaking and not line.startswith(BETWEEN):
            found[-1] = Line(found[-1].who, f"{found[-1].text}\n{line}".rstrip())
        speaking = bool(said) or (speaking and not line.startswith(BETWEEN))
    return [Line(line.who, line.text.strip()) for line in found]


async def chat(phone: Phone, typed: Iterator[str], out: TextIO) -> None:
    """Send what is typed, show what is answered, until ``/退出`` or the end."""
    print(HELP, file=out)
    for line in typed:
        text = line.strip()
        if text in ("/退出", "/quit", "/exit"):
            return
        if text:
            print(await _do(phone, text), file=out, flush=True)


async def _do(phone: Phone, text: str) -> str:
    command, _, argument = text.partition(" ")
    try:
        if command == "/位置":
            latitude, longitude = (float(part) for part in argument.split(","))
            answer = await phone.send(type="location", latitude=latitude, longitude=longitude, label="我的位置")
        elif command == "/照片":
            answer = await phone.send(type="image")
        elif text.isdigit() and 0 < int(text) <= len(phone.offered):
            answer = await phone.tap(phone.offered[int(text) - 1])
        else:
            answer = await phone.say(text)
    except ValueError:
        return f"看不懂这条命令。{HELP}"
    except httpx.HTTPStatusError as error:
        return f"沙箱不收这条消息（{error.response.status_code}）：{error.response.text[:200]}"
    return _numbered(answer, phone.offered) or "（没有回复）"


def _numbered(answer: str, offered: list[str]) -> str:
    for number, title in enumerate(offered, 1):
        answer = answer.replace(f"[{title}]", f"[{number}] {title}")
    return answer


async def replay(phone: Phone, lines: list[Line], out: TextIO) -> int:
    """Say again what the customer said; show the answers, and how many differ from those in the transcript.

    Figures and codes change from day to day: answers are compared without their digits.
    """
    different = 0
    for line, told in zip(lines, [*lines[1:], None], strict=True):
        if line.who != "顾客":
            continue
        print(f"顾客：{line.text}", file=out)
        title = line.text.removeprefix(TAPPED)
        answer = await (phone.tap(title) if line.text.startswith(TAPPED) and title in phone.offered else phone.say(title))
        print(f"小润：{answer}", file=out, flush=True)
        if told is not None and told.who == "小润" and _words(told.text) != _words(answer):
            different += 1
            print(f"　　（原来是：{told.text}）", file=out)
    return different


def _words(text: str) -> str:
    return re.sub(r"[\d\s.,:*×]+", "", text)
