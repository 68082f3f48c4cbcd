/* err.h - one list of error codes, and a sentence for the person.
 *
 * A function that can fail returns E_OK or one of these codes. Functions that
 * fail for reasons a person must read about also take a struct err and fill
 * in one sentence; outer layers put their context in front of it.
 *
 * Owns     nothing; struct err is embedded in the caller.
 * Threads  any; an err belongs to one thread at a time.
 */
#ifndef PICKET_BASE_ERR_H
#define PICKET_BASE_ERR_H

enum err_code {
	E_OK = 0,
	E_NOMEM,        /* an allocation failed, or a memory budget is used up */
	E_INVAL,        /* an argument or setting that cannot be */
	E_SYNTAX,       /* input that does not follow its grammar */
	E_TOOBIG,       /* input beyond a configured limit */
	E_NOSPACE,      /* disk, map or quota full */
	E_IO,           /* the system refused to read or write */
	E_READONLY,     /* the file system cannot be written */
	E_CORRUPT,      /* stored data that fails its checksum or format */
	E_CANCELED,     /* closing; nothing was done */
	E_NOTFOUND,     /* no such thing */
	E_EXISTS,       /* already there, or already running */
	E_DENIED,       /* not allowed by policy or permission */
	E_UNAUTHORIZED, /* no usable credentials */
	E_UNSUPPORTED,  /* known to be something this build does not do */
	E_LIMITED,      /* a rate limit is in force */
	E_TIMEOUT,      /* took longer than allowed */
	E_NET,          /* no answer: resolve, connect, TLS, reset */
	E_CODE_COUNT
};

struct err {
	int code;
	char text[512];
};

/* Starts a fresh error. Returns rc, so that "return err_set(...)" reads well.
 * err may be NULL: the code alone is then the answer. */
int err_set(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* Puts context in front of the sentence already there: "context: sentence".
 * Returns err's code, or rc when err is NULL. */
int err_wrap(struct err *err, int rc, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/* The code that an errno value stands for. */
int err_from_errno(int errnum);

/* Short lower-case name of a code, for logs. Never NULL. */
const char *err_name(int code);

#endif
