"""What the authorization brings: links, grants, tokens. All of them are plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

Priority = Literal["interactive", "bulk"]
Paging = Literal["offset", "cursor", "tail"]
"""Who goes first when a portal takes no more calls."""

Strategy = Literal["auto", "pages", "after_id", "ranges"]
"""How the pages of a list are cut."""


@dataclass(frozen=True)
class AuthorizeLink:
    """Where a person consents, and the state that must come back."""

    url: str
    """The page to open in a browser."""
    state: str
    """Keep it with the person's session; it is `expected_state` when the redirect comes."""


@dataclass(frozen=True)
class Grant:
    """The right of one application to act for one user on one portal, without its tokens."""

    id: int
    """Its number in the store."""
    portal: str
    """The portal's host."""
    member_id: str
    """The portal's identity; stays when the host changes."""
    user_id: int
    """Whose right it is; 0 if the vendor did not say."""
    status: str
    """`active`, `suspended`, `needs_reauthorization` or `uninstalled`."""
    scope: tuple[str, ...]
    """Granted scopes."""
    generation: int
    """Counts the token pairs that readers have been given."""
    access_expires_at: int
    """When the current access token dies, in Unix seconds."""
    refresh_expires_at: int
    """When the refresh token probably dies, in Unix seconds."""


@dataclass(frozen=True)
class Token:
    """An access token. Its `repr` does not show the token itself."""

    grant: int
    """The grant it belongs to."""
    access_token: str = field(repr=False)
    """The token itself: a secret."""
    expires_at: int
    """When it dies, in Unix seconds."""
    generation: int
    """Counts the token pairs of this grant; never goes back."""
    client_endpoint: str
    """REST base of the portal, with a slash at its end."""
    member_id: str
    """The portal's identity."""
    user_id: int
    """Whose rights it carries; 0 if the vendor did not say."""
    scope: tuple[str, ...]
    """Granted scopes."""


@dataclass(frozen=True)
class Change:
    """A grant has another pair or another status, and that is durable by now."""

    grant: int
    """The grant."""
    generation: int
    """Its generation now."""
    status: str
    """Its status now."""


@dataclass(frozen=True)
class AuditEntry:
    """One thing that happened to a grant."""

    number: int
    """Counts the grant's entries from 1."""
    at: int
    """The store's clock, in milliseconds since 1970."""
    event: str
    """What happened: `installed`, `intent`, `sent`, `committed`, `ambiguous`, `refused` ..."""
    chain: int
    """The chain's number."""
    attempt: str
    """The attempt's id; empty if none."""
    node: str
    """The machine's id; empty if none."""
    generation: int
    """The grant's generation afterwards."""
    hash: str
    """Hash over this entry and the one before it."""


@dataclass(frozen=True)
class Statistics:
    """What the application's keeper has done in this process."""

    rotations: int
    """Pairs received and committed."""
    ambiguous: int
    """Exchanges whose answer was lost."""
    salvaged: int
    """Pairs brought into the store that some process had left behind, or the store had lost."""
    promoted: int
    """Spare chains that took over."""
    taken_over: int
    """Chains taken over from silent holders."""
    orphaned: int
    """Answers that found no pair to succeed."""
    longest_confirm_to_write: float
    """Seconds, at most, from the store's last word to the first byte of a refresh token."""


@dataclass(frozen=True)
class KeepAlive:
    """When the refresh tokens of an application need attention."""

    due_at: int
    """From then on `maintain` rotates the first of them, in Unix seconds."""
    expires_at: int
    """When the first of them probably dies unless it is rotated, in Unix seconds."""


@dataclass(frozen=True)
class CallCounters:
    """What all calls of this process came to since it started."""

    calls: int
    """Calls that were asked for; a request of a batch is one, a file's way up or down is."""
    requests: int
    """Requests that were sent for them."""
    refused: int
    """Requests that a portal refused for their rate."""
    refused_operating: int
    """Requests, or commands of a batch, refused for a method's operating time."""
    retried: int
    """Requests that repeated an earlier one of the same call."""
    waited: int
    """Calls that had to wait before a request."""
    waited_for: float
    """Seconds that they waited, all together."""
    failed: int
    """Calls that ended in an error."""
    moved: int
    """Portals that were followed to another address."""
