"""Who may ask: anybody who knows the password, under any name."""

from __future__ import annotations

from collections.abc import Sequence

from mysql_mimic.auth import AuthPlugin, IdentityProvider, NativePasswordAuthPlugin, User


class OnePassword(IdentityProvider):
    """Lets in who proves to know the password, by MySQL's native method: it is not sent.

    Args:
        password: as clients pass it.
    """

    def __init__(self, password: str) -> None:
        """See the class."""
        self._hashed = NativePasswordAuthPlugin.create_auth_string(password)
        self._plugins = [NativePasswordAuthPlugin()]

    def get_plugins(self) -> Sequence[AuthPlugin]:
        """The only way in."""
        return self._plugins

    async def get_user(self, username: str) -> User:
        """Everybody has the same password."""
        return User(username, self._hashed, NativePasswordAuthPlugin.name)
