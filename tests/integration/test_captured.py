"""Bodies that real SDKs sent: over every encoding and transport, payload bytes
come out equal."""

import json

import pytest

import client
import wire
from settings import CAPTURED

MANIFEST = json.loads((CAPTURED / "manifest.json").read_text())
ENVELOPES = sorted((e for e in MANIFEST["envelopes"] if e["file"].endswith(".envelope")),
                   key=lambda e: e["file"])
SDKS = sorted({e["file"].split("/")[0] for e in ENVELOPES})
ENCODINGS = ["identity", "gzip", "deflate", "br", "zstd"]


def lenient(data):
    """Items of an envelope as a reader of 6.2 sees them; independent of the daemon."""
    decoder = json.JSONDecoder()
    head_end = data.index(b"\n") if b"\n" in data else len(data)
    header = json.loads(data[:head_end])
    at, items = head_end + 1, []
    while at < len(data):
        if data[at:at + 1] in (b"\n", b" ", b"\r", b"\t"):
            at += 1
            continue
        end = data.find(b"\n", at)
        end = len(data) if end < 0 else end
        item = decoder.decode(data[at:end].decode())
        start = min(end + 1, len(data))
        if item.get("length") is not None:
            stop = start + item["length"]
        else:
            stop = data.find(b"\n", start)
            stop = len(data) if stop < 0 else stop
        items.append((item, data[start:stop]))
        at = stop + 1
    return header, items


def credentials(entry):
    """The headers that carried the credentials and named the client."""
    keep = {"x-sentry-auth", "authorization", "user-agent", "content-type"}
    return [(k, v) for k, v in entry["headers"] if k.lower() in keep]


def comparable(headers):
    return {k: v for k, v in headers.items() if k not in ("sent_at", "dsn", "trace", "event_id")}


def check(entry, data, got):
    header, items = lenient(data)
    assert [i.type for i in got.items] == [h["type"] for h, _ in items], entry["file"]
    for (head, payload), item in zip(items, got.items):
        assert item.payload == payload, f"{entry['file']}: {item.type} changed"
        want = dict(head)
        want["length"] = len(payload)
        assert item.headers == want, entry["file"]
    if header.get("event_id"):
        assert got.event_id == header["event_id"].replace("-", "").lower()
    assert comparable(got.headers) == comparable(
        {k: v for k, v in header.items() if v is not None}), entry["file"]
    trace, was = got.headers.get("trace"), header.get("trace")
    if was is None:
        assert trace is None
    else:
        assert {k: v for k, v in trace.items() if k != "public_key"} == {
            k: v for k, v in was.items() if k != "public_key"}
        assert trace.get("public_key") != wire.KEY


def post(where, entry, data, encoding):
    headers = credentials(entry)
    if encoding != "identity":
        headers.append(("Content-Encoding", encoding))
    target = entry["path"]
    if not any(k.lower() in ("x-sentry-auth", "authorization") for k, _ in headers):
        if "sentry_key" not in target and b'"dsn"' not in data.split(b"\n", 1)[0]:
            target = f"/api/42/envelope/?sentry_key={wire.KEY}"
    if not target.startswith("/api/"):
        target = f"/api/42/envelope/?sentry_key={wire.KEY}"
    return client.once(where, "POST", target, headers, wire.encode(encoding, data))


@pytest.mark.parametrize("way", [f"{t}-{e}" for t in ("tcp", "unix") for e in ENCODINGS] + ["raw"])
@pytest.mark.parametrize("sdk", SDKS)
def test_captured_envelopes_arrive_byte_for_byte(make_daemon, sentry, sdk, way):
    d = make_daemon(sentry, {"spool": {"durability": "lazy"}})
    # Clients' own reports and reasons are theirs; headers Relay knows may come from SDKs.
    for entry in (e for e in ENVELOPES if e["file"].startswith(sdk + "/")):
        data = (CAPTURED / entry["file"]).read_bytes()
        header, items = lenient(data)
        seen = len(sentry.accepted())
        if way == "raw":
            if not data.startswith(b"{"):
                continue
            own = json.loads(data.split(b"\n", 1)[0])
            own["dsn"] = d.dsn()
            raw = wire.compact(own) + b"\n" + data.split(b"\n", 1)[1]
            answer = client.raw_envelope(d.unix, raw)
            assert answer["status"] == 200, (entry["file"], answer)
        else:
            over, encoding = way.split("-")
            r = post(d.http if over == "tcp" else d.unix, entry, data, encoding)
            assert r.status == 200, (entry["file"], r)
        if items:
            sentry.wait_for(lambda n=seen: len(sentry.accepted()) > n, 20, entry["file"])
            check(entry, data, sentry.accepted()[-1].envelope)


def test_all_of_them_survive_kill_9(make_daemon, sentry):
    # Unmerged, so that every payload can be told from the others.
    picketd = make_daemon(sentry, {"batch": {"max_items": 1}})
    sentry.down()
    want = []
    for entry in ENVELOPES:
        data = (CAPTURED / entry["file"]).read_bytes()
        assert post(picketd.http, entry, data, "gzip").status == 200, entry["file"]
        want += [p for h, p in lenient(data)[1] if h["type"] != "client_report"]
    picketd.kill9()
    picketd.start()
    sentry.up()
    picketd.wait_empty(40)
    assert sorted(sentry.payloads()) == sorted(want)
