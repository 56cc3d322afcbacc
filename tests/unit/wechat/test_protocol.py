"""The callback protocol against anything that may be posted to it."""

from __future__ import annotations

import base64
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.wechat import messages as m
from connectors.wechat.protocol import Malformed, Protocol, Refused
from runxia.clock import SHANGHAI, FixedClock
from runxia.settings import Settings
from tests.integration.minimal_wechat import Account, sign

ACCOUNT = Account("wx0123456789abcdef", "s", "token", base64.b64encode(bytes(range(32))).decode().rstrip("="), "gh_1")
NOW = datetime(2026, 8, 20, 9, 0, tzinfo=SHANGHAI)
STAMP = str(int(NOW.timestamp()))
PROTOCOL = Protocol(
    Settings(
        _env_file=None, wechat_app_id=ACCOUNT.app_id, wechat_token=ACCOUNT.token, wechat_aes_key=ACCOUNT.aes_key,
        wechat_original_id=ACCOUNT.original_id,
    ),
    FixedClock(NOW),
)
SIGNED = {"timestamp": STAMP, "nonce": "n", "signature": sign(ACCOUNT.token, STAMP, "n")}
xml_text = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60).filter(lambda text: "]]>" not in text)


def envelope(**fields: str) -> str:
    facts = {"ToUserName": "gh_1", "FromUserName": "oAnna", "CreateTime": "1787187600"} | fields
    return "<xml>" + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in facts.items()) + "</xml>"


def read(xml: str) -> m.Inbound:
    return PROTOCOL.read(SIGNED, xml.encode()).message


@given(st.binary(max_size=400))
def test_any_signed_bytes_are_a_message_or_malformed(body: bytes) -> None:
    with pytest.raises(Malformed):
        PROTOCOL.read(SIGNED, body)


@given(st.binary(max_size=200), st.booleans())
def test_any_signed_ciphertext_is_malformed(body: bytes, in_base64: bool) -> None:
    sealed = base64.b64encode(body).decode() if in_base64 else body.hex() or "0"
    query = SIGNED | {"encrypt_type": "aes", "msg_signature": sign(ACCOUNT.token, STAMP, "n", sealed)}
    with pytest.raises(Malformed):
        PROTOCOL.read(query, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode())


@given(st.dictionaries(st.sampled_from(["timestamp", "nonce", "signature", "echostr"]), st.text(max_size=50)))
def test_any_unsigned_query_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(Refused):
        PROTOCOL.read(query, envelope(MsgType="text", MsgId="1", Content="hi").encode())
    with pytest.raises(Refused):
        PROTOCOL.echo(query)


@given(st.dictionaries(st.sampled_from(["MsgType", "Event", "EventKey", "MsgId", "MediaId", "Latitude", "Content"]), xml_text))
def test_any_fields_are_a_message_with_a_key_or_malformed(fields: dict[str, str]) -> None:
    try:
        message = read(envelope(**fields))
    except Malformed:
        return
    assert message.key
    assert "None" not in message.key
    assert message.kind
    assert len(message.key) <= 160


@given(xml_text)
def test_text_arrives_as_it_was_sent_encrypted_or_not(content: str) -> None:
    xml = envelope(MsgType="text", MsgId="1", Content=content)
    sealed = ACCOUNT.seal(xml)
    query = SIGNED | {"encrypt_type": "aes", "msg_signature": sign(ACCOUNT.token, STAMP, "n", sealed)}
    encrypted = PROTOCOL.read(query, f"<xml><Encrypt>{sealed}</Encrypt></xml>".encode())
    assert encrypted.encrypted
    assert encrypted.message == read(xml) == m.TextMessage(openid="oAnna", key="m:1", content=content)


@pytest.mark.parametrize(("seconds", "fresh"), [(-300, True), (300, True), (-301, False), (301, False), (86400, False)])
def test_a_timestamp_is_good_for_five_minutes(seconds: int, fresh: bool) -> None:
    stamp = str(int(STAMP) + seconds)
    query = {"timestamp": stamp, "nonce": "n", "signature": sign(ACCOUNT.token, stamp, "n"), "echostr": "e"}
    if fresh:
        assert PROTOCOL.echo(query) == "e"
        return
    with pytest.raises(Refused, match="stale"):
        PROTOCOL.echo(query)


def test_without_a_token_everything_is_refused() -> None:
    protocol = Protocol(Settings(_env_file=None, wechat_token=""), FixedClock(NOW))
    with pytest.raises(Refused):
        protocol.echo({"timestamp": STAMP, "nonce": "n", "signature": sign(STAMP, "n"), "echostr": "e"})


def test_a_wrong_key_is_told_at_start() -> None:
    with pytest.raises(ValueError, match="43 characters"):
        Protocol(Settings(_env_file=None, wechat_aes_key="short"), FixedClock(NOW))


@pytest.mark.parametrize(("fields", "message"), [
    ({"MsgType": "image", "MsgId": "2", "MediaId": "p"}, m.ImageMessage(openid="oAnna", key="m:2", media_id="p")),
    (
        {"MsgType": "voice", "MsgId": "2", "MediaId": "v", "Recognition": "交水费"},
        m.VoiceMessage(openid="oAnna", key="m:2", media_id="v", recognition="交水费"),
    ),
    (
        {"MsgType": "location", "MsgId": "2", "Location_X": "30.2", "Location_Y": "120.2", "Label": "江边"},
        m.LocationMessage(openid="oAnna", key="m:2", latitude=30.2, longitude=120.2, label="江边"),
    ),
    (
        {"MsgType": "text", "MsgId": "2", "Content": "是的", "bizmsgmenuid": "a-1"},
        m.MenuTap(openid="oAnna", key="m:2", menu_id="a-1", content="是的"),
    ),
])
def test_messages_are_typed(fields: dict[str, str], message: m.Inbound) -> None:
    assert read(envelope(**fields)) == message


@pytest.mark.parametrize("fields", [
    {"MsgType": "location", "MsgId": "2", "Location_X": "91", "Location_Y": "120"},
    {"MsgType": "location", "MsgId": "2", "Location_X": "nan", "Location_Y": "120"},
    {"MsgType": "location", "MsgId": "2", "Location_X": "", "Location_Y": "120"},
    {"MsgType": "image", "MsgId": "2"},
    {"MsgType": "text", "MsgId": "None", "Content": "hi"},
    {"MsgType": "text", "MsgId": "1", "Content": "hi", "FromUserName": "o/../x"},
    {"MsgType": "event"},
])
def test_messages_with_wrong_fields_are_malformed(fields: dict[str, str]) -> None:
    with pytest.raises(Malformed):
        read(envelope(**fields))


def test_events_differ_by_sender_time_event_and_key() -> None:
    base = {"MsgType": "event", "Event": "CLICK", "EventKey": "a"}
    changes = [{}, {"FromUserName": "oBella"}, {"CreateTime": "1787187601"}, {"Event": "VIEW"}, {"EventKey": "b"}]
    assert len({read(envelope(**(base | change))).key for change in changes}) == len(changes)
    assert read(envelope(**base)).key == read(envelope(**base)).key


def test_outcomes_of_two_templates_in_one_second_differ() -> None:
    first, second = (
        read(envelope(MsgType="event", Event="TEMPLATESENDJOBFINISH", MsgID=number, Status="success")) for number in "12"
    )
    assert first.key != second.key


def test_a_scan_that_brought_a_follower_tells_its_scene() -> None:
    message = read(envelope(MsgType="event", Event="subscribe", EventKey="qrscene_hall1"))
    assert isinstance(message, m.Subscribe)
    assert message.scene == "hall1"
