"""What a message of WeChat means to the dialogue."""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from typing import Final

from connectors.wechat import messages as m
from gateway import wording
from gateway.menu import INTENTS
from services.prompts import Prompt, Prompts
from services.secrets import Secrets

MAX_CHARACTERS: Final = 1000  # of a customer's text; WeChat lets hardly more through, and nobody asks for more
_HIDDEN: Final = "（密码，已隐去）"
_SECRET: Final = re.compile(r"(?=.*[A-Za-z])[\x21-\x7e]{8,20}", re.ASCII)
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Heard:
    """A message made ready for the dialogue; it is stored like this, so that it can be taken up again after a crash.

    Exactly one of ``message`` (for the dialogue), ``reply`` (a fixed answer) and ``photo`` (WeChat's id of a photo still to be
    fetched) is set; none means that there is nothing to answer. ``shown`` is what staff may read of it; ``media`` our own id of
    a photo that was fetched.
    """

    shown: str
    message: str | None = None
    reply: str | None = None
    photo: str | None = None
    media: str | None = None

    @property
    def said(self) -> str:
        """The customer's own words; none where they tapped, sent something else, or typed a secret."""
        own = self.message is not None and not self.message.startswith("/")
        return self.shown if own else ""

    @property
    def wants_answer(self) -> bool:
        """Whether the customer waits for something."""
        return any((self.message, self.reply, self.photo))

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def load(cls, content: str) -> Heard:
        """From JSON."""
        return cls(**json.loads(content))


class Hearing:
    """Turns messages into what the dialogue understands."""

    def __init__(self, prompts: Prompts, secrets: Secrets) -> None:
        self._prompts = prompts
        self._secrets = secrets

    async def hear(self, inbound: m.Inbound) -> Heard:
        """Understand a message, without asking anyone but our own store."""
        match inbound:
            case m.TextMessage(content=content):
                return await self._text(inbound.openid, content)
            case m.MenuTap(content=content, menu_id=menu_id):
                return await self._tap(inbound.openid, menu_id, content)
            case m.VoiceMessage(recognition=words) if words:
                prompt = await self._prompts.read(inbound.openid)
                return _choice_or_words(prompt, words.rstrip("。！？!?.， "))
        return _thing(inbound) or _doing(inbound) or Heard(shown=_note(inbound))

    async def _text(self, openid: str, content: str) -> Heard:
        prompt = await self._prompts.read(openid)
        if prompt.expects == "secret" and not prompt.chosen(content) and _SECRET.fullmatch(content):
            handle = await self._secrets.put(openid, content)
            return Heard(shown=_HIDDEN, message=f"/inform{json.dumps({'secret': handle})}")
        return _choice_or_words(prompt, content)

    async def _tap(self, openid: str, menu_id: str, title: str) -> Heard:
        prompt = await self._prompts.read(openid)
        if payload := prompt.tapped(menu_id):
            return Heard(shown=title[:100], message=payload)
        return _choice_or_words(prompt, title)


def _choice_or_words(prompt: Prompt, content: str) -> Heard:
    words = _CONTROLS.sub("", content).strip()[:MAX_CHARACTERS]
    if not words:
        return Heard(shown="", reply=wording.NO_WORDS)
    if payload := prompt.chosen(words):
        return Heard(shown=words, message=payload)
    # Only the gateway makes payloads: a customer's slash must not look like one.
    return Heard(shown=words, message=f"／{words[1:]}" if words.startswith("/") else words)


def _thing(inbound: m.Inbound) -> Heard | None:
    """A message without words."""
    match inbound:
        case m.VoiceMessage():
            return Heard(shown="[语音]", reply=wording.NOT_HEARD)
        case m.ImageMessage(media_id=media_id):
            return Heard(shown="[图片]", photo=media_id)
        case m.VideoMessage() | m.ShortVideoMessage():
            return Heard(shown="[视频]", reply=wording.NO_VIDEO)
        case m.LinkMessage(title=title):
            return Heard(shown=f"[链接] {title[:100]}", reply=wording.NO_LINK)
        case m.LocationMessage(latitude=latitude, longitude=longitude, label=label):
            place = {"location": f"{latitude},{longitude}"}
            return Heard(shown=f"[位置] {label[:100]}", message=f"/inform{json.dumps(place)}")
        case m.OtherMessage(name=name, is_event=False):
            return Heard(shown=f"[{name[:40]}]", reply=wording.NO_WORDS)
    return None


def _doing(inbound: m.Inbound) -> Heard | None:
    """An event that the customer expects an answer to."""
    match inbound:
        case m.Subscribe(scene=scene):
            return Heard(shown=f"[关注] {scene[:100]}", message="/greet")
        case m.Scan(scene=scene):
            return Heard(shown=f"[扫码] {scene[:100]}", message="/greet")
        case m.MenuClick(event_key=intent) if intent in INTENTS:
            return Heard(shown=f"[菜单] {intent}", message=f"/{intent}")
        case m.MenuClick(event_key=intent):
            return Heard(shown=f"[菜单] {intent[:100]}", reply=wording.MENU_CHANGED)
    return None


def _note(inbound: m.Inbound) -> str:
    match inbound:
        case m.MenuView(url=url):
            return f"[打开网页] {url[:200]}"
        case m.TemplateSent(message_id=message_id, status=status):
            return f"[模板消息] {message_id} {status[:40]}"
        case m.OtherMessage(name=name):
            return f"[事件] {name[:40]}"
    return f"[{inbound.kind}]"
