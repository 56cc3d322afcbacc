"""The dialogue's answers as WeChat messages."""

from __future__ import annotations

from connectors.wechat.bubbles import Button, Image, Menu, Text, as_text, buttons_of, compose, dump, load, numbered
from connectors.wechat.text import size

YES, NO = {"title": "是的", "payload": "/affirm"}, {"title": "算了", "payload": "/deny"}


def test_texts_run_together() -> None:
    assert compose([{"text": "一"}, {"text": "二"}, {"custom": {"expects": "secret"}}], ()) == [Text("一\n\n二")]


def test_a_link_becomes_a_line_that_cannot_be_broken_out_of() -> None:
    link = {"kind": "link", "title": "去支付", "text": "30 分钟内有效", "url": 'https://a.example/p?a=1&b=2"><b>'}
    (bubble,) = compose([{"text": "共86.40元。"}, {"custom": link}], ())
    assert bubble == Text('共86.40元。\n\n30 分钟内有效\n<a href="https://a.example/p?a=1&b=2%22><b>">去支付</a>')


def test_a_picture_stands_alone() -> None:
    answers = [{"text": "一"}, {"custom": {"kind": "image", "media_id": "m1"}}, {"text": "二"}]
    assert compose(answers, ()) == [Text("一"), Image("m1"), Text("二")]
    assert as_text(compose(answers, ())) is None


def test_choices_go_under_the_last_text_each_once() -> None:
    answers = [{"text": "一", "buttons": [YES, NO, YES]}, {"text": "二"}]
    buttons = buttons_of(answers)
    assert [button.title for button in buttons] == ["是的", "算了"]
    assert compose(answers, buttons) == [Menu("一\n\n二", buttons)]


def test_only_the_last_question_is_open() -> None:
    answers = [{"text": "水价……", "buttons": [NO]}, {"text": "确认付款吗？", "buttons": [YES]}]
    assert [button.title for button in buttons_of(answers)] == ["是的"]


def test_a_long_text_with_choices_keeps_room_for_them() -> None:
    answers = [{"text": "水费说明。" * 200, "buttons": [YES, NO]}]
    *texts, menu = compose(answers, buttons_of(answers))
    assert texts
    assert isinstance(menu, Menu)
    assert size(menu.text) + sum(size(button.title) for button in menu.buttons) <= 2048


def test_choices_without_a_text_still_have_a_head() -> None:
    answers = [{"custom": {"kind": "image", "media_id": "m1"}}, {"buttons": [YES]}]
    image, menu = compose(answers, buttons_of(answers))
    assert image == Image("m1")
    assert isinstance(menu, Menu)
    assert menu.text


def test_too_many_choices_become_a_numbered_list() -> None:
    answers = [{"text": "哪一户？", "buttons": [{"title": f"户{n}", "payload": f"/p{n}"} for n in range(12)]}]
    (text,) = compose(answers, buttons_of(answers))
    assert isinstance(text, Text)
    assert "12. 户11" in text.text


def test_a_menu_as_text_has_numbers() -> None:
    menu = Menu("要交吗？", (Button("是的", "/affirm", "x-1"), Button("算了", "/deny", "x-2")))
    assert numbered(menu) == "要交吗？\n\n1. 是的\n2. 算了\n（回复数字即可）"
    assert as_text([Text("共86.40元。"), menu]) == f"共86.40元。\n\n{numbered(menu)}"


def test_what_does_not_fit_one_reply_is_none() -> None:
    assert as_text([Text("水" * 680), Text("费" * 10)]) is None
    assert as_text([]) is None


def test_bubbles_can_be_stored() -> None:
    for bubble in (Text("一"), Menu("二", (Button("是的", "/affirm", "x-1"),)), Image("m1")):
        assert load(dump(bubble)) == bubble
