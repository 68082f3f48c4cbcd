"""Random events and PII configurations, the same for the same seed.

Events are as a receiver would have normalized them (lists of pairs, typed contexts,
"values"), so that scrubbing is all that two scrubbers can differ in.
"""

import random

SECRETS = [
    "127.0.0.1", "10.1.2.3", "::1", "2001:db8::ff00:42:8329", "fe80::1%eth0", "::ffff:1.2.3.4",
    "[::1]:80", "jane@example.com", "mailto:jane.doe+x@mail.example.org", "4571234567890111",
    "4571 2345 6789 0111", "5105-1051-0510-5100", "378282246310005", "1234567890123456",
    "DE89370400440532013000", "XDE89370400440532013000", "NO9386011117947!", "078-05-1120",
    "4a:00:04:10:9b:50", "ceee0822-ed8f-4622-b2a3-789e73e75cd1", "356938035643809",
    "35-693803-564380-9", "Bearer eyJhbGciOiJIUzI1NiJ9.e30", "bearer  abc", "/home/alice/x.txt",
    "C:\\Users\\bob\\Documents\\a.doc", "/Users/eve/Library", "https://u:p@host/db",
    "redis://:pw@h:1", "//user@host", "pg://matt:pass@localhost/1",
    "-----BEGIN RSA PRIVATE KEY-----\nMIIB\nAAAA\n-----END RSA PRIVATE KEY-----",
    "?token=abc", "my-token-here: x", "password", "the secret is out", "passwd=1", "api_key=1",
    "api-key", "apikey", "author", "is_authenticated", "credentials", "mysql_pwd", "privatekey",
    "private-key", "otp", "two-factor", "session=abc, language=en", "csrf=1",
]
PLAIN = [
    "", "true", "false", "null", "undefined", "[Filtered]", "hello world", "naïve café ☕ 日本語",
    "a\nb\n", "  ", "x" * 40, "SELECT * FROM t WHERE id = 1", "GET /index.html", "0", "12",
    "path/to/file.py", "{\"a\": 1}", "\u0661\u0662\u0663", "token count", "tok\u212aen \u017fecret",
]
KEYS = [
    "foo", "bar", "password", "a_password_here", "Secret", "apiKey", "api_key", "token",
    "X-Token", "auth", "author", "otp", "two-factor", "not-otp", "user.name", "key with space",
    "session", "sessionid", "csrf_token", "dark-mode", "mystuff", "deep", "0", "ümlaut", "it's",
    "Authorization", "User-Agent", "X-Forwarded-For", "Cookie2", "data", "id",
]
BUILTINS = ["@ip", "@imei", "@mac", "@uuid", "@email", "@iban", "@creditcard", "@pemkey", "@urlauth",
            "@usssn", "@userpath", "@password", "@bearer", "@anything"]
METHODS = ["", ":replace", ":mask", ":hash", ":remove"]
FILTERS = ["@anything:filter", "@iban:filter", "@creditcard:filter", "@pemkey:filter",
           "@urlauth:legacy", "@usssn:filter", "@password:filter", "@bearer:filter", "@common",
           "@common:filter", "@nonsense"]
SELECTORS = [
    "$string", "**", "$object", "$array", "$number", "$object.**", "extra.**", "extra.foo",
    "extra.*", "*.password", "$user.*", "$user.ip_address", "user.**", "$http.headers.*",
    "$http.**", "request.data.**", "$logentry.formatted", "$message", "$error.value",
    "exception.values.*.value", "$frame.vars.**", "$frame.abs_path", "$frame.filename", "tags.*",
    "tags.**", "$breadcrumb.message", "$breadcrumb.data.**", "$span.data.**", "$span.description",
    "contexts.**", "contexts.biz.**", "$event.**", "!foo", "~$object", "$string && !extra.**",
    "$string && !password", "(foo || bar) && $string", "**.0", "$array.*", "extra.'key with space'",
    "'user.name'", "$user.id || $user.email", "debug_meta.images.*.code_file", "$thread.**",
    "*.cookies.session", "$http.env.REMOTE_ADDR", "culprit", "server_name", "extra.**.foo",
    "$stack.**", "$string && $http.**", "(extra.** && !$string) || tags.token",
]


class Maker:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def text(self):
        r = self.r
        kind = r.random()
        if kind < 0.35:
            return r.choice(SECRETS)
        if kind < 0.6:
            return r.choice(PLAIN)
        parts = [r.choice(SECRETS + PLAIN + KEYS) for _ in range(r.randint(2, 4))]
        return r.choice([" ", ", ", "", "\n", "&", ": ", ";"]).join(parts)

    def key(self):
        return self.r.choice(KEYS)

    def value(self, depth=0):
        r = self.r
        kind = r.random()
        if kind < 0.6 or depth > 3:
            return self.text()
        if kind < 0.68:
            return r.choice([0, 1, -5, 3.5, 42, 4571234567890111, True, False])
        if kind < 0.78:
            return self.pairs(depth)
        if kind < 0.86:
            return [self.value(depth + 1) for _ in range(r.randint(1, 3))]
        return self.map(depth + 1)

    def map(self, depth=0):
        return {self.key(): self.value(depth + 1) for _ in range(self.r.randint(1, 5))}

    def pairs(self, depth=0):
        return [[self.key(), self.value(depth + 2)] for _ in range(self.r.randint(1, 3))]

    def typed_pairs(self):
        return [[self.key(), self.text() or "x"] for _ in range(self.r.randint(1, 4))]

    def stacktrace(self):
        r = self.r
        return {"frames": [{
            "function": self.text() or "f", "module": self.text() or "m",
            "filename": r.choice(["src/a.py", "a.py", "/home/alice/b.py", "C:\\Users\\bob\\c.c"]),
            "abs_path": r.choice(["/home/alice/src/a.py", "a.py", "/secret/password/x.py"]),
            "vars": self.map(),
        } for _ in range(r.randint(1, 2))]}

    def span(self):
        return {"timestamp": 2.5, "start_timestamp": 1.5, "op": "db", "span_id": "fa90fdead5f74052",
                "trace_id": "4c79f60c11214eb38604f4ae0781bfb2",
                "description": self.text() or "d", "data": self.map(),
                "tags": {"foo": self.text() or "x"}}

    def event(self):
        r = self.r
        parts = {
            "logentry": lambda: {"formatted": self.text() or "x", "message": self.text() or "y",
                                 "params": [self.text() for _ in range(2)]},
            "user": lambda: {k: self.text() or "x" for k in
                             r.sample(["id", "email", "username", "name"], r.randint(0, 3))} | (
                {"ip_address": "127.0.0.1"} if r.random() < 0.7 else {}) | (
                {"data": self.map()} if r.random() < 0.5 else {}),
            "request": lambda: {"url": "https://example.com/" + r.choice(["x", "auth", "a b"]),
                                "method": "POST", "headers": self.headers(),
                                "cookies": self.typed_pairs(), "query_string": self.typed_pairs(),
                                "data": self.map(), "env": self.map(),
                                "fragment": self.text() or "f"},
            "exception": lambda: {"values": [{
                "type": "ValueError", "value": self.text() or "x", "stacktrace": self.stacktrace(),
                "mechanism": {"type": "generic", "data": self.map()}}]},
            "threads": lambda: {"values": [{"id": 1, "name": "main", "crashed": True,
                                            "stacktrace": self.stacktrace()}]},
            "breadcrumbs": lambda: {"values": [{"type": "http", "category": "x",
                                                "message": self.text() or "m",
                                                "data": self.map()} for _ in range(2)]},
            "contexts": lambda: {"biz": self.map() | {"type": "biz"},
                                 "os": {"name": "Linux", "type": "os", "build": self.text() or "b"},
                                 "device": {"type": "device", "name": self.text() or "n",
                                            "model": self.text() or "m"},
                                 "trace": {"type": "trace", "op": "x",
                                           "trace_id": "4c79f60c11214eb38604f4ae0781bfb2",
                                           "span_id": "fa90fdead5f74052", "data": self.map()}},
            "spans": lambda: [self.span() for _ in range(r.randint(1, 2))],
            "tags": lambda: [[k.replace(" ", "-"), " ".join(self.text().split()) or "x"]
                             for k in r.sample(KEYS, 3)],
            "extra": self.map,
            "server_name": lambda: self.text() or "s",
            "culprit": lambda: self.text() or "c",
            "transaction": lambda: self.text() or "t",
            "release": lambda: "r1",
            "zz_unknown": lambda: self.value(),
            "debug_meta": lambda: {"images": [{"type": "macho", "code_file": "/home/a/foo.so",
                                               "debug_file": "/secret/x/y.pdb"}]},
        }
        names = r.sample(sorted(parts), r.randint(3, 9))
        event = {n: parts[n]() for n in names}
        if r.random() < 0.4:
            self.annotate(event)
        return event

    def annotate(self, event):
        """Notes that an SDK made about strings that are there."""
        r = self.r
        places = [(n, k) for n in ("extra", "user") for k, v in event.get(n, {}).items()
                  if isinstance(v, str) and v and k != "ip_address"]
        for n, k in r.sample(places, min(2, len(places))):
            remarks = [["!config", "s"]]
            size = len(event[n][k].encode())
            if event[n][k].isascii() and r.random() < 0.7:
                start = r.randint(0, size - 1)
                remarks = [["!config", "s", start, r.randint(start, size)]]
            note = {"rem": remarks}
            if r.random() < 0.5:
                note["len"] = 7
            event.setdefault("_meta", {}).setdefault(n, {})[k] = {"": note}

    def headers(self):
        """As they are written once normalized."""
        return [[self.r.choice(["Accept", "Authorization", "User-Agent", "X-Forwarded-For", "X-Token",
                                "Api_key", "Password"]), self.text() or "x"] for _ in range(3)]

    def redaction(self):
        return self.r.choice([
            {}, {"method": "default"}, {"method": "remove"}, {"method": "mask"}, {"method": "hash"},
            {"method": "replace"}, {"method": "replace", "text": "[gone]"},
            {"method": "replace", "text": ""}, {"method": "replace", "text": "é☕"},
        ])

    def rule(self):
        r = self.r
        kind = r.choice(["anything", "pattern", "pattern", "redact_pair", "imei", "mac", "uuid",
                         "email", "ip", "creditcard", "iban", "userpath", "pemkey", "url_auth",
                         "us_ssn", "bearer", "password", "multiple", "alias"])
        rule = {"type": kind}
        redaction = self.redaction()
        if redaction:
            rule["redaction"] = redaction
        if kind == "pattern":
            rule["pattern"], groups = r.choice([
                ("a", None), ("[a-z]+", None), ("(\\w+)@(\\w+)", [1]), ("(\\d)(\\d)?", [1, 2]),
                ("(?i)SECRET|pass(word)?", [0]), ("foo|(.*)", [1]), ("x*", None), ("^\\s*", None),
                ("(a)|(b)", [2]), ("\\bo\\w+", None), ("é+", None), (".$", None)])
            if groups is not None:
                rule["replaceGroups"] = groups
        elif kind == "redact_pair":
            rule["keyPattern"] = r.choice(["foo", "(?i)pass", "^b", "mystuff|deep", "e$"])
        elif kind == "multiple":
            rule["rules"] = r.sample(BUILTINS + FILTERS, r.randint(1, 3))
            rule["hideInner"] = r.random() < 0.5
        elif kind == "alias":
            rule["rule"] = r.choice(BUILTINS + FILTERS)
            rule["hideInner"] = r.random() < 0.5
        return rule

    def config(self):
        r = self.r
        rules = {f"r{i}": self.rule() for i in range(r.randint(0, 3))}
        names = list(rules) + [b + m for b in BUILTINS for m in METHODS] + FILTERS
        return {"rules": rules, "applications": {
            s: [r.choice(names) for _ in range(r.randint(1, 3))]
            for s in r.sample(SELECTORS, r.randint(1, 4))}}

    def settings(self):
        r = self.r
        return {"scrubData": r.random() < 0.9, "scrubDefaults": r.random() < 0.8,
                "scrubIpAddresses": r.random() < 0.7,
                "sensitiveFields": r.sample(["mystuff", "foo", "deep.", " ", "ümlaut", "a+b"],
                                            r.randint(0, 2)),
                "excludeFields": r.sample(["foo", "extra.**", "$user.id", "*url*", " ", "password",
                                           "otp", "it's"], r.randint(0, 2))}
