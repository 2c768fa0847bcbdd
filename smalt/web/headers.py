"""The headers of every response. Each is argued in docs/security/web.md."""

from __future__ import annotations

_POLICY = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob:",
    "connect-src 'self'",
    "font-src 'self'",
    "form-action 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types smalt",
)
CONTENT_SECURITY_POLICY = "; ".join(_POLICY)

_OFF = (
    "accelerometer", "autoplay", "browsing-topics", "camera", "display-capture", "encrypted-media",
    "geolocation", "gyroscope", "hid", "idle-detection", "local-fonts", "magnetometer", "microphone", "midi",
    "payment", "picture-in-picture", "publickey-credentials-create", "publickey-credentials-get",
    "screen-wake-lock", "serial", "storage-access", "usb", "xr-spatial-tracking",
)  # fmt: skip

SECURITY_HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode()),
    (b"strict-transport-security", b"max-age=63072000; includeSubDomains"),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-embedder-policy", b"require-corp"),
    (b"server", b"smalt"),  # or Granian adds its own name
    (b"permissions-policy", ", ".join(f"{name}=()" for name in _OFF).encode()),
)

_OURS = frozenset(name for name, _ in SECURITY_HEADERS)
_DROPPED = frozenset({b"x-powered-by"})


def secured(headers: list[tuple[bytes, bytes]], request_id: bytes) -> list[tuple[bytes, bytes]]:
    """``headers`` of a route with the guard's own on top. A route cannot weaken one, only choose its caching."""
    kept = [(name, value) for name, value in headers if name.lower() not in _OURS and name.lower() not in _DROPPED]
    if not any(name.lower() == b"cache-control" for name, _ in kept):
        kept.append((b"cache-control", b"no-store"))
    return [*kept, *SECURITY_HEADERS, (b"x-request-id", request_id)]
