#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int err_set(struct err *err, int rc, const char *fmt, ...)
{
	va_list ap;

	if (err == NULL)
		return rc;
	err->code = rc;
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	return rc;
}

int err_wrap(struct err *err, int rc, const char *fmt, ...)
{
	char inner[sizeof err->text];
	va_list ap;
	size_t n;

	if (err == NULL)
		return rc;
	memcpy(inner, err->text, sizeof inner);
	va_start(ap, fmt);
	(void)vsnprintf(err->text, sizeof err->text, fmt, ap);
	va_end(ap);
	n = strlen(err->text);
	if (inner[0] != '\0')
		(void)snprintf(err->text + n, sizeof err->text - n, ": %s", inner);
	err->code = rc;
	return rc;
}

int err_from_errno(int errnum)
{
	switch (errnum) {
	case 0:
		return E_OK;
	case ENOMEM:
		return E_NOMEM;
	case ENOSPC:
	case EDQUOT:
		return E_NOSPACE;
	case EROFS:
		return E_READONLY;
	case ENOENT:
		return E_NOTFOUND;
	case EEXIST:
	case EADDRINUSE:
		return E_EXISTS;
	case EACCES:
	case EPERM:
		return E_DENIED;
	case EINVAL:
		return E_INVAL;
	case ETIMEDOUT:
		return E_TIMEOUT;
	case ECANCELED:
		return E_CANCELED;
	case ECONNREFUSED:
	case ECONNRESET:
	case EPIPE:
		return E_NET;
	default:
		return E_IO;
	}
}

const char *err_name(int code)
{
	static const char *const names[E_CODE_COUNT] = {
		[E_OK] = "ok",
		[E_NOMEM] = "no-memory",
		[E_INVAL] = "invalid",
		[E_SYNTAX] = "syntax",
		[E_TOOBIG] = "too-big",
		[E_NOSPACE] = "no-space",
		[E_IO] = "io",
		[E_READONLY] = "read-only",
		[E_CORRUPT] = "corrupt",
		[E_CANCELED] = "canceled",
		[E_NOTFOUND] = "not-found",
		[E_EXISTS] = "exists",
		[E_DENIED] = "denied",
		[E_UNAUTHORIZED] = "unauthorized",
		[E_UNSUPPORTED] = "unsupported",
		[E_LIMITED] = "limited",
		[E_TIMEOUT] = "timeout",
		[E_NET] = "network",
	};

	if (code < 0 || code >= E_CODE_COUNT || names[code] == NULL)
		return "unknown";
	return names[code];
}
