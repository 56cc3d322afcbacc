"""How strong a staff password must be."""

from __future__ import annotations

import pytest

from runxia.utility import StaffPasswordRule
from services.staff.passwords import first_password, hashed, matches, problems

RULES = StaffPasswordRule(min_length=10, max_length=64, kinds=3)


@pytest.mark.parametrize(("password", "wrong"), [
    ("Lin-Jiang-7", ()), ("临江水务Lin-7abX", ()), ("Short-7", ("length",)), ("linjiangwater", ("kinds",)),
    ("Aa1" * 30, ("length",)), ("KEFU1-lin-x9", ("login",)), ("Water-12345x", ("simple",)), ("Water-54321x", ("simple",)),
    ("Waaaater-71", ("simple",)), ("Qwerty-Lin7x", ("simple",)), ("", ("length", "kinds")),
])
def test_what_is_wrong_with_a_password(password: str, wrong: tuple[str, ...]) -> None:
    assert problems(password, RULES, "kefu1") == wrong


def test_first_passwords_keep_the_rules_and_are_never_the_same() -> None:
    made = {first_password(RULES) for _ in range(50)}
    assert len(made) == 50
    assert all(problems(each, RULES) == () for each in made)


async def test_a_hash_is_argon2id_and_matches_its_own_password_only() -> None:
    stored = await hashed("Lin-Jiang-7")
    assert stored.startswith("$argon2id$")
    assert await matches(stored, "Lin-Jiang-7")
    assert not await matches(stored, "lin-jiang-7")
    assert not await matches(None, "Lin-Jiang-7")
    assert not await matches("damaged", "Lin-Jiang-7")
