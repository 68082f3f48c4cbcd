#include "client/lines.h"

#define MAX_LINE_BYTES (64u << 20)
#define SLACK_BYTES    (64u << 10)

void lines_init(struct lines *l, int fd)
{
	l->fd = fd;
	l->used = 0;
	buf_init(&l->in, MAX_LINE_BYTES + SLACK_BYTES);
}

void lines_fini(struct lines *l)
{
	buf_fini(&l->in);
}

int lines_write(struct lines *l, struct str line, struct deadline d, struct err *err)
{
	int rc = stream_write(l->fd, line, d, err);

	return rc == E_OK ? stream_write(l->fd, STR("\n"), d, err) : rc;
}

int lines_read(struct lines *l, struct deadline d, struct str *line, struct err *err)
{
	size_t looked = 0;
	bool is_eof = false;
	int rc = E_OK;

	buf_consume(&l->in, l->used);
	l->used = 0;
	while (rc == E_OK) {
		size_t at = looked + str_find_char(str_from(buf_view(&l->in), looked), '\n');

		if (at < l->in.n) {
			*line = str_first(buf_view(&l->in), at);
			l->used = at + 1;
			return E_OK;
		}
		looked = l->in.n;
		if (is_eof)
			return err_set(err, E_NET, "the daemon closed the connection");
		rc = stream_read(l->fd, &l->in, d, &is_eof, err);
	}
	return rc;
}
