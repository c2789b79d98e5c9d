"""What the authorization brings: links, grants, tokens. All of them are plain values."""

from __future__ import annotations

from dataclasses import dataclass, field


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
