"""P-035 to P-054: the framing of envelopes, read and written."""

import random

import pytest

import wire
from helpers import AUTH, PATH, arrived, assert_error, post, post_ok
from settings import ROOT


def sent_and_got(relay, tail, header=None):
    """Sends a header and these bytes; the items that arrive, as (type, payload)."""
    eid = wire.new_id()
    post_ok(relay.d, wire.compact({"event_id": eid, **(header or {})}) + b"\n" + tail)
    return [(i.type, i.payload) for i in relay.sentry.wait_event(eid).envelope.items]


def refused(relay, data):
    assert_error(post(relay.d, data), 400)


def test_P035_binary_payloads_pass(relay):
    blob = b"\xef\xbb\xbfline\r\n\r\n\x00\xff\n"
    tail = (b'{"type":"event","length":2}\n{}\n{"type":"attachment","length":%d}\n' % len(blob)
            + blob + b"\n")
    assert sent_and_got(relay, tail) == [("event", b"{}"), ("attachment", blob)]


def test_P036_the_last_newline_may_be_missing(relay):
    assert sent_and_got(relay, b'{"type":"event","length":2}\n{}') == [("event", b"{}")]


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n"])
def test_P037_two_empty_attachments(relay, end):
    tail = b'{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}' + end
    assert sent_and_got(relay, tail) == [("attachment", b"")] * 2


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_P038_an_implicit_length(relay, end):
    assert sent_and_got(relay, b'{"type":"event"}\n{"a":1}' + end) == [("event", b'{"a":1}')]


def test_P039_cr_before_the_newline_is_payload(relay):
    assert sent_and_got(relay, b'{"type":"attachment"}\nabc\r\n') == [("attachment", b"abc\r")]


@pytest.mark.parametrize("after", [b"x", b" ", b"\r\n", b"{"])
def test_P040_a_counted_payload_is_followed_by_lf(relay, after):
    refused(relay, b'{}\n{"type":"attachment","length":3}\nabc' + after)


def test_P041_a_length_beyond_the_end(relay):
    refused(relay, b'{}\n{"type":"attachment","length":4}\nabc')
    refused(relay, b'{}\n{"type":"attachment","length":4294967295}\nabc\n')


@pytest.mark.parametrize("blank", [b"\r", b" ", b"\t"])
def test_P042_nothing_may_stand_behind_a_header(relay, blank):
    refused(relay, b"{}" + blank + b'\n{"type":"session"}\n{}\n')
    refused(relay, b'{}\n{"type":"session"}' + blank + b"\n{}\n")


def test_P043_blank_lines_before_an_item(relay):
    tail = b'\n \t\r\n{"type":"event","length":2}\n{}\n\n\n{"type":"attachment","length":1}\nx'
    assert sent_and_got(relay, tail) == [("event", b"{}"), ("attachment", b"x")]


def test_P044_blank_lines_at_the_end_are_not_passed_on(relay):
    eid = wire.new_id()
    post_ok(relay.d, wire.event(eid) + b"\n\n \n")
    body = relay.sentry.wait_event(eid).body
    assert body.endswith(b"}\n") and not body.endswith(b"\n\n")


@pytest.mark.parametrize("length", ["-1", "1.5", '"5"', "4294967296", "1e0", "true", "[]"])
def test_P045_lengths_are_whole_numbers_of_32_bits(relay, length):
    refused(relay, b'{}\n{"type":"session","length":%s}\n{}\n' % length.encode())


def test_P045_a_null_length_is_none(relay):
    assert sent_and_got(relay, b'{"type":"event","length":null}\n{}\n') == [("event", b"{}")]


@pytest.mark.parametrize("data", [
    b'{}\n{"length":2}\n{}\n', b'{}\n{"type":7,"length":2}\n{}\n',
    b'[]\n{"type":"session"}\n{}\n', b'{}\n["type"]\n{}\n', b'"x"\n', b'null\n'])
def test_P046_type_is_needed_and_headers_are_objects(relay, data):
    refused(relay, data)


def test_P047_utf8_is_demanded_of_headers_only(relay):
    refused(relay, b'{"x":"\xff"}\n{"type":"session"}\n{}\n')
    refused(relay, b'{}\n{"type":"session","x":"\xc3("}\n{}\n')
    tail = b'{"type":"attachment","length":4}\n\xff\xfe\xc3(\n'
    assert sent_and_got(relay, tail) == [("attachment", b"\xff\xfe\xc3(")]


def test_P048_two_times_of_sending(relay):
    t = b'"sent_at":"2026-01-01T00:00:00Z"'
    refused(relay, b"{" + t + b"," + t + b'}\n{"type":"session"}\n{}\n')


@pytest.mark.parametrize("header", [
    b'{"event_id":"nope"}', b'{"event_id":7}', b'{"sent_at":"yesterday"}',
    b'{"sent_at":"2026-01-01T00:00:00"}', b'{"sent_at":1767225600}'])
def test_P049_bad_ids_and_times(relay, header):
    refused(relay, header + b'\n{"type":"session"}\n{}\n')


@pytest.mark.parametrize("trace", [5, "x", [], {}, {"trace_id": 5}, {"trace_id": "zz"}])
def test_P049_a_bad_trace_costs_nothing(relay, trace):
    assert sent_and_got(relay, b'{"type":"event"}\n{}\n', {"trace": trace}) == [("event", b"{}")]


def test_P050_unknown_things_pass(relay):
    eid = wire.new_id()
    head = {"event_id": eid, "sent_by": {"n": 18446744073709551615, "list": ["ü", None, True]},
            "zero": 0.10}
    item = {"type": "from_2040", "length": 5, "colour": [1, {"deep": "x"}], "content_type": "a/b"}
    post_ok(relay.d, wire.build(head, [(item, b"\x00\n\xffab")]))
    got = arrived(relay.sentry, eid).envelope
    assert {k: got.headers[k] for k in head} == head
    assert got.items[0].headers == item and got.items[0].payload == b"\x00\n\xffab"


def test_P051_an_integration_item(relay):
    refused(relay, b'{}\n{"type":"integration","length":2}\n{}\n')


def test_P052_what_is_emitted_is_in_normal_form(relay):
    eid = wire.new_id()
    data = (b'{ "event_id" : "%s",\n "x" : [ 1 , 2 ] }\n\n{"type":  "event"}\n{"a": 1}\n'
            b'{ "type":"attachment", "filename":"a b" }\nno newline' % eid.encode())
    post_ok(relay.d, data)
    body = relay.sentry.wait_event(eid).body
    env = wire.parse_strict(body)  # refuses anything but the normal form
    assert [(i.type, i.payload) for i in env.items] == [
        ("event", b'{"a": 1}'), ("attachment", b"no newline")]
    assert body.endswith(b"no newline\n")


def test_P053_a_hundred_thousand_tiny_items(make_daemon, sentry):
    d = make_daemon(sentry)
    mark = wire.new_id()
    post_ok(d, wire.compact({"mark": mark}) + b"\n"
            + b'{"type":"x","length":1}\nz\n' * 100000)
    assert len(arrived(sentry, mark, 30).envelope.items) == 100000


def seeds():
    folder = ROOT / "tests" / "fuzz" / "corpus"
    return [p.read_bytes() for name in ("envelope", "frame")
            for p in sorted((folder / name).iterdir())]


def mutated(rng, data):
    data = bytearray(data)
    for _ in range(rng.randint(0, 4)):
        at = rng.randrange(len(data) + 1)
        what = rng.randrange(4)
        if what == 0 and data:
            data[at % len(data)] = rng.randrange(256)
        elif what == 1:
            data[at:at] = rng.choice([b"\n", b"{", b"}", b'"', b"\\", b"\x00", b",", b"-9"])
        elif what == 2:
            del data[at:at + rng.randint(1, 9)]
        else:
            data[at:at] = data[:rng.randint(0, 30)]
    return bytes(data)


def test_P054_nothing_breaks_the_parser(make_daemon, make_sentry):
    s = make_sentry()
    s.check_envelopes = False  # a broken payload is carried, whatever it claims to be
    d = make_daemon(s, {"spool": {"durability": "lazy"}})
    rng = random.Random(54)
    corpus = seeds()
    with d.conn() as c:
        for n in range(600):
            r = c.request("POST", PATH, [AUTH], mutated(rng, corpus[n % len(corpus)]))
            assert r.status in (200, 400, 413), r
    s.wait_event(d.send_event(), 30)
    d.wait_empty(30)
