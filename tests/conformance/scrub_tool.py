"""picket scrub, which needs no daemon, for the statements of scrubbing."""

import json
import pathlib
import subprocess
import tempfile

from settings import PICKET, TIME_SCALE

ALL_ON = {"scrubData": True, "scrubDefaults": True, "scrubIpAddresses": True}
DEFAULTS = {"scrubData": True, "scrubDefaults": True}


def tool(data, *options, rules=None, settings=None):
    """Runs it; the answer is what subprocess says."""
    with tempfile.TemporaryDirectory(prefix="pk") as folder:
        command = [PICKET, "scrub"]
        for name, value in (("rules", rules), ("settings", settings)):
            if value is not None:
                path = pathlib.Path(folder) / (name + ".json")
                path.write_text(value if isinstance(value, str) else json.dumps(value))
                command += ["--" + name, str(path)]
        return subprocess.run([*command, *options], input=data, capture_output=True,
                              timeout=60 * TIME_SCALE, check=False)


def scrub_bytes(data, *options, rules=None, settings=None):
    done = tool(data, *options, rules=rules, settings=settings)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def scrub(payload, form="event", rules=None, settings=None):
    """A payload of this type, as it comes out."""
    data = payload.encode() if isinstance(payload, str) else json.dumps(payload).encode()
    return json.loads(scrub_bytes(data, "--type", form, rules=rules, settings=settings))


def refusal(rules, payload=b'{"extra":{"x":"y"}}'):
    done = tool(payload, "--type", "event", rules=rules)
    assert done.returncode == 78 and done.stdout == b"", done
    return done.stderr.decode()


def attachment(data, rules, name="a.bin"):
    """A file of this name, alone."""
    return scrub_bytes(data, "--type", "attachment", "--name", name, rules=rules)


def applied(*names, to="$string", **rules):
    """A configuration: these rules on one selector."""
    return {"rules": rules, "applications": {to: list(names)}}


def pattern(expression, text=None, method="replace", **more):
    how = {"method": method}
    if text is not None:
        how["text"] = text
    return {"type": "pattern", "pattern": expression, "redaction": how, **more}


def note(got, *path):
    """The entry of "_meta" for a path, or None."""
    at = got.get("_meta")
    for step in (*path, ""):
        if not isinstance(at, dict) or step not in at:
            return None
        at = at[step]
    return at


def text_of(value, names, key="x", **rules):
    """What becomes of one text in extra, and its remarks."""
    got = scrub({"extra": {key: value}}, rules=applied(*names, **rules))
    return got["extra"][key], (note(got, "extra", key) or {}).get("rem")


def by_default(event, settings=None):
    return scrub(event, settings=settings or ALL_ON)
