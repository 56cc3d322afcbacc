"""What WeChat posts to us, typed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbound:
    """What all messages and events share.

    ``key`` is WeChat's identity of the message: the same for a message and its retries, different for any two messages.
    ``kind`` names the class in the store; ``grant`` is the customer-service quota that WeChat gives for it, if any.
    """

    kind: ClassVar[str] = ""
    grant: ClassVar[str | None] = None  # message | event

    openid: str
    key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TextMessage(Inbound):
    """Text typed by the customer."""

    kind = "text"
    grant = "message"
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuTap(Inbound):
    """A tap on a choice of a msgmenu. ``content`` is the choice's title."""

    kind = "tap"
    grant = "event"  # WeChat does not say; the smaller quota is safe
    menu_id: str
    content: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageMessage(Inbound):
    """A photo, to be fetched by its media id within three days."""

    kind = "image"
    grant = "message"
    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VoiceMessage(Inbound):
    """Speech. ``recognition`` is WeChat's transcript, empty where it is switched off or heard nothing."""

    kind = "voice"
    grant = "message"
    media_id: str
    recognition: str


@dataclass(frozen=True, slots=True, kw_only=True)
class VideoMessage(Inbound):
    """A video."""

    kind = "video"
    grant = "message"
    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShortVideoMessage(Inbound):
    """A short video (小视频)."""

    kind = "shortvideo"
    grant = "message"
    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationMessage(Inbound):
    """A place that the customer sent. Degrees."""

    kind = "location"
    grant = "message"
    latitude: float
    longitude: float
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkMessage(Inbound):
    """A web page that the customer forwarded."""

    kind = "link"
    grant = "message"
    title: str
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscribe(Inbound):
    """The customer follows the account; ``scene`` is set when they came by a QR code with parameters."""

    kind = "subscribe"
    grant = "event"
    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unsubscribe(Inbound):
    """The customer left."""

    kind = "unsubscribe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan(Inbound):
    """A follower scanned a QR code with parameters."""

    kind = "scan"
    grant = "event"
    scene: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LocationReport(Inbound):
    """Where the customer is, reported by WeChat without their doing. Degrees."""

    kind = "location_report"
    latitude: float
    longitude: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuClick(Inbound):
    """A click on an entry of the account's menu."""

    kind = "click"
    grant = "event"
    event_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuView(Inbound):
    """A page opened from the account's menu."""

    kind = "view"
    url: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateSent(Inbound):
    """What became of a template message. ``status``: success, failed:user block, failed: system failed."""

    kind = "template_sent"
    message_id: str
    status: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherMessage(Inbound):
    """A message or event of a type that this version does not know; ``name`` is WeChat's word for it."""

    kind = "other"
    name: str
    is_event: bool


def message_key(msg_id: str) -> str:
    """The identity of a message: WeChat's MsgId."""
    return f"m:{msg_id}"


def event_key(openid: str, create_time: str, event: str, key: str) -> str:
    """The identity of an event, which has no MsgId: sender, time, event and its key together."""
    facts = "\n".join((openid, create_time, event, key))
    return f"e:{hashlib.sha256(facts.encode()).hexdigest()}"
