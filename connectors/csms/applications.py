"""The client of the part of CSMS that takes applications."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import TypeAdapter

from connectors.csms.desk import CONFLICT, NOT_FOUND, CsmsSystem
from connectors.signed import Answer
from services.applications.model import filing_facts
from services.applications.ports import Application, Filing
from services.errors import ApplicationRefused, ServiceError, UnknownAccount

MAX_NOTE = 500
MAX_MISSING = 20
_NUMBER = re.compile(r"[0-9A-Za-z_-]{1,32}")
# Why CSMS does not take an application → why, as the service says it.
_REFUSALS = {
    "arrears": "arrears", "application_open": "open", "already_stopped": "stopped", "not_stopped": "not_stopped",
    "account_closed": "closed", "not_residential": "not_residential", "same_nature": "same_nature", "too_late": "too_late",
}


@dataclass(frozen=True, slots=True)
class _Changes:
    applications: tuple[Application, ...]


_APPLICATION, _CHANGES = TypeAdapter(Application), TypeAdapter(_Changes)


class ApplicationsClient(CsmsSystem):
    """:class:`services.applications.ApplicationDesk` over HTTP. Open with :meth:`open`."""

    async def file(self, request_id: str, filing: Filing) -> Application:
        """See :class:`services.applications.ApplicationDesk`."""
        answer = await self._client.send("POST", "applications", json_body={"request_id": request_id, **filing_facts(filing)})
        application = self._one(answer)
        self._require(application.request_id == request_id and application.kind is filing.kind, "another application")
        return application

    async def application(self, application_no: str) -> Application | None:
        """See :class:`services.applications.ApplicationDesk`."""
        if not _NUMBER.fullmatch(application_no):
            return None
        answer = await self._client.get("applications", application_no)
        if answer.status == NOT_FOUND:
            return None
        application = self._one(answer)
        self._require(application.application_no == application_no, "another application")
        return application

    async def withdraw(self, application_no: str) -> Application:
        """See :class:`services.applications.ApplicationDesk`."""
        application = self._one(await self._client.send("POST", "applications", application_no, "withdrawal", json_body={}))
        self._require(application.application_no == application_no, "another application")
        return application

    async def add_document(
        self, application_no: str, document_id: str, document: str, content: bytes, content_type: str,
    ) -> None:
        """See :class:`services.applications.ApplicationDesk`."""
        answer = await self._client.upload(
            "PUT", "applications", application_no, "documents", document, document_id,
            content=content, content_type=content_type,
        )
        self._accept(answer)

    async def changes(self, after: int) -> Sequence[Application]:
        """See :class:`services.applications.ApplicationDesk`."""
        answer = await self._client.get("applications", query={"after": str(after)})
        changed = self._parse(_CHANGES, answer).applications
        for application in changed:
            self._check(application)
        sequences = [application.sequence for application in changed]
        self._require(sequences == sorted(set(sequences)) and all(each > after for each in sequences), "changes out of order")
        return changed

    def _one(self, answer: Answer) -> Application:
        application = self._parse(_APPLICATION, answer)
        self._check(application)
        return application

    def _check(self, application: Application) -> None:
        self._require(_NUMBER.fullmatch(application.application_no) is not None, "a number that is none")
        self._require(len(application.note or "") <= MAX_NOTE and len(application.missing) <= MAX_MISSING, "too much text")
        self._require((application.quote_fen or 0) >= 0, "a negative quote")
        moments = (application.filed_at, application.changed_at)
        self._require(all(moment.tzinfo is not None for moment in moments), "a time without a zone")

    def _refusal(self, answer: Answer) -> ServiceError:
        if answer.status == CONFLICT and answer.code in _REFUSALS:
            return ApplicationRefused(_REFUSALS[answer.code])
        if answer.status == NOT_FOUND and answer.code == "unknown_account":
            return UnknownAccount()
        return super()._refusal(answer)
