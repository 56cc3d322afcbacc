"""What the sidebar offers. A new part of the console adds its entry here."""

from __future__ import annotations

from dataclasses import dataclass

from services.staff import Member, Right


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the sidebar leads to, for those who have the right (none: for everybody).

    ``icon`` is a name of console/icons.txt; ``badge`` is an address of a fragment with a count, fetched after the page.
    """

    title: str
    url: str
    icon: str
    right: Right | None = None
    section: str = ""
    badge: str = ""

    def is_at(self, path: str) -> bool:
        """Whether a page belongs to this entry."""
        return path == self.url or (self.url != "/" and path.startswith(f"{self.url}/"))


ENTRIES: list[Entry] = [
    Entry("首页", "/", "home"),
    Entry("员工账号", "/staff", "users", Right.STAFF_MANAGE, section="管理"),
    Entry("角色和权限", "/roles", "shield-check", section="管理"),
    Entry("操作日志", "/audit", "history", Right.AUDIT_READ, section="管理"),
]


def entries_for(who: Member) -> list[tuple[str, list[Entry]]]:
    """What this person is offered: sections by their titles, in order; the first has none."""
    sections: dict[str, list[Entry]] = {}
    for entry in ENTRIES:
        if entry.right is None or who.may(entry.right):
            sections.setdefault(entry.section, []).append(entry)
    return list(sections.items())
