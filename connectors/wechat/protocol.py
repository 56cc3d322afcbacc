"""WeChat's callback protocol: signatures, encryption, and the XML of messages and replies."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
import secrets
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring
from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.replies import TextReply

from connectors.wechat import messages as m
from connectors.wechat.limits import CALLBACK_BYTES, FRESH_SECONDS
from runxia.clock import Clock
from runxia.settings import Settings

_OPENID = re.compile(r"[\w-]{1,64}", re.ASCII)
_DIGITS = re.compile(r"\d{1,20}", re.ASCII)
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_KEY_CHARACTERS = 43  # EncodingAESKey: 32 bytes in base64 without the padding
_ENCRYPTED = "aes"


class Refused(Exception):
    """A call that WeChat did not make, or not just now: 403."""


class Malformed(Exception):
    """A call that is no message for us: bad XML, too large, wrong recipient, missing fields: 400."""


@dataclass(frozen=True, slots=True)
class Callback:
    """One call of WeChat, understood. ``encrypted``: whether the reply must be, too."""

    message: m.Inbound
    recipient: str
    encrypted: bool


class Protocol:
    """Reads WeChat's calls and writes the replies, in plain, compatible and encrypted mode."""

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._clock = clock
        self._token = settings.wechat_token.get_secret_value()
        self._app_id = settings.wechat_app_id
        self._original_id = settings.wechat_original_id
        self._crypto = _crypto(settings.wechat_aes_key.get_secret_value())
        self._require_encryption = settings.wechat_require_encryption

    def echo(self, query: Mapping[str, str]) -> str:
        """The answer to WeChat's check of our address.

        Raises:
            Refused: wrong signature or stale.
            Malformed: there is nothing to echo.
        """
        self._check(query)
        if "echostr" not in query:
            raise Malformed("no echostr")
        return query["echostr"]

    def read(self, query: Mapping[str, str], body: bytes) -> Callback:
        """The message in a call.

        Raises:
            Refused: wrong signature, stale, or plain where encryption is required.
            Malformed: anything else that is wrong with it.
        """
        if len(body) > CALLBACK_BYTES:
            raise Malformed("too large")
        encrypted = query.get("encrypt_type", "raw") == _ENCRYPTED
        if encrypted:
            if "signature" in query:
                self._check(query)
            text = self._open(query, body)
        elif self._require_encryption:
            raise Refused("not encrypted")
        else:
            self._check(query)
            text = body
        root = _parse(text)
        recipient = _required(root, "ToUserName")
        if self._original_id and recipient != self._original_id:
            raise Malformed("for another account")
        return Callback(message=_message(root), recipient=recipient, encrypted=encrypted)

    def write(self, callback: Callback, text: str) -> str:
        """The XML of a passive text reply, encrypted if the call was."""
        content = _NOT_XML.sub("", text).replace("]]>", "]]]]><![CDATA[>")
        now = int(self._clock.now().timestamp())
        reply = TextReply(source=callback.recipient, target=callback.message.openid, content=content, time=now)
        return self._seal(reply.render(), str(now)) if callback.encrypted else str(reply.render())

    def _check(self, query: Mapping[str, str], *, signature: str = "signature", sealed: tuple[str, ...] = ()) -> None:
        timestamp, nonce = query.get("timestamp", ""), query.get("nonce", "")
        expected = _sign(self._token, timestamp, nonce, *sealed)
        if not self._token or not hmac.compare_digest(expected.encode(), query.get(signature, "").encode()):
            raise Refused("signature")
        if not _DIGITS.fullmatch(timestamp) or abs(self._clock.now().timestamp() - int(timestamp)) > FRESH_SECONDS:
            raise Refused("stale")

    def _open(self, query: Mapping[str, str], body: bytes) -> bytes:
        # The signature covers the ciphertext, so the envelope must be read first; the parser takes no entities.
        envelope = _parse(body)
        sealed = _required(envelope, "Encrypt")
        self._check(query, signature="msg_signature", sealed=(sealed,))
        if self._crypto is None:
            raise Malformed("encrypted, but there is no key")
        try:
            text = self._crypto.decrypt(sealed, self._app_id)
        except InvalidAppIdException as error:
            raise Malformed("for another application") from error
        except (ValueError, IndexError, struct.error, binascii.Error) as error:
            raise Malformed("cannot be decrypted") from error
        return str(text).encode()

    def _seal(self, xml: str, timestamp: str) -> str:
        if self._crypto is None:
            raise Malformed("no key to encrypt with")
        nonce = secrets.token_hex(8)
        sealed = self._crypto.encrypt(xml, self._app_id).decode()
        return (
            f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{_sign(self._token, timestamp, nonce, sealed)}]]></MsgSignature>"
            f"<TimeStamp>{timestamp}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )


class _RandomPrefixCrypto(PrpCrypto):  # type: ignore[misc]
    """WeChat's cipher has a fixed IV: its random first block must not be guessable, as wechatpy's is."""

    def get_random_string(self) -> str:
        return secrets.token_hex(8)


def _crypto(key: str) -> PrpCrypto | None:
    if not key:
        return None
    if len(key) != _KEY_CHARACTERS:
        raise ValueError(f"WECHAT_AES_KEY must have {_KEY_CHARACTERS} characters")
    return _RandomPrefixCrypto(base64.b64decode(f"{key}="))


def _sign(*parts: str) -> str:
    return hashlib.sha1("".join(sorted(parts)).encode()).hexdigest()  # noqa: S324  WeChat's choice


def _parse(xml: bytes) -> Element:
    try:
        root: Element = fromstring(xml, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError) as error:
        raise Malformed("XML") from error
    return root


def _text(root: Element, tag: str) -> str:
    return (root.findtext(tag) or "").strip()


def _required(root: Element, tag: str) -> str:
    value = _text(root, tag)
    if not value:
        raise Malformed(f"no {tag}")
    return value


def _degrees(root: Element, tag: str, limit: float) -> float:
    try:
        value = float(_required(root, tag))
    except ValueError as error:
        raise Malformed(tag) from error
    if not -limit <= value <= limit:
        raise Malformed(tag)
    return value


def _message(root: Element) -> m.Inbound:
    openid = _required(root, "FromUserName")
    if not _OPENID.fullmatch(openid):
        raise Malformed("FromUserName")
    created = _required(root, "CreateTime")
    if not _DIGITS.fullmatch(created):
        raise Malformed("CreateTime")
    kind = _required(root, "MsgType").lower()
    if kind == "event":
        return _event(root, openid, created)
    msg_id = _required(root, "MsgId")
    if not _DIGITS.fullmatch(msg_id):
        raise Malformed("MsgId")
    return _customer_message(root, kind, openid, m.message_key(msg_id))


def _customer_message(root: Element, kind: str, openid: str, key: str) -> m.Inbound:
    match kind:
        case "text":
            content = root.findtext("Content") or ""
            if menu_id := _text(root, "bizmsgmenuid"):
                return m.MenuTap(openid=openid, key=key, menu_id=menu_id, content=content)
            return m.TextMessage(openid=openid, key=key, content=content)
        case "image":
            return m.ImageMessage(openid=openid, key=key, media_id=_required(root, "MediaId"))
        case "voice":
            return m.VoiceMessage(
                openid=openid, key=key, media_id=_required(root, "MediaId"), recognition=_text(root, "Recognition"),
            )
        case "video":
            return m.VideoMessage(openid=openid, key=key, media_id=_required(root, "MediaId"))
        case "shortvideo":
            return m.ShortVideoMessage(openid=openid, key=key, media_id=_required(root, "MediaId"))
        case "location":
            return m.LocationMessage(
                openid=openid, key=key, label=_text(root, "Label"),
                latitude=_degrees(root, "Location_X", 90), longitude=_degrees(root, "Location_Y", 180),
            )
        case "link":
            return m.LinkMessage(openid=openid, key=key, title=_text(root, "Title"), url=_text(root, "Url"))
    return m.OtherMessage(openid=openid, key=key, name=kind, is_event=False)


def _event(root: Element, openid: str, created: str) -> m.Inbound:
    event = _required(root, "Event")
    event_key = _text(root, "EventKey")
    # A template's outcome has no EventKey; two templates may be reported within one second.
    key = m.event_key(openid, created, event, event_key or _text(root, "MsgID"))
    match event.upper():
        case "SUBSCRIBE":
            return m.Subscribe(openid=openid, key=key, scene=event_key.removeprefix("qrscene_"))
        case "UNSUBSCRIBE":
            return m.Unsubscribe(openid=openid, key=key)
        case "SCAN":
            return m.Scan(openid=openid, key=key, scene=event_key)
        case "LOCATION":
            return m.LocationReport(
                openid=openid, key=key, latitude=_degrees(root, "Latitude", 90), longitude=_degrees(root, "Longitude", 180),
            )
        case "CLICK":
            return m.MenuClick(openid=openid, key=key, event_key=event_key)
        case "VIEW":
            return m.MenuView(openid=openid, key=key, url=event_key)
        case "TEMPLATESENDJOBFINISH":
            return m.TemplateSent(openid=openid, key=key, message_id=_text(root, "MsgID"), status=_text(root, "Status"))
    return m.OtherMessage(openid=openid, key=key, name=event, is_event=True)
