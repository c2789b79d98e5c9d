"""Runs a command beside an emulator over TLS: `python with_tls.py COMMAND...`.

What trusts a certificate reads that when it starts, so the emulator has to be there first. The
command finds its addresses in CLIENTS_READY, all https.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile

PORTS = ["--authorization-port", "0", "--portal-port", "0", "--control-port", "0"]
ROWS = ["--leads", "300", "--deals", "10", "--contacts", "10"]
# OpenSSL under Python, requests, and Node each have their own word for it.
TRUST = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "NODE_EXTRA_CA_CERTS")


def main(command: list[str]) -> int:
    """The exit code of the command."""
    with tempfile.TemporaryDirectory() as folder:
        authority = os.path.join(folder, "authority.pem")
        flags = ["--until-stdin-closes", "--tls", "--ca-file", authority, *PORTS, *ROWS]
        with subprocess.Popen(
            [os.environ["EVERGRANT_PROGRAM"], "emulator", *flags],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        ) as emulator:
            assert emulator.stdin is not None
            assert emulator.stdout is not None
            ready = json.loads(emulator.stdout.readline())
            for name in ("portal", "authorization", "webhook"):
                ready[name] = ready[name].replace("http://", "https://", 1)
            environment = {
                **os.environ,
                **dict.fromkeys(TRUST, authority),
                "CLIENTS_READY": json.dumps(ready),
            }
            code = subprocess.run(command, env=environment, check=False).returncode
            emulator.stdin.close()
            emulator.wait(10)
        return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
