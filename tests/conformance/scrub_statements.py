"""The checklist of scrubbing as Relay does it, and what a daemon that scrubs for
applications promises beyond it; proven as statements.py describes."""

from types import SimpleNamespace

from elsewhere import unit

LETTER = "S"
ABOUT = "scrubbing"

SAYS = {
    # Configurations and rules
    1: "a custom rule named like a builtin replaces it",
    2: "an unknown rule name is ignored and the other rules run",
    3: "rules of one application run in byte order of leaf names",
    4: "applications run AND, OR, NOT, path, whatever the order written",
    5: "what name a remark bears",
    6: "@common reports the inner names",
    7: "an alias that hides its inner rule lends it name and redaction",
    8: "replaceGroups says which groups go",
    9: "replace without text gives [Filtered]",
    10: "mask writes one star a code point",
    11: "hash is HMAC-SHA1 with an empty key in 40 capital hex digits",
    12: "vars.hashKey changes no hash",
    13: "remove inside a text leaves start = end and letter x",
    14: "what plain builtin names do",
    15: "@userpath:filter does not exist",
    # What is found
    16: "an IPv4 address becomes [ip] with byte range and len",
    17: "an IPv6 address in brackets, and none glued to a word",
    18: "card numbers with separators, and their prefixes",
    19: "an IBAN inside a word is none",
    20: "@urlauth takes both, @urlauth:legacy the password",
    21: "an address without credentials stays",
    22: "PEM blocks keep their BEGIN and END lines",
    23: "token in keys and values",
    24: "otp and two-factor are whole keys",
    25: "auth is a substring of key and value",
    26: "what is no text under a sensitive key becomes null",
    27: "booleans and five texts never change",
    28: "[Filtered] gets no second remark",
    29: "a key match replaces the whole value and its remarks",
    30: "ranges are bytes, len is code points",
    31: "_meta of untouched nodes survives",
    # Selectors
    32: "$string does not reach maybe fields, a path does",
    33: "** and x.** do not reach maybe fields",
    34: "foo.** is not foo; ** is all below the root",
    35: "two **, a lone *, an unknown $type are errors",
    36: "keys match in any case and may be quoted",
    37: "!a does not match what is false",
    38: "typed pairs are addressed by key and noted by index",
    39: "generic pairs are addressed by key",
    40: "keys of pairs never change",
    41: "base names of paths survive every rule",
    42: "a removed image path leaves its base name",
    43: "which selectors reach image paths",
    44: "a hashed address moves to user.id of who has none",
    # Default scrubbing
    45: "with all settings off nothing changes",
    46: "scrubDefaults without scrubData does nothing",
    47: "scrubIpAddresses alone",
    48: "sensitive fields match anywhere, in any case",
    49: "blank fields are ignored",
    50: "an exclude field keeps the node, not its members",
    51: "an exclude field that is no selector is a key",
    52: "what exclude fields do not hold back",
    53: "the User-Agent header is exempt",
    54: "logentry.formatted gets replacement only",
    55: "exception.value is for advanced rules",
    56: "logentry.message never changes, params do",
    57: "sensitive cookies become [Filtered], others stay",
    58: "a cookie header in one text loses the sensitive values",
    59: "typed contexts are left, unknown ones are not",
    60: "free members of span.data are scrubbed",
    61: "gen_ai.prompt gets replacement only",
    # Items with attributes
    62: "advanced rules need .value, defaults use the name",
    63: "a sensitive field named value",
    64: "what the table of attributes calls false never changes",
    65: "a removed attribute value keeps its type",
    66: "GraphQL, then advanced rules, then defaults",
    67: "a GraphQL request without variables deletes response data",
    # Bytes
    68: "attachments keep their length; the filler is *",
    69: "UTF-16LE text in a binary attachment is scrubbed",
    70: "the UTF-16 hash is over UTF-16LE bytes",
    71: "a JSON attachment keeps its structure",
    72: "stack memory is not reached by $binary or **",
    # Together
    73: "scrubbing twice is scrubbing once",
    74: "what is invalid is refused with its place",
    75: "a pattern over its limit removes and does not leak",
}

PROOFS = {
    3: [unit("scrub/test_config", "rules_run_in_byte_order_of_their_leaves")],
    7: [unit("scrub/test_config", "a_hidden_inner_rule_is_reported_and_redacted_as_the_outer")],
    11: [unit("scrub/test_sha1", "known_macs")],
    74: [unit("scrub/test_config", "what_cannot_be_honoured_is_refused_by_name_and_place")],
    75: [unit("scrub/test_closed", "a_pattern_over_its_limit_takes_the_whole_value",
              "many_patterns_over_their_limits_end_all_the_same",
              "bytes_over_the_limit_are_overwritten")],
}

# Nothing here can show it, and this is why.
NOT_TESTABLE = {}

# Those that have no test of their own in this folder.
PROVEN_ELSEWHERE = set()

# What SDKs do not collect, and the keys that are looked for everywhere.
PRIVACY = SimpleNamespace(
    LETTER="T",
    ABOUT="privacy",
    SAYS={
        47: "send_default_pii = no takes address, cookies and seven headers, with notes",
        48: "without it they stay, but Authorization is [Filtered]",
        49: "{{auto}} goes with no, and passes literally without",
        50: "an email that was set stays with no",
        51: "an API key header is filtered in all spellings",
        52: "which keys are sensitive, and which only look like it",
        53: "maps in lists, contexts, tags, span tags and log attributes",
        54: "values of listed keys in queries, wherever they stand",
        55: "bodies carried as text are filtered and still parse",
    },
    PROOFS={},
    NOT_TESTABLE={},
    PROVEN_ELSEWHERE=set(),
)
