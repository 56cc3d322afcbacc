"""WeChat's limits, each with the page of its documentation (developers.weixin.qq.com/doc/) that states it."""

from __future__ import annotations

from typing import Final

# Receiving messages: service/guide/product/message/Receiving_standard_messages.html
ANSWER_SECONDS: Final = 5.0  # then WeChat closes the connection and posts the message again, three times in all
RETRIES: Final = 3

# Passive replies: .../Passive_user_reply_message.html; customer-service messages: .../api_sendcustommessage.html
TEXT_BYTES: Final = 2048  # UTF-8 bytes of one text; longer ones are refused with 45002

# Customer-service messages, same page: how many may follow what a customer does, and for how long
MESSAGE_QUOTA: Final = 5
MESSAGE_WINDOW_SECONDS: Final = 48 * 3600
EVENT_QUOTA: Final = 3  # after a menu click, a scan or a subscription
EVENT_WINDOW_SECONDS: Final = 60

# Menus within a message, msgmenu, same page. The page sets no number of items; more than this is no menu but a list.
MSGMENU_ITEMS: Final = 10

# Media may be as large as .../api_getmedia.html and .../api_uploadmedia.html say
IMAGE_BYTES: Final = 10 * 1024 * 1024
VOICE_BYTES: Final = 2 * 1024 * 1024
MEDIA_BYTES: Final = {"image": IMAGE_BYTES, "voice": VOICE_BYTES}

# Access tokens: .../api_getstableaccesstoken.html
TOKEN_EARLY_SECONDS: Final = 300  # the old token stays good for five minutes after a new one is issued

# Menus of the account: .../api_createcustommenu.html
MENU_COLUMNS: Final = 3
MENU_ITEMS: Final = 5
MENU_COLUMN_BYTES: Final = 16
MENU_ITEM_BYTES: Final = 60

# Ours, not WeChat's
CALLBACK_BYTES: Final = 64 * 1024  # the largest callback is some kilobytes
FRESH_SECONDS: Final = 300  # how far a callback's timestamp may be from our clock, either way
