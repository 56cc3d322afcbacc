"""WeChat's limits, each with the page of https://developers.weixin.qq.com/doc/offiaccount/ that states it."""

from __future__ import annotations

# Message_Management/Receiving_standard_messages.html: no answer within five seconds, three posts in all.
PUSH_SECONDS = 5.0
PUSH_ATTEMPTS = 3
FAULT_TEXT = "该公众号提供的服务出现故障，请稍后再试"

# Message_Management/Passive_user_reply_message.html and Service_Center_messages.html
TEXT_BYTES = 2048
NEWS_ARTICLES = 1
LINK_BYTES = 2048

# Message_Management/Service_Center_messages.html: after a message 5 in 48 hours; after a menu click, a follow or a scan 3 in
# one minute. A tap on a msgmenu item counts as a menu click here: the stricter reading.
MESSAGE_QUOTA = 5
MESSAGE_WINDOW_SECONDS = 48 * 3600
EVENT_QUOTA = 3
EVENT_WINDOW_SECONDS = 60

# Message_Management/Service_Center_messages.html, 客服输入状态
TYPING_AFTER_SECONDS = 30
TYPING_LASTS_SECONDS = 15

# Basic_Information/getStableAccessToken.html
TOKEN_SECONDS = 7200
TOKEN_OVERLAP_SECONDS = 300
FORCED_TOKENS_PER_DAY = 20
FORCED_TOKEN_INTERVAL_SECONDS = 30
TOKEN_CALLS_PER_MINUTE = 10_000

# Custom_Menus/Creating_Custom-Defined_Menu.html
MENU_BUTTONS = 3
MENU_SUB_BUTTONS = 5
MENU_NAME_BYTES = 16
MENU_SUB_NAME_BYTES = 60
MENU_KEY_BYTES = 128
MENU_URL_BYTES = 1024

# Asset_Management/New_temporary_materials.html
MEDIA_SECONDS = 3 * 24 * 3600
MEDIA_BYTES = {"image": 10 << 20, "voice": 2 << 20, "video": 10 << 20, "thumb": 64 << 10}

# OA_Web_Apps/Wechat_webpage_authorization.html
OAUTH_CODE_SECONDS = 300

# Message_Management/Template_Message_Interface.html, 参数规则: longest value of each kind of field, in characters.
TEMPLATE_FIELD_CHARS = {"thing": 20, "character_string": 32, "time": 32, "amount": 16, "phrase": 5, "name": 10, "number": 32,
                        "phone_number": 17}
