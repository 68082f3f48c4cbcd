"""What most tests of statements need."""

import client
import wire
from wire import KEY

PATH = "/api/42/envelope/"
AUTH = ("X-Sentry-Auth", f"Sentry sentry_key={KEY}, sentry_version=7, "
                         "sentry_client=test.client/1.0")

# Merging waits for company; tests do not.
QUICK = {}


def post(d, body, headers=(AUTH,), path=PATH, over="tcp", **kw):
    return client.once(d.http if over == "tcp" else d.unix, "POST", path, list(headers), body, **kw)


def post_ok(d, body, headers=(AUTH,), path=PATH, **kw):
    r = post(d, body, headers, path, **kw)
    assert r.status == 200, r
    return r


def assert_error(r, status):
    """The shape of every refusal (P-031)."""
    assert r.status == status, r
    assert r.header("content-type") == "application/json"
    detail = r.json()["detail"]
    assert isinstance(detail, str) and detail and "\n" not in detail
    line = r.header("x-sentry-error")
    assert line and len(line) <= 200 and line.isascii() and line.isprintable()


def arrived(sentry, mark, timeout=10.0):
    """The first accepted request whose body holds these bytes."""
    if isinstance(mark, str):
        mark = mark.encode()

    def find():
        return next((r for r in sentry.requests if r.is_ok and mark in r.body), None)

    sentry.wait_for(find, timeout, f"{mark!r}")
    return find()


def all_with(sentry, mark):
    mark = mark.encode() if isinstance(mark, str) else mark
    return [r for r in sentry.accepted() if mark in r.body]


def event_parts(eid, **more):
    return ({"type": "event"}, wire.event_payload(eid, **more))


def limited(d, sentry, *values):
    """The upstream announces these limits on its next 200."""
    from fake_sentry import Answer
    headers = tuple(("X-Sentry-Rate-Limits", v) for v in values)
    sentry.script(Answer(200, headers=headers), times=1)
    seen = len(sentry.requests)
    post_ok(d, wire.build({}, [({"type": "carries_nothing"}, b"x")]))
    sentry.wait_requests(seen + 1)
    d.wait_empty()
