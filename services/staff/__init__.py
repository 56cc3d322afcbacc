"""Staff of the utility: how they sign in to the console, and what each may do there."""

from __future__ import annotations

from dataclasses import dataclass

from runxia.clock import Clock
from runxia.utility import Utility
from services.audit import AuditLog
from services.background import Background
from services.ports import Mail, Sms
from services.staff.login import Entered, Logins
from services.staff.model import Member, SessionView, Signed, Stage, Visit, target
from services.staff.notices import Notices
from services.staff.own import OwnAccount, TotpDraft
from services.staff.recovery import Channel, Recovery
from services.staff.rights import RIGHT_NAMES, RIGHTS, ROLE_NAMES, Right, Role, allowed, rights_of
from services.staff.roster import Newcomer, Profile, Roster
from services.staff.sessions import Sessions
from services.staff.tries import Tries
from store.db import Database


@dataclass(frozen=True, slots=True)
class StaffServices:
    """All about staff. ``background`` has mails under way: settle it before the mail port closes."""

    logins: Logins
    sessions: Sessions
    recovery: Recovery
    own: OwnAccount
    roster: Roster
    audit: AuditLog
    background: Background


def staff_services(db: Database, clock: Clock, utility: Utility, mail: Mail, sms: Sms) -> StaffServices:
    """Put the services together over their ports."""
    background = Background()
    notices = Notices(mail, clock, utility, background)
    tries = Tries(db, clock, utility.console, notices)
    return StaffServices(
        logins=Logins(db, clock, utility.console, tries, notices),
        sessions=Sessions(db, clock, utility.console),
        recovery=Recovery(db, clock, utility, mail, sms, notices, background),
        own=OwnAccount(db, clock, utility, tries, notices),
        roster=Roster(db, clock, utility.console),
        audit=AuditLog(db, clock),
        background=background,
    )


__all__ = [
    "RIGHTS",
    "RIGHT_NAMES",
    "ROLE_NAMES",
    "Channel",
    "Entered",
    "Member",
    "Newcomer",
    "Profile",
    "Right",
    "Role",
    "Roster",
    "SessionView",
    "Signed",
    "StaffServices",
    "Stage",
    "TotpDraft",
    "Visit",
    "allowed",
    "rights_of",
    "staff_services",
    "target",
]
