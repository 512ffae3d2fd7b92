"""Where a server is, as the configuration may write it; nothing is sent here. What is printed has no password."""

import base64
import re
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

_LOGIN = re.compile(r"^(?P<before>(?:[^/@]*//)?).*@")


def without_login(url: str) -> str:
    """An address as it may be shown, whatever is wrong with it: without what stands before its last `@`."""
    return _LOGIN.sub(r"\g<before>", url)


@dataclass(frozen=True, slots=True)
class Address:
    """A server's address.

    Attributes:
        base: scheme, host, port and path, without `/v1`, a slash at the end, a name or a password. This is what is
            told to people.
        credentials: `name:password` of the address; empty where it has none.
    """

    base: str
    credentials: str = field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> "Address":
        """Take an address with or without `/v1`, with or without a slash at its end.

        Raises:
            ValueError: it is no address of a server; the message names no password.
        """
        try:
            parts = urlsplit(url.strip())
        except ValueError:  # its own words may hold the password
            raise ValueError("its host cannot be read") from None
        try:
            host, port = parts.hostname, parts.port
        except ValueError:
            host, port = None, 0
        if port == 0:
            raise ValueError("its port is no number from 1 to 65535")
        if parts.scheme not in {"http", "https"}:
            raise ValueError("it does not begin with http:// or https://")
        if not host or any(character.isspace() for character in url.strip()):
            raise ValueError("it names no host")
        if parts.query or parts.fragment:
            raise ValueError("it has a query or a fragment")
        path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
        name = f"[{host}]" if ":" in host else host
        place = name if port is None else f"{name}:{port}"
        credentials = ""
        if parts.username is not None:
            credentials = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        return cls(f"{parts.scheme}://{place}{path}", credentials)

    def url(self, path: str) -> str:
        """The address of one of its pages, such as `/v1/models`."""
        return f"{self.base}{path}"

    def authorization(self, api_key: str) -> str | None:
        """The header that opens it: name and password of the address, else the key; None for none."""
        if self.credentials:
            return "Basic " + base64.b64encode(self.credentials.encode()).decode("ascii")
        return f"Bearer {api_key}" if api_key else None

    def __str__(self) -> str:
        return self.base
