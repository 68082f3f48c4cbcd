/* connection.h - one client's stream, from accept to close.
 *
 *   OPENING    the first byte tells HTTP from a raw envelope (Unix sockets)
 *   HEAD       waits for a request, or for the rest of its head
 *   BODY       waits for the rest of its body
 *   RAW        waits for the rest of a raw envelope, ended by half-close
 *   WAITING    the request is complete; its answer is owed (request.h)
 *   REPLYING   waits for the socket to take the answer
 *   FEEDING    a page that goes on: gets what its feed sends (feed.c)
 *   SKIPPING   answered before the body was complete; reads past the rest
 *   LINGERING  answered for good; leaves the client time to read that
 *   CLOSED     until libuv has let go of the handle
 *
 * What a client sends while its answer is owed waits in held; reading stops
 * when something waits there.
 *
 * Owns     the socket, and its request until that is dispatched.
 * Threads  loop thread.
 */
#ifndef PICKET_INGEST_CONNECTION_H
#define PICKET_INGEST_CONNECTION_H

#include "ingest/address.h"
#include "ingest/answer.h"
#include "ingest/http.h"
#include "ingest/private.h"
#include "ingest/request.h"

enum connection_state {
	CONNECTION_OPENING,
	CONNECTION_HEAD,
	CONNECTION_BODY,
	CONNECTION_RAW,
	CONNECTION_WAITING,
	CONNECTION_REPLYING,
	CONNECTION_FEEDING,
	CONNECTION_SKIPPING,
	CONNECTION_LINGERING,
	CONNECTION_CLOSED
};

enum step { STEP_WAIT, STEP_AGAIN };

struct connection {
	TAILQ_ENTRY(connection) link;
	struct ingest *in;
	union {
		uv_handle_t handle;
		uv_stream_t stream;
		uv_tcp_t tcp;
		uv_pipe_t pipe;
	} uv;
	enum connection_state state;
	bool counted;  /* towards max_connections */
	bool running;  /* steps are being taken further up the stack */
	bool reading;  /* uv_read_start is in force */
	bool eof;      /* the client has sent all it will */
	bool is_raw;   /* answers are JSON lines */
	bool ends;     /* closes after the answer */
	bool lingers;  /* and bytes may come that nobody will read */
	unsigned feed; /* that its page goes on with, 0 for none */
	struct peer peer;
	struct http http;
	struct request *request;
	struct answer_frame frame; /* how the request under way is to be answered */
	struct str input;          /* not yet used bytes of this read, or of held */
	struct buf held;
	size_t held_taken; /* of the budget, for held */
	struct deadline deadline;
	uint64_t lingered_bytes;
	uv_write_t write;
	char *writing; /* the part of an answer that the socket did not take at once */
};

/* Takes fd. refuse: answers 503 and closes. */
void connection_open(struct ingest *in, int fd, const struct peer *peer, bool refuse);

/* Takes steps until they wait. After a change of state from outside of them. */
void connection_run(struct connection *c);
/* To the next request on the same connection. */
void connection_next(struct connection *c);

/* sending.c. Answers the request under way, whose reply was given. */
void connection_accepted(struct connection *c, enum endpoint_success kind,
	const struct event_id *id, struct str limits);
void connection_refused(struct connection *c, int status, const char *detail,
	uint32_t retry_after_s, struct str limits);
/* Sends in->answer as the answer to the request under way. */
void connection_send(struct connection *c, int status);

/* Drops the client. A request whose answer is owed goes on without it. */
void connection_close(struct connection *c);
/* ingest closes: answers what is owed, refuses what is incomplete. */
void connection_drain(struct connection *c);
void connection_expired(void *owner, enum deadline_kind kind);
bool connection_is_busy(const struct connection *c);

/* exchange.c: the head of a request is complete. */
void exchange_begin(struct connection *c);
/* Body bytes of the request under way. */
void exchange_body(void *connection, const char *p, size_t n);
/* Refuses the request under way; close when it cannot go on after that. */
void exchange_refuse(
	struct connection *c, int status, const char *detail, struct str allow, bool fatal);

/* raw.c */
enum step raw_begin(struct connection *c);
enum step raw_step(struct connection *c);
void raw_end(struct connection *c);

#endif
