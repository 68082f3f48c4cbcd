#include "ingest/auth.h"

#include "base/encoding.h"
#include "envelope/dsn.h"

#define PROTOCOL_MAX 7 /* section 21, point 2 */

#define NO_CREDENTIALS ((struct credentials){.protocol = STR("7")})

static int no_memory(struct err *err)
{
	return err_set(err, E_NOMEM, "no memory for the credentials");
}

int auth_check_key(struct str key, struct str *ret, struct err *err)
{
	key = str_first(key, str_find_char(key, '.'));
	if (!dsn_key_is_local(key))
		return err_set(
			err, E_SYNTAX, "the public key must have 1 to 64 letters, digits, - or _");
	*ret = key;
	return E_OK;
}

/* Text that is sent on inside a header must not be able to end it or to add
 * parameters; such text is taken as not sent. */
static struct str plain_text(struct str s)
{
	for (size_t i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c < 0x20 || c == 0x7f || c == ',')
			return STR_EMPTY;
	}
	return s;
}

static int check_protocol(struct str text, struct str *ret, struct err *err)
{
	unsigned value = 0;

	text = str_first(text, str_find_char(text, '.'));
	if (text.n == 0)
		return err_set(err, E_UNAUTHORIZED, "sentry_version is not a number");
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '9')
			return err_set(err, E_UNAUTHORIZED, "sentry_version is not a number");
		if (value <= PROTOCOL_MAX)
			value = value * 10 + (unsigned)(text.p[i] - '0');
	}
	if (value > PROTOCOL_MAX)
		return err_set(err, E_SYNTAX, "sentry_version above %d is not known", PROTOCOL_MAX);
	*ret = text;
	return E_OK;
}

static void set_parameter(struct credentials *c, struct str name, struct str value)
{
	if (str_eq(name, STR("sentry_key")))
		c->key = value;
	else if (str_eq(name, STR("sentry_version")))
		c->protocol = value;
	else if (str_eq(name, STR("sentry_client")))
		c->client = value;
	else if (str_eq(name, STR("sentry_secret")))
		c->secret = value;
}

/* Forms 1 and 2: what follows "Sentry ". */
static void read_list(struct str list, struct credentials *c)
{
	struct str piece;

	while (str_cut(&list, ',', &piece)) {
		size_t eq = str_find_char(piece, '=');

		set_parameter(c, str_trim(str_first(piece, eq)), str_trim(str_from(piece, eq + 1)));
	}
}

/* Form 3: what follows "Basic ". Clients put their public key where browsers
 * put the user's name. */
static int read_basic(struct str text, struct arena *a, struct credentials *c, struct err *err)
{
	char *out = arena_alloc(a, text.n / 4 * 3 + 3);
	size_t n;

	if (out == NULL)
		return no_memory(err);
	if (!base64_decode(text, out, &n))
		return err_set(err, E_UNAUTHORIZED, "Authorization: Basic is not base64");
	c->key = str_first(str_make(out, n), str_find_char(str_make(out, n), ':'));
	return E_OK;
}

static int decode(struct str s, struct arena *a, struct str *ret)
{
	char *out;

	if (s.n == 0) {
		*ret = STR_EMPTY;
		return E_OK;
	}
	out = arena_alloc(a, s.n);
	if (out == NULL)
		return E_NOMEM;
	*ret = str_make(out, percent_decode(s, true, out));
	return E_OK;
}

/* Form 4. *times: how many sentry_key there are; without one a query holds no
 * credentials, whatever else it says (P-020). */
static int read_query(
	struct str query, struct arena *a, struct credentials *c, unsigned *times, struct err *err)
{
	struct str piece, name, value;

	while (str_cut(&query, '&', &piece)) {
		size_t eq = str_find_char(piece, '=');

		if (!str_starts(piece, STR("sentry_")) &&
			str_find_char(str_first(piece, eq), '%') == eq)
			continue;
		if (decode(str_first(piece, eq), a, &name) != E_OK ||
			decode(str_from(piece, eq + 1), a, &value) != E_OK)
			return no_memory(err);
		if (str_eq(name, STR("sentry_key")))
			++*times;
		set_parameter(c, name, value);
	}
	return E_OK;
}

static int check_all(struct credentials *c, struct err *err)
{
	int rc;

	if (c->key.n == 0)
		return err_set(err, E_UNAUTHORIZED, "the credentials have no sentry_key");
	rc = auth_check_key(c->key, &c->key, err);
	if (rc == E_OK)
		rc = check_protocol(c->protocol, &c->protocol, err);
	c->client = plain_text(c->client);
	c->secret = plain_text(c->secret);
	c->found = rc == E_OK;
	return rc;
}

int auth_read(
	const struct auth_input *in, struct arena *a, struct credentials *ret, struct err *err)
{
	bool has_sentry_auth = str_istarts(in->sentry_auth, STR("sentry "));
	bool has_list = str_istarts(in->authorization, STR("sentry "));
	bool has_basic = str_istarts(in->authorization, STR("basic "));
	unsigned forms = 0;
	int rc;

	*ret = NO_CREDENTIALS;
	rc = read_query(in->query, a, ret, &forms, err);
	if (rc != E_OK)
		return rc;
	if (forms == 0)
		*ret = NO_CREDENTIALS;
	if (has_sentry_auth)
		forms += in->sentry_auth_times;
	if (has_list || has_basic)
		forms += in->authorization_times;
	if (in->path_key.n > 0) {
		forms++;
		ret->key = in->path_key;
	}
	if (forms == 0)
		return E_OK;
	if (forms > 1)
		return err_set(err, E_UNAUTHORIZED, "the request has several credentials");
	if (has_basic)
		rc = read_basic(str_trim(str_from(in->authorization, 6)), a, ret, err);
	else if (has_list)
		read_list(str_from(in->authorization, 7), ret);
	else if (has_sentry_auth)
		read_list(str_from(in->sentry_auth, 7), ret);
	return rc == E_OK ? check_all(ret, err) : rc;
}
