"""Yes and no in few words: what they mean depends on the question, which the language model does not see.

留着吧, 撤, 那先不了 are nothing much by themselves; to "确认取消吗？" they are answers.
"""

from __future__ import annotations

import re

_MARKS = "，,。.！!~～、；; "
_LONGEST_YES = 8  # characters of the last clause; longer ones say more than yes
_LONGEST_NO = 9
_QUESTION = re.compile(r"[?？]|[吗嘛么呢]$|[几哪谁]|多少|多久|什么|啥|怎么|咋|为何|是不是|行不行|可不可以|要不要|能不能|好不好")
_BUT = re.compile(r"但|不过|只是|等一?下|等等|还没|先看")
_LEAD = r"(?:嗯+|恩|哦|噢|喔|啊|唉|哎|那就?|好的?|行|对|我)*"
_YES_WORD = (
    r"(?:嗯+|恩+|好的?|好嘞|好哒|行|可以|对的?|是的?|系|要得?|要的|中|成|确认|确定|没错|没问题|没事|同意|就这样|就这么[办弄交着定]?|"
    r"(?:就?[这那]个|都|这[回次下])?对[的了]?|ok|okay|yes|y|1)"
)
_DO = (
    r"(?:就|你|帮我|给我|都|马上|现在|直接|继续|快)*"
    r"(?:办|弄|搞|交|付|提交|撤|取消|删|开|关|停|改|换|绑|解绑?|申请|报|约|来|走|发|订|定|充|登记|照办|上报|存|退|开通)"
    r"(?:掉|了|吧|呗|嘛|啊|呀|噢|哦|好了|就是|就好|就行)*"
)
_YES = re.compile(rf"(?:{_YES_WORD}[吧了的呀啊呢哈呗嘞哦噢{_MARKS}]*)+(?:{_DO})?|(?!取消|停|退){_DO}", re.IGNORECASE)
_NO = re.compile(
    rf"{_LEAD}(?:还是)?(?:先|就|都|暂时|现在)*(?:"
    r"(?:不|别|甭|莫|唔|免)(?!对|起|是|错|懂|知|清楚|明白|人|的|会|客气|好意思|急|够|行|能|准|同|一样|满意).*|"
    r"算了?吧?|留着吧?|留下吧?|保留吧?|放着吧?|再想想|再考虑.*|再说吧?|不用|没必要|下次吧?|改天吧?|以后再说)"
)


def yes_or_no(text: str) -> str | None:
    """``affirm`` or ``deny`` where a short answer to a yes-or-no question plainly is one, else None.

    The last clause counts: 要我出钱？那先不了 is a no.
    """
    clauses = [clause for clause in re.split(rf"(?<=[?？])|[{_MARKS}\n]+", text.strip()) if clause.strip(_MARKS)]
    if not clauses or _BUT.search(text):
        return None
    last = clauses[-1].strip()
    if _QUESTION.search(last):
        return None
    if len(last) <= _LONGEST_NO and _NO.fullmatch(last):
        return "deny"
    plain = all(_YES.fullmatch(clause.strip()) for clause in clauses)
    return "affirm" if plain and len(last) <= _LONGEST_YES else None
