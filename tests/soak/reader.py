"""A program in Python that reads tokens as long as it lives, and notes each one in a file."""

import hashlib
import json
import os
import random
import sys
import threading
import time
from typing import Any

import evergrant


def main() -> None:
    settings = json.loads(sys.stdin.readline())
    opened = settings["open"]
    application = evergrant.Application(
        client_id=opened["client_id"],
        client_secret=opened["client_secret"],
        store=opened["store"],
        key=opened["key"],
        authorization_server=opened["authorization"],
        rotations_per_hour=0,
        rotations_per_day=0,
        application_rotations_per_hour=0,
    )
    file = os.open(settings["file"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    for _ in range(settings["tasks"]):
        reading = threading.Thread(target=read, args=(application, settings, file), daemon=True)
        reading.start()
    # The driver closes it to end this program; it may also be killed.
    sys.stdin.read()


def read(application: evergrant.Application, settings: dict[str, Any], file: int) -> None:
    stale = None
    while True:
        grant = stale["grant"] if stale else random.choice(settings["grants"])
        asked = time.time_ns() // 1000
        try:
            if stale:
                token = application.renew_token(grant, stale["generation"])
            else:
                token = application.token(grant)
            fingerprint = hashlib.sha256(token.access_token.encode()).hexdigest()[:16]
            line = {
                "grant": grant,
                "generation": token.generation,
                "token": fingerprint,
                "asked": asked,
                "got": time.time_ns() // 1000,
            }
        except evergrant.EvergrantError as error:
            line = {"grant": grant, "error": {"kind": error.kind, "message": str(error)}}
        # One write: a process that is killed leaves whole lines.
        os.write(file, (json.dumps(line) + "\n").encode())
        again = stale is None and "token" in line and random.random() * 1000 < settings["stale"]
        stale = line if again else None
        time.sleep(settings["pause_ms"] / 1000)


if __name__ == "__main__":
    main()
