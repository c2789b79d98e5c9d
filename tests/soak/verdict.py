"""What must be true in the end: the emulator's truth, the store's audit, what readers noted."""

from __future__ import annotations

import collections
import hashlib
import json
from collections.abc import Iterable
from typing import Any

from order import History, Order, inspect
from players import Player, Steward
from world import World

Row = dict[str, Any]
EXPLAINS = {"ambiguous", "testified", "taken_over", "refused", "released", "suspended", "promoted"}
"""After one of these a refresh token that was sent may be sent again."""


def settle(world: World, stewards: list[Steward]) -> list[Row]:
    """Lets leases, pauses and doubts end, and rotates every grant once; the grants then, with what
    each machine has of them.
    """
    world.control("DELETE", "/faults")
    let_time_pass(world, stewards)
    for grant in stewards[0].ok("grants"):
        for _ in range(6):
            outcome = stewards[0].ok("renew", grant=grant["id"], generation=grant["generation"])[0]
            kind = outcome.get("error", {}).get("kind")
            if kind is None or kind == "needs_reauthorization":
                break
            let_time_pass(world, stewards)
    let_time_pass(world, stewards)
    held: list[Row] = stewards[0].ok("holds")
    for steward in stewards[1:]:
        for grant, same in zip(held, steward.ok("holds"), strict=True):
            assert grant["id"] == same["id"]
            grant["chains"] += same["chains"]
    return held


def let_time_pass(world: World, stewards: list[Steward]) -> None:
    """Longer than a lease and the hold-back; then every machine brings in what it has."""
    world.turn(1000)
    for steward in stewards:
        steward.ask("maintain")


class Verdict:
    """Figures, and what is wrong."""

    def __init__(self, world: World, stewards: list[Steward], players: list[Player]) -> None:
        self.figures: dict[str, Any] = {}
        self.wrong: list[str] = []
        self._world = world
        self._players = players
        self._grants = settle(world, stewards)
        steward = stewards[0]
        world.read_log()
        # The steward reads every audit to its end: the chain of hashes is verified on the way.
        self._audits = {
            grant["id"]: steward.ok("audit", grant=grant["id"]) for grant in self._grants
        }
        self._tokens = world.control("GET", "/tokens")
        for token in self._tokens:
            token["mark"] = hashlib.sha256(token["token"].encode()).hexdigest()[:16]
        users = {token["mark"]: token["user_id"] for token in self._tokens}
        self._requests = collections.defaultdict(list)
        for request in world.wire.requests:
            self._requests[users.get(request.mark)].append(request)
        self._check_losses()
        self._check_sends(world.control("GET", "/chains"))
        self._check_wire()
        self._check_histories()
        self._check_work(steward)

    def _check_losses(self) -> None:
        held = {mark for grant in self._grants for mark in prints(grant)}
        attempts = [attempt for player in self._players for attempt in player.killed]
        killed = {attempt.attempt for attempt in attempts if not attempt.answered}
        spooled = {attempt.attempt for attempt in attempts if attempt.answered}
        requests = self._world.wire.requests
        written = {attempt.attempt for request in requests for attempt in request.attempts}
        living = collections.defaultdict(list)
        for token in self._tokens:
            if token["kind"] == "refresh" and token["alive"]:
                living[token["user_id"]].append(token["mark"])
        # The server's clock is set four times a second.
        slack = 0.5 * self._world.speed + 2
        cut = cut_attempts(self._audits.values(), self._world.cut, slack)
        figures: collections.Counter[str] = collections.Counter()
        for grant in self._grants:
            audit = self._audits[grant["id"]]
            kept = kept_attempts(audit)
            unfinished = {entry["attempt"] for entry in audit if entry["event"] == "sent"} - kept
            figures["salvaged"] += len(spooled & kept)
            lost = [mark for mark in living[grant["user_id"]] if mark not in held]
            # Who was killed as soon as it had written is not known by its request.
            is_known = all(request.attempts for request in self._requests[grant["user_id"]])
            excuses = unfinished & killed & written if is_known else unfinished & killed
            excused_by_kill = min(len(lost), len(excuses))
            excused_by_cut = min(len(lost) - excused_by_kill, len(unfinished & cut))
            figures["lost to a kill"] += excused_by_kill
            figures["lost to a cut answer"] += excused_by_cut
            unexplained = len(lost) - excused_by_kill - excused_by_cut
            figures["lost otherwise"] += unexplained
            if unexplained:
                self.wrong.append(
                    f"grant {grant['id']}: {unexplained} living refresh tokens are in no store"
                    f" and no spool, and no kill or cut answer explains it:"
                    f" {story(audit, unfinished)}"
                )
            alive = [mark for mark in living[grant["user_id"]] if mark in held]
            if grant["status"] != "active" and alive:
                holding = [chain for chain in grant["chains"] if set(alive) & set(held_of(chain))]
                numbers = {chain["chain"] for chain in holding}
                everything = {entry["attempt"] for entry in audit if entry["chain"] in numbers}
                self.wrong.append(
                    f"grant {grant['id']} was given up although a chain of it lives: {holding};"
                    f" {story(audit, everything)}"
                )
        for attempt in attempts:
            events = {
                entry["event"]
                for entry in self._audits.get(attempt.grant, [])
                if entry["attempt"] == attempt.attempt
            }
            if attempt.answered and not events & {"committed", "orphaned", "refused"}:
                figures["spooled answers that were no pair"] += 1
        self.figures["killed in an exchange"] = len(killed)
        self.figures |= {
            name: figures[name]
            for name in ("salvaged", "lost to a kill", "lost to a cut answer", "lost otherwise")
        }

    def _check_sends(self, chains: list[Row]) -> None:
        events = collections.Counter(
            entry["event"] for audit in self._audits.values() for entry in audit
        )
        for name in (
            "committed",
            "ambiguous",
            "testified",
            "taken_over",
            "promoted",
            "orphaned",
            "dead",
        ):
            self.figures[name] = events[name]
        presented: collections.Counter[int] = collections.Counter()
        again: collections.Counter[int] = collections.Counter()
        for chain in chains:
            presented[chain["user_id"]] += chain["refreshes"] + chain["reuses"]
            again[chain["user_id"]] += chain["reuses"]
        self.figures["sent again"] = sum(again.values())
        for grant in self._grants:
            audit = self._audits[grant["id"]]
            sent = sum(entry["event"] == "sent" for entry in audit)
            repeated, unexplained = repetitions(audit)
            user = grant["user_id"]
            on_wire = len(self._requests[user])
            if unexplained:
                self.wrong.append(
                    f"grant {grant['id']}: sent again without a reason: {unexplained}"
                )
            if presented[user] > on_wire:
                self.wrong.append(
                    f"grant {grant['id']}: the server saw {presented[user]} refresh tokens,"
                    f" the wire {on_wire}"
                )
            if presented[user] > sent:
                self.wrong.append(
                    f"grant {grant['id']}: the server saw {presented[user]} refresh tokens,"
                    f" the audit {sent}"
                )
            if again[user] > repeated:
                self.wrong.append(
                    f"grant {grant['id']}: the server saw {again[user]} spent tokens,"
                    f" the audit knows {repeated}"
                )
            self._check_burials(grant["id"], audit)

    def _check_wire(self) -> None:
        """Each token that was on the wire, at its place in the audit."""
        stops = [stop for player in self._players for stop in player.stops]
        killed = [attempt for player in self._players for attempt in player.killed]
        # A tenth of a second that passes for everybody.
        slack = 0.1 * self._world.speed
        thawed = 0
        for grant in self._grants:
            history = History(self._audits[grant["id"]], stops, slack)
            for finding in inspect(history, self._requests[grant["user_id"]], killed, grant["id"]):
                if finding.order == Order.THAWED:
                    thawed += 1
                    continue
                told = story(self._audits[grant["id"]], set(finding.attempts))
                self.wrong.append(f"grant {grant['id']}: {finding}; {told}")
        if stray := len(self._requests[None]):
            self.wrong.append(f"{stray} refresh tokens that the server never made were sent to it")
        sent = self._world.wire.requests
        self.figures["token requests"] = len(sent)
        self.figures["of senders killed at once"] = sum(not one.attempts for one in sent)
        self.figures["thawed after a takeover"] = thawed

    def _check_burials(self, grant: int, audit: list[Row]) -> None:
        dead = set()
        for entry in audit:
            if entry["event"] == "dead":
                dead.add(entry["chain"])
            elif entry["event"] == "committed" and entry["chain"] in dead:
                self.wrong.append(f"grant {grant}: chain {entry['chain']} was buried alive")

    def _check_histories(self) -> None:
        known: dict[tuple[int, int], str] = {}
        access = {token["mark"]: token["user_id"] for token in self._tokens}
        users = {grant["id"]: grant["user_id"] for grant in self._grants}
        reads, gap = 0, 0
        errors: collections.Counter[str] = collections.Counter()
        for player in self._players:
            for file in player.files:
                lines = read_lines(file)
                gaps = (
                    line["statistics"]["longest_confirm_to_write_ns"]
                    for line in lines
                    if "statistics" in line
                )
                gap = max(gap, *gaps, 0)
                errors.update(line["error"]["kind"] for line in lines if "error" in line)
                tokens = [line for line in lines if "token" in line]
                reads += len(tokens)
                self._check_order(player.name, tokens)
                for line in tokens:
                    key = (line["grant"], line["generation"])
                    if known.setdefault(key, line["token"]) != line["token"]:
                        self.wrong.append(f"grant {key[0]}: two tokens of generation {key[1]}")
                    if access.get(line["token"]) != users.get(line["grant"]):
                        self.wrong.append(
                            f"grant {line['grant']}: a reader got another user's token"
                        )
        self.figures["reads"] = reads
        self.figures["reads refused"] = dict(sorted(errors.items()))
        self.figures["longest confirm to write, ms"] = round(gap / self._world.speed / 1e6, 3)

    def _check_order(self, name: str, tokens: list[Row]) -> None:
        """Who asks after another had a generation gets that one or a later one."""
        newest: dict[int, int] = {}
        had = iter(sorted(tokens, key=lambda line: line["got"]))
        next_had = next(had, None)
        for line in sorted(tokens, key=lambda line: line["asked"]):
            while next_had is not None and next_had["got"] < line["asked"]:
                grant = next_had["grant"]
                newest[grant] = max(newest.get(grant, 0), next_had["generation"])
                next_had = next(had, None)
            if line["generation"] < newest.get(line["grant"], 0):
                self.wrong.append(
                    f"{name}: grant {line['grant']} went back to {line['generation']}"
                )

    def _check_work(self, steward: Steward) -> None:
        statuses = collections.Counter(grant["status"] for grant in self._grants)
        self.figures["grants"] = dict(statuses)
        for grant in self._grants:
            if grant["status"] == "active":
                answer = steward.ask("call", grant=grant["id"], method="profile")
                if answer.get("ok", {}).get("ID") != str(grant["user_id"]):
                    self.wrong.append(f"grant {grant['id']} is active and does not work: {answer}")


def prints(grant: Row) -> Iterable[str]:
    """The refresh tokens of a grant that are somewhere with us."""
    for chain in grant["chains"]:
        yield from held_of(chain)


def held_of(chain: Row) -> list[str]:
    """Those of one chain, as one machine knows it."""
    return [chain["current"], *chain["successors"]]


def kept_attempts(audit: list[Row]) -> set[str]:
    """The attempts whose pair is in the store."""
    return {entry["attempt"] for entry in audit if entry["event"] in ("committed", "orphaned")}


def cut_attempts(audits: Iterable[list[Row]], cut: list[float], slack: float) -> set[str]:
    """The attempts whose answer the server's fault cut off, one for each that it did."""
    open_for: list[tuple[float, float, str]] = []
    for audit in audits:
        sent = {entry["attempt"]: entry["at"] / 1000 for entry in audit if entry["event"] == "sent"}
        for entry in audit:
            attempt = entry["attempt"]
            if entry["event"] == "ambiguous" and attempt in sent:
                open_for.append((entry["at"] / 1000 + slack, sent[attempt] - slack, attempt))
    found = set()
    # Each takes the one that can wait least: so none is left over that could have had one.
    for at in sorted(cut):
        fitting = [waiting for waiting in open_for if waiting[1] <= at <= waiting[0]]
        if fitting:
            found.add(min(fitting)[2])
            open_for.remove(min(fitting))
    return found


def story(audit: list[Row], attempts: set[str]) -> str:
    """What the audit says of some attempts."""
    told = [entry for entry in audit if entry["attempt"] in attempts]
    return ", ".join(f"{entry['event']} {entry['attempt'][:6]} {entry['at']}" for entry in told)


def repetitions(audit: list[Row]) -> tuple[int, list[str]]:
    """How often a pair was sent again, and the attempts that nothing explains."""
    repeated, unexplained = 0, []
    open_since: dict[int, bool] = {}
    for entry in audit:
        chain, event = entry["chain"], entry["event"]
        if event == "sent":
            if chain in open_since:
                repeated += 1
                if not open_since[chain]:
                    unexplained.append(entry["attempt"])
            open_since[chain] = False
        elif event == "committed":
            open_since.pop(chain, None)
        elif event in EXPLAINS and chain in open_since:
            open_since[chain] = True
    return repeated, unexplained


def read_lines(file: Any) -> list[Row]:
    """What one life of a player noted."""
    if not file.exists():
        return []
    return [json.loads(line) for line in file.read_text().splitlines()]
