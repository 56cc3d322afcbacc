"""The department that takes applications, in memory; the account is changed where an application is done."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from runxia.clock import Clock
from services.applications import Application, Filing, Kind, State
from services.errors import ApplicationRefused, SystemUnavailable


class FakeDesk:
    """``down``, ``lost_answer`` and ``failures`` as in :mod:`tests.fakes`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.down = False
        self.lost_answer = False
        self.failures: list[Exception] = []
        self.filed: dict[str, Filing] = {}
        self.applications: dict[str, Application] = {}
        self.documents: dict[str, tuple[str, str, bytes]] = {}
        self.sequence = 0

    def _call(self) -> None:
        if self.failures:
            raise self.failures.pop(0)
        if self.down:
            raise SystemUnavailable("csms")

    async def file(self, request_id: str, filing: Filing) -> Application:
        """See :class:`services.applications.ApplicationDesk`."""
        self._call()
        number = next((each.application_no for each in self.applications.values() if each.request_id == request_id), None)
        if number is None:
            number = f"SQ20261102{len(self.applications) + 1:04d}"
            now = self.clock.now()
            self.sequence += 1
            self.filed[number] = filing
            self.applications[number] = Application(
                number, request_id, filing.kind, State.RECEIVED, filing.account_no, now, now, self.sequence, (), None, None,
            )
        if self.lost_answer:
            self.lost_answer = False
            raise SystemUnavailable("csms")
        return self.applications[number]

    async def application(self, application_no: str) -> Application | None:
        """See :class:`services.applications.ApplicationDesk`."""
        self._call()
        return self.applications.get(application_no)

    async def withdraw(self, application_no: str) -> Application:
        """See :class:`services.applications.ApplicationDesk`."""
        self._call()
        if self.applications[application_no].state in (State.CONSTRUCTING, State.DONE, State.REJECTED):
            raise ApplicationRefused("too_late")
        return self.move(application_no, State.WITHDRAWN)

    async def add_document(
        self, application_no: str, document_id: str, document: str, content: bytes, content_type: str,
    ) -> None:
        """See :class:`services.applications.ApplicationDesk`."""
        self._call()
        self.documents[document_id] = (application_no, document, content)

    async def changes(self, after: int) -> Sequence[Application]:
        """See :class:`services.applications.ApplicationDesk`."""
        self._call()
        return sorted((each for each in self.applications.values() if each.sequence > after), key=lambda each: each.sequence)

    def move(
        self, number: str, state: State, *, missing: tuple[str, ...] = (), quote_fen: int | None = None,
        note: str | None = None,
    ) -> Application:
        """The department decides."""
        self.sequence += 1
        self.applications[number] = replace(
            self.applications[number], state=state, missing=missing, quote_fen=quote_fen, note=note, sequence=self.sequence,
            changed_at=self.clock.now(),
        )
        return self.applications[number]

    @property
    def newest(self) -> str:
        """The number of the last application."""
        return max(self.applications)

    def kinds(self) -> list[Kind]:
        """What was filed, in order."""
        return [filing.kind for filing in self.filed.values()]
