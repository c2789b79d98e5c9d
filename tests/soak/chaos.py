"""What happens to the programs: kills, standstills, lost and late answers, by a seed."""

from __future__ import annotations

import random
import time
from typing import Any

from players import Player, Steward
from world import World

FAULTS: list[dict[str, Any]] = [
    {"kind": "drop", "when": "after"},
    {"kind": "drop", "when": "before"},
    {"kind": "reset", "when": "after"},
    {"kind": "delay"},
    {"kind": "late"},
]


COUNTED = (
    "kills",
    "short stops",
    "long stops",
    "stopped themselves",
    "faults",
    "consents",
    "starts refused",
)


class Chaos:
    """Seconds here are real ones; a lease is 180 of the programs' seconds."""

    def __init__(self, world: World, players: list[Player], steward: Steward, seed: int) -> None:
        self.counts = dict.fromkeys(COUNTED, 0)
        self.wrong: list[str] = []
        self._world = world
        self._players = players
        self._steward = steward
        self._random = random.Random(seed)
        self._lease = 180 / world.speed

    def rage(self, seconds: float) -> None:
        """For so long."""
        end = time.monotonic() + seconds
        inspected = time.monotonic()
        while time.monotonic() < end:
            time.sleep(self._random.uniform(0.1, 0.6))
            self._wake_up(time.monotonic())
            self._supervise()
            self._notice()
            chosen = self._random.random()
            if chosen < 0.35:
                self._kill()
            elif chosen < 0.65:
                self._stop()
            else:
                self._fault()
            if time.monotonic() - inspected > 3:
                self._renew_consents()
                inspected = time.monotonic()
        self._supervise()
        for player in self._players:
            player.disarm()
        self._wake_up(float("inf"))

    def _standing(self) -> list[Player]:
        return [player for player in self._players if player.stopped_until is not None]

    def _wake_up(self, now: float) -> None:
        for player in self._standing():
            if player.stopped_until is not None and player.stopped_until <= now:
                player.go_on()

    def _let_all_go_on(self) -> None:
        """Who stands still in the middle of a write to SQLite keeps everybody else from writing."""
        self._notice()
        self._wake_up(float("inf"))

    def _supervise(self) -> None:
        """Starts again what ended. A program that stands still in the middle of a write to SQLite
        keeps the others from opening the store; any other reason is a defect.
        """
        for player in self._players:
            if player.stopped_until is None and (reason := player.failure()):
                self.counts["starts refused"] += 1
                if "the store is locked by another program" not in reason:
                    self.wrong.append(f"{player.name} ended by itself: {reason}")
                player.start()

    def _notice(self) -> None:
        """Who stopped itself goes on later, most often when its time is over."""
        for player in self._players:
            if player.stopped_until is None and player.has_stopped_itself():
                self.counts["stopped themselves"] += 1
                # Another machine takes over when lease and hold-back are over.
                wait = self._random.choice([0.2, 1.2, 6, 6]) * self._lease
                player.stopped_until = time.monotonic() + wait

    def _kill(self) -> None:
        player = self._random.choice(self._players)
        player.kill()
        self.counts["kills"] += 1
        # Between the confirmation and the write, or with an answer that is nowhere yet.
        player.start(self._random.choice(["confirmed", "answered", "", ""]))

    def _stop(self) -> None:
        running = [player for player in self._players if player.stopped_until is None]
        if len(self._standing()) >= 2:
            return
        player = self._random.choice(running)
        if self._random.random() < 0.6:
            self.counts["short stops"] += 1
            wait = self._random.uniform(0.05, 0.5) * self._lease
        else:
            self.counts["long stops"] += 1
            # The hold-back is 600 seconds.
            wait = self._random.choice([1.2, 2, 5]) * self._lease
        player.stop()
        player.stopped_until = time.monotonic() + wait

    def _fault(self) -> None:
        self.counts["faults"] += 1
        fault = {
            "at": "token",
            "method": "refresh_token",
            "times": 1,
            **self._random.choice(FAULTS),
        }
        if fault["kind"] in ("delay", "late"):
            wait = self._random.choice([0.05, 0.3, 0.8, 1.5]) * self._lease
            fault["delay_ms"] = int(wait * 1000)
        self._world.control("POST", "/faults", fault)

    def _renew_consents(self) -> None:
        """Where every chain of a grant was lost, its user consents anew."""
        answer = self._steward.ask("grants")
        for grant in answer.get("ok", []):
            if grant["status"] == "needs_reauthorization":
                self._steward.consent(grant["user_id"], self._let_all_go_on)
                self.counts["consents"] += 1
