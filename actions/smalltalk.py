"""Answers to what is no business of the utility's: about the bot itself, and about everything else. Never does anything."""

from __future__ import annotations

import re

from rasa_sdk.events import EventType

from actions.basics import facts
from actions.flow import Task
from actions.turn import Turn
from services.accounts import BoundAccount

# What a message is about, the first that fits; else the general answer. Each has a response utter_<intent>_<kind>.
KINDS = {
    "chitchat_bot": (
        ("blame", r"笨|傻|智障|蠢|没(?:有)?脑|脑子|智商|不喜欢你|讨厌你|听得懂人话|什么都不懂|没用|淘汰|废物"),
        ("praise", r"聪明|厉害|真棒|好棒|可爱|机灵|能干|挺懂|会说话|比真人|不错|了不起|牛"),
        ("human", r"真人|活人|是人|是不是人|人(?:定系|还是)机|机器|AI|ai|智能|电脑|程序|自动回|背后有人|本人|路神仙"),
        ("maker", r"开发|造(?:出|的)|爸爸|妈妈|大模型|(?i:gpt|deepseek)|小度|小爱|哪个公司"),
        ("age", r"几岁|多大|岁数|年纪|年龄|属什么|生日"),
        ("heart", r"男|女朋友|爱你|爱我|喜欢我|嫁|娶|结婚|对象|长什么样|照片|感情|想我"),
        ("life", r"吃|睡|累|下班|休息|住|家在|工资|多少钱|心情|开心|生气|做梦|二十四小时|24小时|几点"),
        ("memory", r"记得|认识我|猜|开(?:个)?玩笑|逗你"),
    ),
    "oos": (
        ("crisis", r"不想活|自杀|活不下去|想死|活着没意思"),
        ("insult", r"[你他]妈|傻[逼叉比缺]|滚|去死|垃圾|王八|狗东西|脑残|吃屎|蠢货|废物|(?i:fuck|cnm|tmd|\bsb\b)|丢你|老母"),
        (
            "injection",
            r"(?i:ignore|prompt|system|instruction|\bDAN\b|select |drop |<script|root|pretend|repeat the words)|忽略|指令|设定|"
            r"管理员|开发者|限制|数据库|密钥|配置|扮演|现在开始你|从现在起你",
        ),
        ("weather", r"天气|天儿|下雨|下雪|气温|几度|多少度|台风|冷不|热不|有雨|空气质量"),
        (
            "neighbour",
            r"电费|用电|电卡|电表|停电|跳闸|国家电网|燃气|煤气|天然气|液化气|暖气|供暖|取暖|地暖|宽带|网费|话费|物业费|停车|有线电视",
        ),
    ),
}


class ActionSmallTalk(Task):
    """Says ``utter_<intent>_<kind>`` for what the words are about, or ``utter_<intent>``."""

    def name(self) -> str:
        """The name in the domain."""
        return "action_small_talk"

    async def perform(self, turn: Turn, account: BoundAccount | None) -> list[EventType]:
        """See :class:`Task`."""
        kind = kind_of(turn.intent, turn.text)
        turn.say(
            f"utter_{turn.intent}_{kind}" if kind else f"utter_{turn.intent}",
            **facts(turn.services.utility, turn.services.clock.now()),
        )
        return []


def kind_of(intent: str, text: str) -> str | None:
    """What kind of small talk a text is; none where it is no kind in particular."""
    return next((kind for kind, words in KINDS.get(intent, ()) if re.search(words, text)), None)
