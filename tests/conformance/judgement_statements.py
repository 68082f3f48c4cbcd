"""The checklist of judging: sampling, what goes together, rules, lists, bounds,
repetitions, defaults and reports; proven as statements.py describes."""

LETTER = "T"
ABOUT = "judgement"

SAYS = {
    # Order of work, errors
    1: "the reason of a filter wins over that of sampling",
    2: "what a rule adds is scrubbed",
    3: "a bad file at reload leaves the old rules in force",
    4: "a sampled-out event leaves its session",
    5: "one id has one fate, and the share is right",
    6: "the report tells what was dropped",
    7: "the first sampler that matches decides; a higher rate keeps a superset",
    # Traces
    8: "kept when the trace's number is below the rate, strictly",
    9: "daemons agree about whole traces",
    10: "the last 14 digits of a trace id are its number",
    11: "absolute rates",
    12: "relative rates",
    13: "a trace header with odd values passes unharmed",
    14: "rates by duration, and very small ones",
    15: "a continuation shares the fate of its head, inherit keeps the SDK's",
    16: "limits count each key apart and drop as before_send",
    # What goes together
    17: "a late attachment of a dropped event goes too, counted in bytes",
    18: "crashes are kept unless told",
    19: "profiles are a share of kept transactions, drawn apart",
    20: "chunks of one profiler share one fate, headers survive",
    21: "event and recording of a replay share one fate",
    22: "a container that lost entries has the right count, length and report",
    # Rules
    23: "each of the 57 filters can be said, with cases",
    24: "headers in any case, as object and as pairs",
    25: "message in all its forms",
    26: "bad expressions are refused with their place, hungry ones end",
    27: "a dry run tells which rule fired and what changed, and sends nothing",
    28: "exception.type is the raised one, any() any",
    # Ignore lists
    29: "bare and qualified class names",
    30: "~text in value, type and value, message, formatted text",
    31: "class sets, case-sensitive",
    32: "a cause matches only with chain",
    33: "an ignored transaction counts its spans",
    34: "loggers are ignored in events, breadcrumbs and logs",
    # Bounds
    35: "the newest breadcrumbs stay, the note counts all",
    36: "long values are cut and noted",
    37: "cutting leaves valid UTF-8, ids, times and addresses",
    38: "depth and breadth are noted as SDKs do",
    39: "request bodies beyond their bound go",
    40: "in_app follows the order of the lists",
    # Repetitions, defaults
    41: "an equal error within the window goes, another stays",
    42: "one id twice is one event upstream",
    43: "missing fields are filled, present ones stay, null is missing",
    44: "sessions without a release are left alone",
    45: "a setting beats the environment; every word for yes and no",
    46: "a mirror gets what sampling dropped",
    # Reports
    59: "reports of SDKs and own losses are one item of summed quantities",
    60: "a report survives kill -9, once",
    61: "413 is send_error, 429 is nothing",
    62: "a report is at most 4 KiB",
    # What stays in the process
    99: "locals, source, modules, argv and spans are taken away",
    100: "unknown headers and item types pass unchanged",
}

PROOFS = {}

PROVEN_ELSEWHERE = set()

NOT_TESTABLE = {}

DOES_NOT_HOLD = {
    46: "there is no mirror: copies go to a project, by a rule (duplicate)",
}
