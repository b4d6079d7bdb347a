"""What a local Patchbay consists of, and the order in which it comes up."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from patchbay.local import services, valkey
from patchbay.local.demo import ADMIN, ADMIN_CREATED
from patchbay.local.home import Home
from patchbay.local.ports import HOST, free_port
from patchbay.local.settings import ADMIN_PASSWORD
from patchbay.local.supervisor import Supervisor
from patchbay.local.terminal import Terminal


@dataclass(frozen=True)
class CloudPorts:
    """Where the servers listen that stand for Google's."""

    bigquery: int
    storage: int


@dataclass(frozen=True)
class Product:
    """``settings`` is what ``local_settings`` gives: the environment but for the broker."""

    home: Home
    port: int
    settings: Mapping[str, str]
    variables: Mapping[str, str]
    terminal: Terminal

    @property
    def url(self) -> str:
        return f"http://{HOST}:{self.port}"

    async def start(self, supervisor: Supervisor) -> None:
        """Bring everything up, as much of it at once as its order allows."""
        ports = self._ports()
        broker = valkey.Broker(free_port(but=(self.port, ports.bigquery, ports.storage)))
        environment = {**self.settings, "PATCHBAY_BROKER_URL": broker.url}

        await self._start_valkey(supervisor, broker)
        self.home.write_local_env(environment)
        setting_up = asyncio.create_task(self._set_up(supervisor, ports, environment))
        try:
            await asyncio.gather(self._start_cloud(supervisor, ports), setting_up)
            await supervisor.launch(
                services.worker(broker_port=broker.port, broker_password=broker.password),
                services.beat(self.home),
                services.web(port=self.port),
                environment=environment,
            )
        except BaseException:
            # A new password is shown only now, whatever else fails or is interrupted.
            if setting_up.done() and not setting_up.cancelled() and not setting_up.exception():
                self.terminal.plain(setting_up.result())
            raise
        self.terminal.say("Ctrl-C ends all of it.")
        self.terminal.plain(f"Patchbay is ready: {self.url}   {setting_up.result()}")

    async def _start_valkey(self, supervisor: Supervisor, broker: valkey.Broker) -> None:
        valkey.write_config(self.home, broker)
        service = services.valkey(
            self.home,
            executable=valkey.executable(),
            port=broker.port,
            password=broker.password,
        )
        await supervisor.launch(service, environment={})

    def _ports(self) -> CloudPorts:
        """The connection names them: with the same ones next time nothing has to change."""
        bigquery = free_port(preferred=self.home.remembered_port("bigquery"), but=(self.port,))
        storage = free_port(
            preferred=self.home.remembered_port("storage"), but=(self.port, bigquery)
        )
        return CloudPorts(bigquery, storage)

    async def _start_cloud(self, supervisor: Supervisor, ports: CloudPorts) -> None:
        """The servers that stand for Google's, and the demo's data in them."""
        await supervisor.launch(
            services.storage(self.home, port=ports.storage),
            services.bigquery(self.home, port=ports.bigquery, storage_port=ports.storage),
            environment={},
        )
        self.home.remember_port("bigquery", ports.bigquery)
        self.home.remember_port("storage", ports.storage)
        step = services.weather(port=ports.bigquery, storage_port=ports.storage)
        await supervisor.complete(step, environment={})

    async def _set_up(
        self, supervisor: Supervisor, ports: CloudPorts, environment: Mapping[str, str]
    ) -> str:
        """Make what is missing in the database; return what to tell of the first user."""
        given = self.variables.get(ADMIN_PASSWORD, "")
        password = given or secrets.token_urlsafe(12)
        step = services.seed(
            demo_port=ports.bigquery, storage_port=ports.storage, admin_password=password
        )
        lines = await supervisor.complete(step, environment=environment)
        if ADMIN_CREATED not in lines:
            return f"user {ADMIN}"
        if given:
            return f"user {ADMIN} · password as in {ADMIN_PASSWORD}"
        return f"user {ADMIN} · password {password} (shown only this time)"
