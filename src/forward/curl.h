/* curl.h - the transport over libcurl: HTTP/1.1 and HTTP/2, TLS, proxies.
 *
 * One multi handle driven by the loop: a poll handle per socket and one timer.
 * Nothing is set up before the first request, and what an idle daemon does not
 * need (connections, handles, libcurl itself) is given back after 30 s.
 *
 * Owns     its handles, connections and poll watchers; a reference to settings.
 * Threads  loop thread; name resolution uses libcurl's own helper thread.
 * Fails    E_NET, E_TIMEOUT, E_NOMEM, E_CANCELED in the exchange
 */
#ifndef PICKET_FORWARD_CURL_H
#define PICKET_FORWARD_CURL_H

#include <sys/socket.h>
#include <uv.h>

#include "base/err.h"
#include "config/settings.h"
#include "forward/transport.h"

int transport_curl_new(
	struct transport **ret, uv_loop_t *loop, struct settings *settings, struct err *err);
/* For a reload: requests sent from now on follow the new settings. */
void transport_curl_configure(struct transport *t, struct settings *settings);
/* True when fd is the far end of a connection of t. */
bool transport_curl_is_own(const struct transport *t, int fd);
/* Connections open now, busy or not; for tests and status. */
unsigned transport_curl_sockets(const struct transport *t);

#endif
