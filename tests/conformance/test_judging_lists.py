"""T29 to T34: ignore lists."""

import pytest

import wire
from helpers import QUICK, post_ok
from judging import dropped_by, event, exception, ids_of, kept, passed, transaction


def ignoring(make_daemon, sentry, more=None, **lists):
    return make_daemon(sentry, {**QUICK, "ignore": lists, **(more or {})})


def assert_ignored(d, sentry, gone, stays):
    got = kept(d, sentry, [*gone, *stays])
    assert set(got) == {ids_of(b) for b in stays}
    for body in gone:
        assert dropped_by(d, ids_of(body)) == ("event_processor", "ignore errors")


def raised(*chain, **more):
    return event(exception=exception(*chain, **more))


def test_T029_a_bare_name_is_the_class_and_a_qualified_one_needs_its_module(make_daemon, sentry):
    d = ignoring(make_daemon, sentry, errors="ValueError\n\tpkg.E")
    assert_ignored(
        d, sentry,
        [raised(("ValueError", "x")), raised(("E", "x"), module="pkg")],
        [raised(("MyValueError", "x")), raised(("valueerror", "x")), raised(("E", "x")),
         raised(("E", "x"), module="other"), event(message="ValueError")])


def test_T030_a_text_is_looked_for_in_message_value_and_type(make_daemon, sentry):
    d = ignoring(make_daemon, sentry, errors="~Needle: in hay\n\t~splinter")
    assert_ignored(
        d, sentry,
        [raised(("Needle", "in hay")), raised(("E", "a splinter")), event(message="a splinter"),
         event(message=None, logentry={"message": "x", "formatted": "a splinter"})],
        [raised(("E", "Splinter")), event(message="hay"), event(extra={"a": "splinter"})])


def test_T031_a_set_names_its_members_in_their_case(make_daemon, sentry):
    d = ignoring(make_daemon, sentry, {"class_set": {"mine": "AError, pkg.BError"}},
                 errors="class:mine")
    assert_ignored(d, sentry,
                   [raised(("AError", "x")), raised(("BError", "x"), module="pkg")],
                   [raised(("aerror", "x")), raised(("BError", "x")), raised(("CError", "x"))])


@pytest.mark.parametrize("chain, goes", [(None, False), ("yes", True)])
def test_T032_a_cause_does_nothing_without_chain(make_daemon, sentry, chain, goes):
    d = ignoring(make_daemon, sentry, errors="Cause", **({"chain": chain} if chain else {}))
    body = raised(("Cause", "x"), ("Effect", "y"))
    assert_ignored(d, sentry, [body] if goes else [], [] if goes else [body])


def test_T033_an_ignored_transaction_counts_its_spans(make_daemon, sentry):
    d = ignoring(make_daemon, sentry, transactions="GET /health")
    gone = transaction(transaction="GET /health", spans=[{"span_id": f"{n:016x}"} for n in range(3)])
    stays = transaction(transaction="GET /healthy")
    assert set(kept(d, sentry, [gone, stays])) == {ids_of(stays)}
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "span"] == 4)
    assert sentry.discarded()["event_processor", "transaction"] == 1


def test_T034_loggers_go_from_events_breadcrumbs_and_logs(make_daemon, sentry):
    d = ignoring(make_daemon, sentry, loggers="django.security.*")
    noisy = "django.security.DisallowedHost"
    assert passed(d, sentry, event(logger=noisy)) is None
    got = passed(d, sentry, event(logger="django.request", breadcrumbs={"values": [
        {"type": "log", "category": noisy}, {"type": "http", "category": noisy},
        {"type": "log", "category": "django.request"}]}))
    assert [c["type"] for c in got["breadcrumbs"]["values"]] == ["http", "log"]
    entries = [{"timestamp": 1767225600.5, "trace_id": wire.new_id(), "level": "info", "body": name,
                "attributes": {"logger.name": {"value": name, "type": "string"}}}
               for name in (noisy, "django.request")]
    post_ok(d, wire.build({}, [({"type": "log", "item_count": 2, "content_type": wire.LOG_TYPE},
                                wire.compact({"items": entries}))]))
    sentry.wait_for(lambda: sentry.items("log"))
    (item,) = sentry.items("log")
    assert [e["body"] for e in item.json()["items"]] == ["django.request"]
    sentry.wait_for(lambda: sentry.discarded()["event_processor", "log_item"] == 1)
