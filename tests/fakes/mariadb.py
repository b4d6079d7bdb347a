"""A real MariaDB, where the machine has one: what holds for the fake must hold for it."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pymysql

#: The folder that holds ``sbin`` and ``share`` of a server that isn't installed system-wide.
FOLDER = os.environ.get("TEST_MARIADB_FOLDER", "")
#: Where Debian puts servers, which isn't on everybody's path.
PLACES = f"{FOLDER}/sbin" if FOLDER else f"{os.environ.get('PATH', '')}:/usr/sbin"
FOUND = shutil.which("mariadbd", path=PLACES)
BASE = Path(FOLDER or (Path(FOUND).parent.parent if FOUND else "/usr"))
SHARE = BASE / "share" / "mysql"
#: Empty where there is none, or one that is laid out otherwise than Debian's.
SERVER = (FOUND or "") if (SHARE / "mysql_system_tables.sql").exists() else ""
SETUP = """
CREATE DATABASE shop; CREATE DATABASE archive;
CREATE USER 'reports'@'%' IDENTIFIED BY 's3cret-of-reports';
GRANT ALL ON shop.* TO 'reports'@'%'; GRANT ALL ON archive.* TO 'reports'@'%'
"""


class MariaDB:
    """Runs in ``folder`` while it is entered."""

    user, password, database = "reports", "s3cret-of-reports", "shop"
    host = "127.0.0.1"

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind((self.host, 0))
            self.port = int(free.getsockname()[1])

    def __enter__(self) -> MariaDB:
        files = ("mysql_system_tables.sql", "mysql_system_tables_data.sql")
        texts = ["CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"]
        texts += [(SHARE / name).read_text(encoding="utf-8") for name in files]
        command = [
            SERVER,
            "--no-defaults",
            f"--basedir={BASE}",
            f"--lc-messages-dir={SHARE}",
            f"--datadir={self.folder / 'data'}",
            f"--tmpdir={self.folder}",
        ]
        (self.folder / "data").mkdir()
        if os.geteuid() == 0:
            command.append("--user=root")
        subprocess.run(
            [*command, "--bootstrap", "--skip-grant-tables"],
            input="".join(texts),
            text=True,
            check=True,
            capture_output=True,
            timeout=60,
        )
        line = self.folder / "line.sock"
        own = ("--bind-address=127.0.0.1", f"--port={self.port}", f"--socket={line}")
        log = (self.folder / "log").open("wb")
        self.process = subprocess.Popen([*command, *own], stdout=log, stderr=log)
        log.close()
        self._set_up(str(line))
        return self

    def __exit__(self, *rest: Any) -> None:
        self.process.terminate()
        self.process.wait(30)

    def _set_up(self, line: str) -> None:
        for _ in range(300):
            log = (self.folder / "log").read_text(encoding="utf-8")
            if "ready for connections" in log:
                break
            time.sleep(0.1)
        else:
            raise AssertionError(log)
        connection = pymysql.connect(unix_socket=line, user="root")
        with connection, connection.cursor() as cursor:
            for statement in SETUP.split(";"):
                cursor.execute(statement)
