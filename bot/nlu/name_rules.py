"""Addresses and companies by the words they are made of, as patterns of spaCy over a message's words.

A second opinion beside the trained field: the field knows the sentence around a name, the patterns know what names are made of
and so hold for roads and companies that no example has.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, Dict, List, Sequence, Tuple

import spacy
from spacy.matcher import Matcher
from spacy.tokens import Doc
from spacy.util import filter_spans

from bot.values.numbers import normalise

Place = Tuple[int, int, str]  # start, end, kind

_HAN = "[\u4e00-\u9fff]"
# What the name of a place ends in.
_ROADS = "大道|大街|公路|支路|路|街|巷|胡同|里弄"
_ESTATES = (
    "新村|小区|社区|花园|家园|花苑|花城|公寓|大厦|大楼|广场|公馆|华庭|华府|山庄|别墅|宿舍|家属院|大院|工业园区?|园区|商城|市场|菜场|苑|"
    "[一二三四五六七八九东南西北]区|街道|村|屯"
)
_HOUSES = (
    r"(?:[0-9a-z]+|[一二三四五六七八九十]+)(?:[-—－][0-9a-z]+)*(?:号楼|号院|号|弄|幢|栋|座|单元|室|楼|层|组|区|期|排|村|户)?|"
    r"[东西南北]区|号楼|号院|号|弄|幢|栋|座|单元|室|楼|层|组|期|排"
)
_COMPANIES = (
    "有限责任公司|股份有限公司|有限公司|合作社|分公司|事务所|委员会|办事处|人民政府|派出所|幼儿园|小学|中学|学院|医院|卫生院|养老院|超市|"
    "便利店|饭店|酒店|酒楼|餐饮店|餐厅|餐馆|面馆|宾馆|理发店|美容院|药房|药店|五金厂|五金店|水果店|洗车行|经营部|工作室|培训学校|机床厂|"
    "印染厂|服装厂|食品厂|集团|支行|居委会|村委会"
)
# Words that are no part of a name, so that none begins before them.
_NO_PART = frozenset(
    re.split(
        " ",
        "一 一个 一家 一条 一条路 一路 上 上班 下 不 不会 不是 与 专票 东边 两个 两条 个体 为什么 "
        "也 乡下 了 什么 今天 从 他 他们 代表 会 但是 位于 位置 住 住在 作为 你 你们 你们的 你好 "
        "修 修路 俺 俺村 停水 先 全 全村 全称 公司 公寓式 关于 其他 养 再 写 农村 农贸市场 几个 出 "
        "出具 刚刚 刚才 别的 到 前面 北边 医院 半 半路 单位 单元 南边 去 又 及 发票 叫 可能 号 "
        "号楼 号院 各 各村 同 名字 名称 后面 向 和 咱 咱们 哪 哪个 哪里 啥 喂 因 因为 在 地址 "
        "地点 坏 城里 城镇 备注 大 太 她 好像 如果 姓名 学校 它 室 家 家住 家在 家里 寄 寄到 对 "
        "对公 对着 对面 小 小区 就 就是 层 属于 工程 已经 师傅 帮 帮我 幢 应该 应该是 座 开 开具 "
        "开成 开票 开给 弄 往 很 怎么 您好 想 我 我们 我们的 我家 我村 我这边 我这里 或 户 户主 "
        "户名 所以 所有 打 找 把 抬头 挖 换 换成 排 接 推荐 改 改为 改到 改成 整 整个 整条 新 "
        "旁边 旧 旧小区 明天 昨天 是 显示 显示成 普票 最近 有 朝 本人 本村 村 村路 村里 来 某 查 "
        "查查 栋 楼 楼上 楼下 正在 每 每个 比 水管 水费 水路 没 没有 没水 沿 满街 漏水 爆管 现在 "
        "用 电路 的 看 看看 着 知道 社区 离 私营 突然 等 管路 线 线路 组 经过 给 网 网络 老 老街 "
        "联系人 能 自来 菜场 菜市场 街 街上 街口 被 装 西边 要 让 记路 讲 说 请 请问 账单 走 走路 "
        "超市 跟 路 路上 边 过 还 这 这个 这条 这边 这里 送 送到 通 那 那个 那条 那边 那里 都 "
        "酒店 里 镇 门前 门口 门牌 问 问下 问路 附近 附近的 隔壁 靠近 顺 马 马上 马路 麻烦",
    )
)
_MOST_WORDS = 4
_OWN = {"TEXT": {"REGEX": f"^{_HAN}{{1,6}}$", "NOT_IN": sorted(_NO_PART)}}
_HOUSE = {"TEXT": {"REGEX": f"^(?:{_HOUSES})$"}, "OP": "*"}


def _patterns(ends: str, *after: Dict[str, Any]) -> List[List[Dict[str, Any]]]:
    """Words of its own before one of the words it ends with, or a word that ends with it (中山路)."""
    joined = {"TEXT": {"REGEX": f"^{_HAN}{{1,5}}(?:{ends})$", "NOT_IN": sorted(_NO_PART)}}
    apart = {"TEXT": {"REGEX": f"^(?:{ends})$"}}
    own = {**_OWN, "OP": f"{{1,{_MOST_WORDS}}}"}
    return [[own, apart, *after], [{**_OWN, "OP": f"{{0,{_MOST_WORDS}}}"}, joined, *after]]


@lru_cache(maxsize=1)
def _matcher() -> Tuple[Any, Matcher]:
    language = spacy.blank("zh")
    matcher = Matcher(language.vocab)
    matcher.add("address", _patterns(f"{_ROADS}|{_ESTATES}", _HOUSE), greedy="LONGEST")
    matcher.add("org", _patterns(_COMPANIES), greedy="LONGEST")
    return language.vocab, matcher


def find_by_pattern(text: str, words: Sequence[Tuple[int, int]]) -> List[Place]:
    """Names in a text by its words, in order, none overlapping another."""
    if not words:
        return []
    vocab, matcher = _matcher()
    plain = normalise(text)
    doc = Doc(vocab, words=[plain[start:end] for start, end in words])
    found: List[Place] = []
    for span in filter_spans(matcher(doc, as_spans=True)):
        start, end, kind = words[span.start][0], words[span.end - 1][1], span.label_
        if found and found[-1][1] == start and found[-1][2] == kind == "address":
            start = found.pop()[0]  # a road and the building in it
        found.append((start, end, kind))
    return found
