"""Sending what is judged, and seeing what became of it."""

import json

import wire
from daemon import wait_until
from helpers import QUICK, post_ok
from wire import KEY


def dsc(trace=None, **more):
    return {"trace_id": trace or wire.new_id(), "public_key": KEY, "sampled": "true", **more}


def transaction(trace=None, header=None, eid=None, rest=(), parent=None, **more):
    eid = eid or wire.new_id()
    trace = trace or (header or {}).get("trace_id") or wire.new_id()
    context = {"trace_id": trace, "span_id": "1234567890abcdef"}
    if parent is not None:
        context["parent_span_id"] = parent
    body = {"event_id": eid, "type": "transaction", "transaction": "GET /x",
            "start_timestamp": 1767225600.0, "timestamp": 1767225600.5,
            "contexts": {"trace": context}, "spans": [], **more}
    head = {"event_id": eid, **({"trace": header} if header is not None else {})}
    return wire.build(head, [({"type": "transaction"}, wire.compact(body)), *rest])


def event(eid=None, rest=(), header=None, **more):
    """An error event, and what else is in its envelope."""
    eid = eid or wire.new_id()
    head = {"event_id": eid, **({"trace": header} if header is not None else {})}
    return wire.build(head, [({"type": "event"}, wire.event_payload(eid, **more)), *rest])


def exception(*chain, module=None, **more):
    """The last of (type, value) was raised, those before it are its causes."""
    values = [{"type": kind, "value": value} for kind, value in chain]
    values[-1].update({"module": module} if module else {}, **more)
    return {"values": values}


def ids_of(envelope):
    return json.loads(envelope.split(b"\n")[0])["event_id"]


def kept(d, sentry, bodies):
    """Event id -> envelope of those that arrive."""
    wanted = [ids_of(b) for b in bodies]
    for body, eid in zip(bodies, wanted):
        assert post_ok(d, body).json() == {"id": eid}
    d.wait_empty()
    return {e.event_id: e for e in sentry.envelopes() if e.event_id in set(wanted)}


def sampler(make_daemon, sentry, more=None, **sampling):
    return make_daemon(sentry, {**QUICK, "sampling": sampling, **(more or {})})


def last_56_bits(trace):
    """The random number that a trace id is, where the trace has none of its own."""
    return (int(trace[-14:], 16) * 10**6 >> 56) / 10**6


def life(d, eid):
    """What the daemon remembers of an event, oldest first."""
    done = d.cli("why", eid, "--json")
    return [json.loads(x) for x in done.stdout.splitlines()] if done.returncode == 0 else []


def dropped_by(d, eid):
    """(reason, who decided) of an event that did not arrive."""
    wait_until(lambda: life(d, eid), what="an entry in the journal")
    lost = life(d, eid)[0]
    return lost["reason"], lost.get("by")


def payload_of(envelope, kind="event"):
    """The only payload of this kind, as JSON."""
    (item,) = envelope.of_type(kind)
    return item.json()


def passed(d, sentry, body, kind="event"):
    """The payload as it arrives; None when it was dropped."""
    got = kept(d, sentry, [body])
    return payload_of(got[ids_of(body)], kind) if got else None
