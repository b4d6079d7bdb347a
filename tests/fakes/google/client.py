"""Google's own client library, pointed at the fake and told to try once.

By default the library retries for ten minutes; a test of a fault wants the first answer.
Not re-exported by the package: importing it loads the library.
"""

import contextlib
from collections.abc import Iterator
from typing import Any

from google.cloud import bigquery
from google.oauth2 import service_account

from tests.fakes.google.remote import RemoteFake
from tests.fakes.google.server import FakeGoogle

CLOUD_PLATFORM = "https://www.googleapis.com/auth/cloud-platform"
NEVER: Any = None  # Google's annotations forbid the None that its documentation asks for
_Credentials: Any = service_account.Credentials


def credentials_of(key: dict[str, str], *, scope: str = CLOUD_PLATFORM) -> Any:
    """Credentials from the content of a key file."""
    return _Credentials.from_service_account_info(key, scopes=[scope])


@contextlib.contextmanager
def client_of(fake: FakeGoogle | RemoteFake, credentials: Any) -> Iterator[bigquery.Client]:
    """A client of project ``acme`` that talks to the fake."""
    client = bigquery.Client(
        project="acme", credentials=credentials, client_options={"api_endpoint": fake.url}
    )
    with contextlib.closing(client):
        yield client


def submit(
    client: bigquery.Client,
    sql: str = "SELECT 1",
    *,
    job_id: str = "run_1",
    timeout: float = 2,
    **options: Any,
) -> bigquery.QueryJob:
    """Insert a query; ``timeout`` is in seconds for each request."""
    return client.query(
        sql, job_id=job_id, retry=NEVER, job_retry=NEVER, timeout=timeout, **options
    )


def find(client: bigquery.Client, job_id: str = "run_1", location: str | None = None) -> Any:
    """Get a job."""
    return client.get_job(job_id, location=location, retry=NEVER, timeout=2)


def read(job: bigquery.QueryJob, **options: Any) -> list[tuple[Any, ...]]:
    """Wait for a query and read all of its rows."""
    rows = job.result(retry=NEVER, timeout=2, job_retry=NEVER, **options)
    return [row.values() for row in rows]
