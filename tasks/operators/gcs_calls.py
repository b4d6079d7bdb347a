"""Calls of one bucket of Google Cloud Storage, and what a refusal of them means."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from google.api_core.exceptions import GoogleAPICallError

from connections.exceptions import Failure
from tasks.operators.base import Context
from tasks.operators.google_calls import caller_of

#: Objects that a list gives at once; the API's most.
PAGE = 1000
FIELDS = "items(name,generation,updated,md5Hash,size),prefixes,nextPageToken"
CONFLICT = 409
CODES = {403: "object:permission-denied", 412: "object:exists"}

Call = Callable[[], Any]


class Bucket:
    """``name`` is the bucket that a refusal tells of. All methods raise ``Failure``."""

    def __init__(self, name: str, values: dict[str, Any], session: Any, context: Context) -> None:
        self.name = name
        self.context = context
        self.caller = caller_of(values, session, context)
        self.session = self.caller.session
        self.storage = self.session.storage

    def call(
        self, function: Call, *, name: str = "", bucket: str = "", conflict: str = "taken"
    ) -> Any:
        """Make a call for the object ``name``, of this bucket or another.

        ``conflict`` ends the code of a 409: what of the bucket is in the way.
        """
        self.context.check()
        try:
            return self.caller.call(function)
        except GoogleAPICallError as error:
            failure = self._refused(error, bucket=bucket or self.name, name=name)
            if failure.facts["status"] == CONFLICT:
                failure.code = f"object:bucket-{conflict}"
            raise failure from None

    def pages(self, prefix: str = "", **parameters: Any) -> Iterator[dict[str, Any]]:
        token = ""
        while True:
            asked = {"prefix": prefix, "maxResults": PAGE, "pageToken": token, "fields": FIELDS}
            page = self._page({**asked, **parameters})
            yield page
            token = page.get("nextPageToken", "")
            if not token:
                return

    def objects(self, prefix: str = "", **parameters: Any) -> Iterator[dict[str, Any]]:
        """The API's Object resources, in the order of their names."""
        for page in self.pages(prefix, **parameters):
            yield from page.get("items", ())

    def find(self, name: str) -> dict[str, Any] | None:
        """``None`` for an object, or a bucket, that isn't there."""
        try:
            found = self.call(lambda: self.storage.get_object(self.name, name), name=name)
        except Failure as failure:
            if failure.code in ("object:not-found", "object:bucket-not-found"):
                return None
            raise
        return dict(found)

    def delete(self, name: str, *, generation: str = "") -> bool:
        """Whether it was there."""
        try:
            self.call(
                lambda: self.storage.delete_object(self.name, name, generation=generation),
                name=name,
            )
        except Failure as failure:
            if failure.code == "object:not-found":
                # It may have been deleted by a call whose answer was lost.
                return self.caller.lost_an_answer
            raise
        return True

    def _page(self, asked: dict[str, Any]) -> dict[str, Any]:
        return dict(self.call(lambda: self.storage.list_objects(self.name, **asked)))

    def _refused(self, error: GoogleAPICallError, *, bucket: str, name: str) -> Failure:
        status = int(error.code or 0)
        words = str(error.errors[0].get("message", "")) if error.errors else str(error.message)
        code = CODES.get(status, "object:refused")
        if status == 404:
            is_object = name and "bucket does not exist" not in words
            code = "object:not-found" if is_object else "object:bucket-not-found"
        identity = self.session.identity
        return Failure(
            code,
            vendor_message=words,
            bucket=self.name if code == "object:not-found" else bucket,
            object=name,
            status=status,
            reason=f"it answered {status}",
            account=identity,
        )
