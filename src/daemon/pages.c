/* The daemon's own pages: health, figures, dashboard (design 4, protocol.md 19). */
#include "daemon/feed.h"
#include "daemon/relay.h"

#define TYPE_JSON "application/json"

static void json_page(struct page *p, int status, const char *text)
{
	p->status = status;
	p->content_type = TYPE_JSON;
	buf_cstr(&p->body, text);
}

static void page_alive(struct relay *r, struct page *p)
{
	(void)r;
	json_page(p, 200, "{\"is_healthy\":true}");
}

static void page_ready(struct relay *r, struct page *p)
{
	const char *why_not;

	if (relay_is_ready(r, &why_not))
		json_page(p, 200, "{\"is_healthy\":true}");
	else
		json_page(p, 503, "{\"is_healthy\":false}");
}

static void rendered(struct relay *r, struct page *p, const char *content_type,
	void (*write)(const struct view *v, struct buf *out))
{
	struct relay_view *v = relay_view_new(r);

	if (v == NULL) {
		json_page(p, 503, "{\"detail\":\"no memory\"}");
		return;
	}
	p->status = 200;
	p->content_type = content_type;
	write(relay_view(v), &p->body);
	relay_view_free(v);
}

static void page_status(struct relay *r, struct page *p)
{
	rendered(r, p, TYPE_JSON, status_write);
}

static void page_metrics(struct relay *r, struct page *p)
{
	rendered(r, p, "text/plain; version=0.0.4; charset=utf-8", metrics_write);
}

static void page_dashboard(struct relay *r, struct page *p)
{
	(void)r;
	p->status = 200;
	p->content_type = "text/html; charset=utf-8";
	dashboard_write(&p->body);
}

static const struct {
	const char *path; /* without a slash at the end, but for the root */
	void (*write)(struct relay *r, struct page *p);
} pages[] = {
	{"/", page_dashboard},
	{"/healthz", page_alive},
	{"/readyz", page_ready},
	{"/status", page_status},
	{"/metrics", page_metrics},
	{"/api/relay/healthcheck/live", page_alive},
	{"/api/relay/healthcheck/ready", page_ready},
	{"/api/0/relays/live", page_alive},
};

bool relay_page(void *arg, struct str path, struct str query, struct page *p)
{
	const struct relay *r = arg;

	if (path.n > 1 && path.p[path.n - 1] == '/')
		path.n--;
	for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
		if (str_eq(path, str_of(pages[i].path))) {
			pages[i].write(arg, p);
			return true;
		}
	}
	if (r->local == NULL || !str_eq(path, STR("/stream")))
		return false;
	feed_page(query, p);
	return true;
}
