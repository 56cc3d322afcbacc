"""The XML that WeChat posts, and its reading of the answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from sandbox.wechat.limits import NEWS_ARTICLES, TEXT_BYTES

REPLY_TYPES = ("text", "image", "voice", "video", "music", "news", "transfer_customer_service")
# Characters that XML 1.0 cannot carry (production 2, Char); WeChat drops them.
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class BadReply(Exception):
    """The server's answer is not a passive reply that WeChat accepts; the text says why, for engineers."""


def build(fields: Mapping[str, str | float]) -> str:
    """WeChat's flat message XML; numbers stand bare, all else is CDATA."""
    return "<xml>" + "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items()) + "</xml>"


def _value(value: str | float) -> str:
    if not isinstance(value, str):
        return str(value)
    return f"<![CDATA[{_NOT_XML.sub('', value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def parse(document: str) -> Element:
    """Read XML without entities and DTDs.

    Raises:
        BadReply: not XML with the root ``xml``.
    """
    try:
        root: Element = fromstring(document, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError) as error:
        raise BadReply("the answer is neither XML, nor success, nor empty") from error
    if root.tag != "xml":
        raise BadReply("the root element is not <xml>")
    return root


def check_reply(root: Element, openid: str, original_id: str) -> str:
    """Check a passive reply as WeChat does; its MsgType.

    Raises:
        BadReply: a rule is broken.
    """
    if field(root, "ToUserName") != openid:
        raise BadReply("ToUserName is not the user who wrote")
    if field(root, "FromUserName") != original_id:
        raise BadReply("FromUserName is not this account")
    if not field(root, "CreateTime").isdigit():
        raise BadReply("CreateTime is not an integer")
    kind = field(root, "MsgType")
    if kind not in REPLY_TYPES:
        raise BadReply(f"MsgType {kind!r} is not allowed")
    if kind == "text":
        _check_text(field(root, "Content"))
    if kind == "news" and not 1 <= len(root.findall("Articles/item")) <= NEWS_ARTICLES:
        raise BadReply(f"a news reply carries 1 to {NEWS_ARTICLES} articles")
    return kind


def _check_text(content: str) -> None:
    if not content.strip():
        raise BadReply("Content is empty")
    if len(content.encode()) > TEXT_BYTES:
        raise BadReply(f"Content has more than {TEXT_BYTES} bytes")


def field(root: Element, path: str) -> str:
    """The text of an element, empty where there is none."""
    return root.findtext(path) or ""
