"""The custom menu at the foot of the chat, checked as ``/cgi-bin/menu/create`` checks it."""

from __future__ import annotations

import json
from typing import Any

from sandbox.wechat.database import Database
from sandbox.wechat.errors import ApiError
from sandbox.wechat.limits import (
    MENU_BUTTONS,
    MENU_KEY_BYTES,
    MENU_NAME_BYTES,
    MENU_SUB_BUTTONS,
    MENU_SUB_NAME_BYTES,
    MENU_URL_BYTES,
)

KEY_TYPES = {"click", "scancode_push", "scancode_waitmsg", "pic_sysphoto", "pic_photo_or_album", "pic_weixin",
             "location_select"}
OTHER_TYPES = {"view": "url", "miniprogram": "appid", "media_id": "media_id", "article_id": "article_id",
               "article_view_limited": "article_id"}


class Menu:
    """The menu in force."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def create(self, body: Any) -> None:
        """Publish a menu in place of the one before.

        Raises:
            ApiError: 47001 or 400xx, a rule is broken.
        """
        buttons = body.get("button") if isinstance(body, dict) else None
        if not isinstance(buttons, list):
            raise ApiError(47001)
        if not 1 <= len(buttons) <= MENU_BUTTONS:
            raise ApiError(40016)
        for button in buttons:
            _check_top(button)
        self._db.write("INSERT OR REPLACE INTO menu (id, body) VALUES (1, ?)", (json.dumps({"button": buttons}),))

    def get(self) -> dict[str, Any] | None:
        """The menu in force, or none."""
        row = self._db.one("SELECT body FROM menu WHERE id = 1")
        return json.loads(row["body"]) if row else None

    def delete(self) -> None:
        """Take the menu away."""
        self._db.write("DELETE FROM menu")


def _check_top(button: Any) -> None:
    if not isinstance(button, dict):
        raise ApiError(47001)
    _check_length(button.get("name"), MENU_NAME_BYTES, 40018)
    subs = button.get("sub_button")
    if not subs:
        _check_action(button, sub=False)
        return
    if not isinstance(subs, list) or len(subs) > MENU_SUB_BUTTONS:
        raise ApiError(40023)
    for item in subs:
        if not isinstance(item, dict) or item.get("sub_button"):
            raise ApiError(40023)
        _check_length(item.get("name"), MENU_SUB_NAME_BYTES, 40025)
        _check_action(item, sub=True)


def _check_action(button: dict[str, Any], *, sub: bool) -> None:
    kind = button.get("type")
    if kind in KEY_TYPES:
        _check_length(button.get("key"), MENU_KEY_BYTES, 40026 if sub else 40019)
    elif kind in OTHER_TYPES:
        _check_length(button.get(OTHER_TYPES[kind]), MENU_URL_BYTES, 40027 if sub else 40020)
        if kind == "view" and not button["url"].startswith(("http://", "https://")):
            raise ApiError(40055)
    else:
        raise ApiError(40024 if sub else 40017)


def _check_length(value: Any, most: int, errcode: int) -> None:
    if not isinstance(value, str) or not 1 <= len(value.encode()) <= most:
        raise ApiError(errcode)
