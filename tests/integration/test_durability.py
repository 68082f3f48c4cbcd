"""What was answered 200 comes out at the other end: over kill -9, outages,
quotas and dead letters."""

import os
import random
import threading

import pytest

import client
import wire
from daemon import wait_until
from fake_sentry import Answer
from settings import SANITIZED


def mixed_load(n):
    """n envelopes of every sort; (bytes, payloads) each."""
    out = []
    for i in range(n):
        eid = wire.new_id()
        blob = os.urandom(random.randint(0, 3000))
        out.append((wire.build({"event_id": eid}, [
            ({"type": "event"}, wire.event_payload(eid, n=i)),
            ({"type": "attachment", "filename": f"{i}.bin"}, blob)]),
            [wire.event_payload(eid, n=i), blob]))
        sess = wire.compact({"sid": wire.new_id(), "started": "2026-01-01T00:00:00Z", "n": i})
        out.append((wire.build({}, [({"type": "session"}, sess)]), [sess]))
        odd = b"\x00\xff" + blob[:50]
        out.append((wire.build({}, [({"type": "strange"}, odd)]), [odd]))
    return out


def test_everything_answered_survives_kill_9_byte_for_byte_p033_p115(picketd, sentry):
    sentry.down()
    want = []
    for body, payloads in mixed_load(40):
        picketd.send_ok(body)
        want += payloads
    picketd.kill9()
    picketd.start()
    assert picketd.held("error") == 40
    sentry.up()
    picketd.wait_empty(30)
    assert sorted(sentry.payloads()) == sorted(want), "each exactly once, none invented"
    assert picketd.delivered("error") == 40


def test_kill_9_right_after_the_answer_loses_nothing_p033(picketd, sentry):
    sentry.down()
    ids = []
    for _ in range(8):
        ids.append(picketd.send_event())
        picketd.kill9()
        picketd.start()
    sentry.up()
    sentry.wait_events(ids)


def test_figures_survive_restarts(picketd, sentry):
    for _ in range(3):
        picketd.send_event()
    picketd.wait_empty()
    sentry.script(Answer(403), times=1)
    picketd.send_event()
    picketd.wait_empty()
    before = picketd.totals()
    picketd.kill9()
    picketd.start()
    assert picketd.totals() == before
    picketd.restart()
    assert picketd.totals() == before


class Sender(threading.Thread):
    """Sends events with unique ids until told to stop; remembers what was acknowledged."""

    def __init__(self, daemon):
        super().__init__(daemon=True)
        self.d = daemon
        self.sent = {}
        self.acked = set()
        self.stop = threading.Event()

    def run(self):
        while not self.stop.is_set():
            try:
                with client.Http(self.d.unix) as c:
                    while not self.stop.is_set():
                        eid = wire.new_id()
                        payload = wire.event_payload(eid, pad=os.urandom(200).hex())
                        self.sent[eid] = payload
                        r = c.envelope(wire.build({"event_id": eid},
                                                  [({"type": "event"}, payload)]))
                        if r.status == 200:
                            assert r.json() == {"id": eid}
                            self.acked.add(eid)
            except (OSError, client.Closed, ValueError):
                self.stop.wait(0.005)


@pytest.mark.parametrize("durability", ["sync", "lazy", "async"])
def test_random_kills_under_load_lose_nothing_acknowledged(make_daemon, sentry, durability):
    """A killed process loses no page it gave to the kernel, whatever the level."""
    d = make_daemon(sentry, {"spool": {"durability": durability}})
    rng = random.Random(7)
    senders = [Sender(d) for _ in range(4)]
    for s in senders:
        s.start()
    for _ in range(4 if SANITIZED else 6):
        # Lets some acknowledgements through, then kills at a random moment.
        goal = sum(len(s.acked) for s in senders) + rng.randint(20, 120)
        wait_until(lambda: sum(len(s.acked) for s in senders) >= goal, 60, "progress")
        wait_until(lambda: rng.random() < 0.2, every=0.001)
        d.kill9()
        d.start()
    for s in senders:
        s.stop.set()
    for s in senders:
        s.join()
    d.wait_empty(60)
    sent = {k: v for s in senders for k, v in s.sent.items()}
    acked = set().union(*(s.acked for s in senders))
    got = {}
    for env in sentry.envelopes():
        for item in env.of_type("event"):
            assert sent.get(env.event_id) == item.payload, "invented or altered"
            got[env.event_id] = item.payload
    assert acked <= set(got), f"{len(acked - set(got))} acknowledged events were lost"


def test_an_outage_then_recovery_delivers_each_once(picketd, sentry):
    sentry.down()
    ids = [picketd.send_event() for _ in range(150)]
    sentry.up()
    sentry.wait_events(ids, 40)
    picketd.wait_empty()
    assert sorted(sentry.event_ids()) == sorted(ids)


def test_an_outage_over_a_restart(picketd, sentry):
    sentry.down()
    ids = [picketd.send_event() for _ in range(10)]
    picketd.restart()
    ids += [picketd.send_event() for _ in range(10)]
    sentry.up()
    sentry.wait_events(ids)
    assert picketd.delivered("error") <= 20
    picketd.wait_empty()
    assert picketd.delivered("error") == 20


def test_own_losses_are_reported_once_and_survive_kill_9_p120(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "500ms"},
                             "upstream": {"compression": "gzip"}})
    # A request that is answered, whatever the status, takes its report along.
    sentry.script(Answer(405), times=1, when=lambda r: r.envelope and r.envelope.of_type("event"))
    d.send_event()
    wait_until(lambda: d.held() == 0, 20, "verdict")
    sentry.down()
    d.kill9()
    d.start()
    sentry.up()
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] >= 1, 20)
    d.restart()
    later = d.send_event()
    sentry.wait_event(later)
    assert sentry.discarded() == {("send_error", "error"): 1}


def test_a_report_that_got_no_answer_is_told_again_p121(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "300ms"},
                             "upstream": {"compression": "gzip"}})
    reports = (lambda r: r.envelope and r.envelope.of_type("client_report"))
    sentry.script(Answer(how="reset"), times=2, when=reports)
    sentry.script(Answer(405), times=1, when=lambda r: r.envelope and r.envelope.of_type("event"))
    d.send_event()
    sentry.wait_for(lambda: sentry.discarded()["send_error", "error"] == 1, 20)


def test_reports_can_be_turned_off(make_daemon, sentry):
    d = make_daemon(sentry, {"reports": {"interval": "100ms", "client_reports": "no"},
                             "upstream": {"compression": "gzip"}})
    sentry.script(Answer(405), times=1)
    d.send_event()
    d.wait_empty()
    sentry.wait_event(d.send_event())
    sentry.wait_event(d.send_event())
    assert sentry.discarded() == {}


def test_client_reports_of_clients_pass_p122(picketd, sentry):
    picketd.send_ok(wire.client_report("sample_rate", "transaction", 5))
    sentry.wait_for(lambda: sentry.discarded()["sample_rate", "transaction"] == 5)


def test_dead_letters_are_kept_over_a_restart(make_daemon, sentry):
    d = make_daemon(sentry, {"upstream": {"compression": "gzip"}})
    sentry.script(Answer(405), times=1)
    eid = d.send_event()
    d.wait_empty()
    for _ in range(2):
        listed = d.cli("dead", "ls", "--json")
        assert listed.returncode == 0, listed
        assert eid.encode() in listed.stdout and b"405" in listed.stdout
        d.kill9()
        d.start()


def incompressible(kind, size):
    pad = os.urandom(size // 2).hex()
    return wire.event(pad=pad) if kind == "error" else wire.logs([pad])


def test_a_full_spool_evicts_the_least_important_first_p116(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M", "when_full": "evict"}})
    sentry.down()
    for _ in range(5):
        d.send_ok(incompressible("error", 40000))
    for _ in range(40):
        d.send_ok(incompressible("log", 40000))
    for _ in range(5):
        d.send_ok(incompressible("error", 40000))
    assert d.dropped("cache_overflow", "log_item") > 0
    assert d.dropped("cache_overflow", "error") == 0
    assert d.held("error") == 10
    assert d.status()["spool"]["bytes"] <= 1 << 20
    d.check_conservation()
    lost = d.dropped("cache_overflow", "log_item")
    assert d.held("log_item") == 40 - lost
    sentry.up()
    d.wait_empty()
    assert len(sentry.items("event")) == 10
    assert sum(item.headers["item_count"] for item in sentry.items("log")) == 40 - lost
    sentry.wait_for(lambda: sentry.discarded()["cache_overflow", "log_item"] == lost, 20)


def test_a_full_spool_of_one_class_evicts_the_oldest(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M"}})
    # Held, not away: what is being tried at the moment is not evicted.
    assert d.cli("hold").returncode == 0
    ids = []
    for _ in range(40):
        eid = wire.new_id()
        d.send_ok(wire.event(eid, pad=os.urandom(40000).hex()))
        ids.append(eid)
    kept = d.held("error")
    assert 0 < kept < 40 and d.dropped("cache_overflow", "error") == 40 - kept
    assert d.cli("release").returncode == 0
    d.wait_empty()
    assert sorted(sentry.event_ids()) == sorted(ids[-kept:])


def test_a_full_spool_refuses_when_so_configured_p034(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_size": "1M", "when_full": "refuse"}})
    sentry.down()
    taken = []
    while True:
        eid = wire.new_id()
        r = d.send(wire.event(eid, pad=os.urandom(20000).hex()))
        if r.status != 200:
            break
        taken.append(eid)
        assert len(taken) < 60
    assert r.status == 503 and int(r.header("retry-after")) >= 1
    assert r.header("x-sentry-error") and r.json()["detail"]
    assert d.held("error") == d.received("error") == len(taken), "a refusal is not counted"
    # There may be room for something smaller; then for nothing.
    for _ in range(1000):
        eid = wire.new_id()
        if d.send(wire.event(eid)).status == 503:
            break
        taken.append(eid)
    assert d.ready() == 503, "a full spool is not ready (P-142)"
    sentry.up()
    sentry.wait_events(taken, 30)
    d.wait_empty()
    assert d.send(wire.event()).status == 200
    assert d.ready() == 200
    assert not any(d.totals()["dropped"].values())


def test_what_is_too_old_is_dropped_and_counted(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"max_age": "1s"}})
    sentry.down()
    d.send_event()
    wait_until(lambda: d.dropped("cache_overflow", "error") == 1, 20, "expiry")
    assert d.status()["spool"]["records"] == 0
    sentry.up()
    sentry.wait_for(lambda: sentry.discarded()["cache_overflow", "error"] == 1, 20)
    assert sentry.items("event") == []


def test_disk_space_is_given_back_after_a_drain(picketd, sentry):
    sentry.down()
    for _ in range(60):
        picketd.send_ok(wire.build({"event_id": wire.new_id()}, [
            ({"type": "attachment"}, os.urandom(200000))]))

    def used():
        return sum(f.stat().st_blocks * 512 for f in picketd.spool.rglob("*") if f.is_file())

    assert used() > 10 << 20
    sentry.up()
    picketd.wait_empty(40)
    wait_until(lambda: used() < 4 << 20, 40, "the file to be given back", 0.1)
    sentry.wait_event(picketd.send_event())


def test_payload_bytes_arrive_once_from_many_clients(make_daemon, sentry):
    d = make_daemon(sentry)
    ids, lock, faults = [], threading.Lock(), []

    def work():
        try:
            with d.conn("unix") as c:
                for _ in range(25):
                    eid = wire.new_id()
                    assert c.envelope(wire.event(eid)).json() == {"id": eid}
                    with lock:
                        ids.append(eid)
        except Exception as e:
            faults.append(e)

    threads = [threading.Thread(target=work) for _ in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert not faults
    d.wait_empty(30)
    assert sorted(sentry.event_ids()) == sorted(ids)
    assert d.metrics()["picket_spool_commits_total"] > 0
