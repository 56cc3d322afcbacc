"""What a WeChat user sees of a message: the ``rendered`` half of every entry of the message list.

Keys, where they apply: ``text`` (HTML with nothing but ``<a href>``), ``plain`` (the same without tags), ``links``
(``[{text, url}]``), ``buttons`` (``[{id, title}]``), ``media`` (``{kind, url, recognition}``), ``articles`` (``[{title,
description, picture, url}]``), ``template`` (``{title, url, fields: [{name, value}]}``), ``location``, ``error``.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping, Sequence
from typing import Any

Rendered = dict[str, Any]

_ANCHOR = re.compile(r"""<a\s[^>]*?href\s*=\s*(["'])(?P<url>.*?)\1[^>]*>(?P<text>.*?)</a>""", re.IGNORECASE | re.DOTALL)
_SCHEMES = ("http://", "https://", "weixin://", "tel:")


def text(content: str) -> Rendered:
    """A text as WeChat shows it: anchors work, every other tag is shown as it was typed."""
    shown, bare, links, end = [], [], [], 0
    for hit in _ANCHOR.finditer(content):
        before = content[end:hit.start()]
        label, url = hit["text"], html.unescape(hit["url"]).strip()
        works = url.startswith(_SCHEMES)
        shown_label = html.escape(label)
        shown += [html.escape(before), f'<a href="{html.escape(url)}">{shown_label}</a>' if works else shown_label]
        bare += [before, label]
        links += [{"text": label, "url": url}] if works else []
        end = hit.end()
    shown.append(html.escape(content[end:]))
    bare.append(content[end:])
    return {"text": "".join(shown), "plain": "".join(bare), "links": links}


def plain(content: str) -> Rendered:
    """What a user typed: no tag works."""
    return {"text": html.escape(content), "plain": content, "links": []}


def media(kind: str, media_id: str, recognition: str | None = None) -> Rendered:
    """A picture, voice or video."""
    return {"media": {"kind": kind, "url": f"/sandbox/wechat/media/{media_id}", "recognition": recognition}}


def articles(items: Sequence[Mapping[str, Any]]) -> Rendered:
    """Picture articles (图文)."""
    return {"articles": [
        {"title": item.get("title", ""), "description": item.get("description", ""), "picture": item.get("picurl", ""),
         "url": item.get("url", "")} for item in items
    ]}


def msgmenu(head: str, items: Sequence[Mapping[str, Any]], tail: str) -> Rendered:
    """A menu message (菜单消息): text, tappable lines, text."""
    buttons = [{"id": str(item["id"]), "title": item["content"]} for item in items]
    return {**text(head), "tail": text(tail)["text"], "buttons": buttons}


def template(title: str, url: str, fields: Sequence[tuple[str, str]]) -> Rendered:
    """A template message card."""
    return {"template": {"title": title, "url": url, "fields": [{"name": name, "value": value} for name, value in fields]}}


def location(latitude: float, longitude: float, label: str) -> Rendered:
    """A place that the user sent."""
    return {"location": {"latitude": latitude, "longitude": longitude, "label": label}}


def link(title: str, description: str, url: str) -> Rendered:
    """A link that the user forwarded."""
    return articles([{"title": title, "description": description, "url": url}])


def notice(content: str, error: str | None = None) -> Rendered:
    """A grey line in the middle; ``error`` tells engineers why."""
    return {**text(content), "error": error}
