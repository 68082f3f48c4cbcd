"""Envelope framing, the decision table of protocol 6.3, seen from both ends."""

import random

import pytest

import client
import wire
from fake_sentry import Answer

E1 = b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc"}'

# name: (bytes, [(type, payload)...]) is accepted, and this is what leaves.
ACCEPTED = {
    "p035_binary_attachment": (
        E1 + b'\n{"type":"event","length":2}\n{}\n{"type":"attachment","length":9}\n'
        b"\xef\xbb\xbfa\r\n\r\nb\n",
        [("event", b"{}"), ("attachment", b"\xef\xbb\xbfa\r\n\r\nb")]),
    "p036_last_newline_omitted": (E1 + b'\n{"type":"event","length":2}\n{}',
                                  [("event", b"{}")]),
    "p037_empty_attachments_then_eof": (
        E1 + b'\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}',
        [("attachment", b"")] * 2),
    "p037_empty_attachments_with_newlines": (
        E1 + b'\n{"type":"attachment","length":0}\n\n{"type":"attachment","length":0}\n\n',
        [("attachment", b"")] * 2),
    "p037_empty_attachment_one_newline": (
        E1 + b'\n{"type":"attachment","length":0}\n', [("attachment", b"")]),
    "implicit_empty_payload_at_eof": (E1 + b'\n{"type":"attachment"}', [("attachment", b"")]),
    "p038_implicit_ended_by_lf": (E1 + b'\n{"type":"event"}\n{"a":1}\n', [("event", b'{"a":1}')]),
    "p038_implicit_ended_by_eof": (E1 + b'\n{"type":"event"}\n{"a":1}', [("event", b'{"a":1}')]),
    "p038_two_implicit": (
        E1 + b'\n{"type":"event"}\n{"a":1}\n{"type":"attachment"}\nraw\n',
        [("event", b'{"a":1}'), ("attachment", b"raw")]),
    "p039_implicit_before_crlf": (E1 + b'\n{"type":"attachment"}\nhello\r\n',
                                  [("attachment", b"hello\r")]),
    "p043_blank_lines_before_an_item": (
        E1 + b'\n\n \t\r\n{"type":"event","length":2}\n{}\n\n\n{"type":"attachment","length":1}\nx',
        [("event", b"{}"), ("attachment", b"x")]),
    "blank_before_the_header": (b" \n\t" + E1 + b'\n{"type":"event"}\n{}\n', [("event", b"{}")]),
    "p044_blank_lines_at_the_end": (E1 + b'\n{"type":"event","length":2}\n{}\n\n\n \n',
                                    [("event", b"{}")]),
    "p045_null_length_is_implicit": (E1 + b'\n{"type":"event","length":null}\n{}\n',
                                     [("event", b"{}")]),
    "header_over_several_lines": (
        b'{\n "event_id":\n"9ec79c33ec9942ab8353589fcb2e04dc"\n}\n{\n"type":\r\n"event"}\n{}\n',
        [("event", b"{}")]),
    "p047_invalid_utf8_in_a_payload": (E1 + b'\n{"type":"attachment","length":3}\n\xff\xfe\x00\n',
                                       [("attachment", b"\xff\xfe\x00")]),
    "payload_with_lf": (E1 + b'\n{"type":"attachment","length":3}\na\nb\n',
                        [("attachment", b"a\nb")]),
    "payload_that_looks_like_an_item": (
        E1 + b'\n{"type":"attachment","length":28}\n{"type":"event","length":2}\n\n',
        [("attachment", b'{"type":"event","length":2}\n')]),
    "p049_bad_trace": (E1[:-1] + b',"trace":{"trace_id":5}}\n{"type":"event"}\n{}\n',
                       [("event", b"{}")]),
    "trace_of_wrong_type": (E1[:-1] + b',"trace":"x"}\n{"type":"event"}\n{}\n',
                            [("event", b"{}")]),
    "null_headers": (
        b'{"event_id":null,"sent_at":null,"dsn":null,"trace":null}\n{"type":"session"}\n{}\n',
        [("session", b"{}")]),
    "sent_at_with_offset": (
        b'{"sent_at":"2026-01-01T02:00:00.5+02:00"}\n{"type":"session"}\n{}\n',
        [("session", b"{}")]),
    "unknown_type": (b'{}\n{"type":"from_the_future","length":4}\n\x00\x01\x02\x03\n',
                     [("from_the_future", b"\x00\x01\x02\x03")]),
    "zero_length_then_more": (
        b'{}\n{"type":"x","length":0}\n\n{"type":"y","length":1}\nz',
        [("x", b""), ("y", b"z")]),
    "escaped_type": (b'{}\n{"type":"sess\\u0069on"}\n{}\n', [("session", b"{}")]),
}

REFUSED = {
    "p040_other_byte_after_payload": b'{}\n{"type":"x","length":3}\nabcd\n',
    "crlf_after_a_counted_payload": b'{}\n{"type":"x","length":3}\nabc\r\n',
    "p041_length_beyond_the_end": b'{}\n{"type":"x","length":10}\nabc\n',
    "p042_crlf_after_the_header": b'{}\r\n{"type":"x","length":1}\na\n',
    "p042_blank_after_the_header": b'{} \n{"type":"x","length":1}\na\n',
    "p042_crlf_after_an_item_header": b'{}\n{"type":"x","length":1}\r\na\n',
    "p042_blank_after_an_item_header": b'{}\n{"type":"x","length":1} \na\n',
    "p045_negative": b'{}\n{"type":"x","length":-1}\na\n',
    "p045_fraction": b'{}\n{"type":"x","length":1.5}\na\n',
    "p045_string": b'{}\n{"type":"x","length":"1"}\na\n',
    "p045_above_u32": b'{}\n{"type":"x","length":4294967296}\na\n',
    "p045_huge": b'{}\n{"type":"x","length":99999999999999999999999999}\na\n',
    "length_u32_max_beyond_the_end": b'{}\n{"type":"x","length":4294967295}\na\n',
    "p046_no_type": b'{}\n{"length":1}\na\n',
    "p046_type_not_a_string": b'{}\n{"type":5,"length":1}\na\n',
    "p046_type_null": b'{}\n{"type":null,"length":1}\na\n',
    "p046_header_is_an_array": b'[]\n{"type":"x","length":1}\na\n',
    "p046_header_is_a_string": b'"x"\n',
    "p046_item_header_is_an_array": b'{}\n[]\na\n',
    "p047_invalid_utf8_in_the_header": b'{"x":"\xff"}\n',
    "p047_invalid_utf8_in_an_item_header": b'{}\n{"type":"x","f":"\xc3\x28"}\na\n',
    "p048_two_sent_at": b'{"sent_at":"2026-01-01T00:00:00Z","sent_at":"2026-01-01T00:00:00Z"}\n',
    "two_event_ids": E1[:-1] + b"," + E1[1:] + b"\n",
    "two_types": b'{}\n{"type":"x","type":"x"}\na\n',
    "two_lengths": b'{}\n{"type":"x","length":1,"length":1}\na\n',
    "p049_bad_event_id": b'{"event_id":"nope"}\n',
    "p049_event_id_number": b'{"event_id":5}\n',
    "p049_bad_sent_at": b'{"sent_at":"yesterday"}\n',
    "p049_sent_at_without_offset": b'{"sent_at":"2026-01-01T00:00:00"}\n',
    "p049_sent_at_number": b'{"sent_at":1767225600}\n',
    "p049_sent_at_impossible_day": b'{"sent_at":"2026-02-31T00:00:00Z"}\n',
    "bad_dsn": b'{"dsn":"nonsense"}\n',
    "p051_integration": b'{}\n{"type":"integration","length":1}\na\n',
    "truncated_header": b'{"event_id":"9ec7',
    "truncated_item_header": b'{}\n{"type":"x"',
    "truncated_after_a_good_item": b'{}\n{"type":"x","length":1}\na\n{"type":"y","len',
    "garbage": b"hello",
    "only_blanks": b" \n\n",
    "implicit_payload_with_lf": b'{}\n{"type":"attachment"}\nline one\nline two\n',
    "a_second_value_on_the_line": b'{}{}\n{"type":"x","length":1}\na\n',
    "deep_header": b'{"x":' + b"[" * 3000 + b"]" * 3000 + b"}\n",
}


@pytest.mark.parametrize("over", ["http", "raw"])
@pytest.mark.parametrize("name", ACCEPTED)
def test_accepted_and_forwarded_in_normal_form(picketd, sentry, name, over):
    data, want = ACCEPTED[name]
    if over == "raw":
        if not data.startswith(b"{"):
            return  # only a first byte of { makes a raw envelope
        head, brace, rest = data.partition(b"{")
        dsn = b'"dsn":' + wire.compact(picketd.dsn())
        if b'"dsn":null' in rest:
            rest = rest.replace(b'"dsn":null', dsn)
        else:
            rest = dsn + (b"," if rest.lstrip()[:1] != b"}" else b"") + rest
        answer = client.raw_envelope(picketd.unix, head + brace + rest)
        assert answer["status"] == 200, answer
    else:
        r = picketd.send(data)
        assert r.status == 200, r
    sentry.wait_requests(1)
    assert [(i.type, i.payload) for i in sentry.envelopes()[0].items] == want


@pytest.mark.parametrize("name", REFUSED)
def test_malformed_is_400_whole(picketd, name):
    r = picketd.send(REFUSED[name])
    assert r.status == (413 if name == "deep_header" else 400), r
    assert r.json()["detail"]
    assert picketd.totals()["received"] == {}


def test_unknown_headers_and_items_survive_with_equal_values_p050_p059(picketd, sentry):
    head = {"event_id": wire.new_id(), "sdk": {"name": "x", "packages": [1, {"a": None}]},
            "trace": {"trace_id": wire.new_id(), "public_key": "ffff", "sample_rate": "0.25",
                      "odd": {"deep": [True]}},
            "x_unknown": {"n": 18446744073709551615, "f": 0.1, "list": ["ä", "\u0000"]}}
    item = {"type": "weird", "length": 3, "x_item": [1, 2.50, {"k": "v"}], "filename": "a b"}
    sentry.down()
    assert picketd.send(wire.build(head, [(item, b"\x00\xff\n")])).status == 200
    picketd.kill9()
    picketd.start()
    sentry.up()
    sentry.wait_requests(1)
    got = sentry.envelopes()[0]
    sent_at = got.headers.pop("sent_at")
    assert wire.SENT_AT.match(sent_at)
    got.headers.pop("dsn", None)
    assert got.headers == head
    assert got.items[0].headers == item
    assert got.items[0].payload == b"\x00\xff\n"


def test_numbers_in_headers_keep_their_text(picketd, sentry):
    body = (b'{"event_id":"9ec79c33ec9942ab8353589fcb2e04dc","x":1.50,"y":1e400,'
            b'"z":123456789012345678901234567890}\n{"type":"event","q":0.10,"length":2}\n{}\n')
    assert picketd.send(body).status == 200
    sentry.wait_requests(1)
    line = sentry.envelopes()[0].header_line
    for text in (b'"x":1.50', b'"y":1e400', b'"z":123456789012345678901234567890'):
        assert text in line


def test_event_id_comes_from_header_then_payload_then_chance_p055_p056_p057(picketd, sentry):
    a, b = wire.new_id(), wire.new_id()
    r = picketd.send(wire.build({}, [({"type": "event"}, wire.event_payload(a))]))
    assert r.json() == {"id": a}
    assert sentry.wait_event(a).envelope.items[0].payload == wire.event_payload(a)

    r = picketd.send(wire.build({"event_id": b}, [({"type": "event"}, wire.event_payload(a))]))
    assert r.json() == {"id": b}
    sentry.wait_event(b)

    sentry.script(Answer(503), times=2)
    made = picketd.send(wire.build({}, [({"type": "event"}, b'{"level":"info"}')])).json()["id"]
    sentry.wait_event(made)
    attempts = [r for r in sentry.requests if r.envelope and r.envelope.event_id == made]
    assert len(attempts) == 3, "the same generated id in every retry"


def test_100000_tiny_items_p053(make_daemon, sentry):
    d = make_daemon(sentry)
    body = b"{}\n" + b'{"type":"x","length":1}\nz\n' * 100000
    assert d.send(body).status == 200
    sentry.wait_for(lambda: sentry.accepted(), 30)
    assert len(sentry.envelopes()[0].items) == 100000
    assert d.send(body + b'{"type":"x","length":1}\nz\n').status in (400, 413)


def test_mutated_envelopes_never_break_anything_p054(make_daemon, sentry):
    d = make_daemon(sentry, {"spool": {"durability": "lazy"}})
    rng = random.Random(20260101)
    seeds = [data for data, _ in ACCEPTED.values()] + list(REFUSED.values()) + [
        wire.event(), wire.session(), wire.check_in()]
    with d.conn() as c:
        for _ in range(600):
            data = bytearray(rng.choice(seeds))
            for _ in range(rng.randint(1, 6)):
                at = rng.randrange(len(data) + 1)
                what = rng.randrange(4)
                if what == 0 and data:
                    data[at % len(data)] = rng.randrange(256)
                elif what == 1:
                    data[at:at] = rng.choice([b"\n", b"{", b"}", b'"', b"\\", b"\x00", b",", b"9"])
                elif what == 2:
                    del data[at:at + rng.randint(1, 9)]
                else:
                    data[at:at] = data[:rng.randint(0, 20)]
            r = c.envelope(bytes(data))
            assert r.status in (200, 400, 413), (bytes(data), r)
    last = d.send_event()
    sentry.wait_event(last, 30)
    d.wait_empty(30)
