"""Examples with other names in the places of their own."""

from __future__ import annotations

from bot.nlu.name_swaps import Swapper
from bot.nlu.names import Mention, NameExtractor, Sentence, lessons

TEXT = "户主是张秀英，住江南大道188号，抬头恒瑞公司，叫它爸妈家"
PLACES = [(3, 6, "name"), (8, 16, "address"), (19, 23, "org"), (26, 29, "alias")]
OWN = {"name": ["王强"], "address": ["文三路12号"], "org": ["云帆公司"], "alias": ["老房子"]}


def test_names_are_put_where_names_were() -> None:
    for seed in range(20):
        text, places = Swapper(OWN, seed).swap(TEXT, PLACES)
        assert [kind for _, _, kind in places] == [kind for _, _, kind in PLACES]
        kept = "".join(text[end:start] for (_, end, _), (start, _, _) in zip([(0, 0, ""), *places], places, strict=False))
        assert kept == "户主是，住，抬头，叫它"
        assert all(text[start:end] for start, end, _ in places)
        assert (text, places) == Swapper(OWN, seed).swap(TEXT, PLACES)


def test_the_field_learns_from_swapped_examples_too() -> None:
    phone = "手机13812345678，联系人张秀英，户号1002003004"
    values = [(2, 13, "phone"), (23, 33, "account_no")]
    marked = (Sentence(phone, [], values), [Mention(17, 20, "name")])
    unmarked = (Sentence("水费多少", [], []), [])
    learnt = lessons([marked, unmarked], {**NameExtractor.get_default_config(), "swaps": 3})
    assert learnt[:2] == [marked, unmarked]
    assert len(learnt) == 5
    for sentence, mentions in learnt[2:]:
        assert [sentence.text[start:end] for start, end, _ in sentence.values] == ["13812345678", "1002003004"]
        assert [mention.kind for mention in mentions] == ["name"]
