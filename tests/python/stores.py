"""A store of its own for a test; servers are started by `tools/servers`."""

from __future__ import annotations

import os
import pathlib
import subprocess

from emulator import ROOT

SERVERS = {"postgres": "EVERGRANT_TEST_POSTGRES", "redis": "EVERGRANT_TEST_REDIS"}


def is_here(kind: str) -> bool:
    """Whether stores of this kind can be had: a server may not have been started."""
    return kind not in SERVERS or SERVERS[kind] in os.environ


def fresh(kind: str, folder: pathlib.Path) -> dict[str, str]:
    """What a stage knows of an empty store; on a server, key and spool are the machine's own."""
    if kind == "memory":
        return {"store": kind}
    if kind == "sqlite":
        return {"store": f"sqlite:{folder}/grants.db"}
    script = ROOT / "tools" / "servers"
    address = subprocess.run([script, kind, "fresh"], check=True, capture_output=True, text=True)
    key = folder / "key"
    key.write_text("11" * 32)
    key.chmod(0o600)
    spool = str(folder / "spool")
    return {"store": address.stdout.strip(), "key_file": str(key), "spool": spool}
