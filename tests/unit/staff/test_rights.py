"""The table of roles and rights."""

from __future__ import annotations

from services.staff.rights import RIGHT_NAMES, RIGHTS, ROLE_NAMES, Right, Role, allowed, rights_of


def test_every_right_and_role_is_in_the_table_and_has_a_name() -> None:
    assert set(RIGHTS) == set(RIGHT_NAMES) == set(Right)
    assert set(ROLE_NAMES) == set(Role)
    assert all(rights_of(role) for role in Role)


def test_read_only_only_reads() -> None:
    assert all(right.value.endswith(".read") for right in rights_of(Role.READONLY))


def test_only_an_administrator_manages_staff_and_takes_the_log_away() -> None:
    for right in (Right.STAFF_MANAGE, Right.AUDIT_EXPORT):
        assert [role for role in Role if allowed(role, right)] == [Role.ADMIN]


def test_an_administrator_does_not_read_customers_conversations() -> None:
    assert not allowed(Role.ADMIN, Right.CONVERSATION_READ)
