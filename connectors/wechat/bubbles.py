"""What the dialogue says as the fewest messages that WeChat can show."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from connectors.wechat.limits import MSGMENU_ITEMS, TEXT_BYTES
from connectors.wechat.text import size, split

Answer = Mapping[str, Any]  # one of Rasa's REST answers: text, buttons, custom
_PARAGRAPH = "\n\n"


@dataclass(frozen=True, slots=True)
class Button:
    """A choice: what it says, what the dialogue hears when it is taken, and its id in a msgmenu."""

    title: str
    payload: str
    id: str = ""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of at most 2048 bytes."""

    text: str


@dataclass(frozen=True, slots=True)
class Menu:
    """A text with choices (msgmenu)."""

    text: str
    buttons: tuple[Button, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """A picture from our own media store."""

    media_id: str


Bubble = Text | Menu | Image


def buttons_of(answers: Sequence[Answer]) -> tuple[Button, ...]:
    """The choices that are open now: those of the last answer that offers any, each once.

    An answer to a digression may offer its own before the task asks its question again; only the question's are left then.
    """
    offers = next((answer["buttons"] for answer in reversed(answers) if answer.get("buttons")), ())
    found = {button["payload"]: Button(title=button["title"], payload=button["payload"]) for button in offers}
    return tuple(found.values())


def compose(answers: Sequence[Answer], buttons: Sequence[Button]) -> list[Bubble]:
    """Merge ``answers`` into bubbles: texts run together, the ``buttons`` go under the last text."""
    bubbles: list[Bubble] = []
    paragraphs: list[str] = []

    def flush() -> None:
        bubbles.extend(Text(piece) for piece in split(_PARAGRAPH.join(paragraphs)))
        paragraphs.clear()

    for answer in answers:
        custom = answer.get("custom") or {}
        if text := str(answer.get("text") or "").strip():
            paragraphs.append(text)
        if custom.get("kind") == "link":
            paragraphs.append(_link(custom))
        elif custom.get("kind") == "image":
            flush()
            bubbles.append(Image(str(custom["media_id"])))
    flush()
    return _with_menu(bubbles, tuple(buttons)) if buttons else bubbles


def numbered(bubble: Text | Menu) -> str:
    """A menu as plain text: choices with numbers to type, for where a msgmenu cannot go."""
    if isinstance(bubble, Text):
        return bubble.text
    lines = [f"{number}. {button.title}" for number, button in enumerate(bubble.buttons, start=1)]
    return f"{bubble.text}{_PARAGRAPH}" + "\n".join([*lines, "（回复数字即可）"])


def as_text(bubbles: Sequence[Bubble]) -> str | None:
    """All bubbles as one text that fits a passive reply, or none where that cannot be."""
    texts = [numbered(bubble) for bubble in bubbles if not isinstance(bubble, Image)]
    whole = _PARAGRAPH.join(texts)
    return whole if texts and len(texts) == len(bubbles) and size(whole) <= TEXT_BYTES else None


def dump(bubble: Bubble) -> str:
    """A bubble as JSON, to be stored."""
    content: dict[str, Any] = {}
    match bubble:
        case Text(text):
            content = {"text": text}
        case Menu(text, buttons):
            content = {"text": text, "buttons": [{"id": b.id, "title": b.title, "payload": b.payload} for b in buttons]}
        case Image(media_id):
            content = {"image": media_id}
    return json.dumps(content, ensure_ascii=False)


def load(content: str) -> Bubble:
    """The bubble that :func:`dump` wrote."""
    fields = json.loads(content)
    if "image" in fields:
        return Image(fields["image"])
    if buttons := fields.get("buttons"):
        return Menu(fields["text"], tuple(Button(b["title"], b["payload"], b["id"]) for b in buttons))
    return Text(fields["text"])


def _link(custom: Mapping[str, Any]) -> str:
    # WeChat takes the address as it stands, without entities: only what would end the attribute is encoded.
    address = str(custom["url"]).replace('"', "%22")
    anchor = f'<a href="{address}">{custom["title"]}</a>'
    text = str(custom.get("text") or "").strip()
    return f"{text}\n{anchor}" if text else anchor


def _with_menu(bubbles: list[Bubble], buttons: tuple[Button, ...]) -> list[Bubble]:
    """Put the choices under the last text: as a msgmenu, or as a numbered list where they are too many for one."""
    last = bubbles[-1] if bubbles and isinstance(bubbles[-1], Text) else None
    rest = bubbles[:-1] if last else bubbles
    menu = Menu(last.text if last else "请选择：", buttons)
    if len(buttons) > MSGMENU_ITEMS:
        return [*rest, *(Text(piece) for piece in split(numbered(menu)))]
    *whole, head = split(menu.text, TEXT_BYTES - sum(size(button.title) for button in buttons))
    return [*rest, *(Text(piece) for piece in whole), replace(menu, text=head)]
