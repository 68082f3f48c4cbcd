/* Datagrams: one is one envelope, and gets no answer.
 *
 *   datagrams_read   a burst: look at the size of the next, take it whole
 *
 * Memory that is short makes the socket rest, so that senders wait in the
 * kernel as they do for any slow reader. What cannot ever be taken is read away
 * and counted.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "ingest/listener.h"
#include "ingest/request.h"

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(sizeof(struct ucred))];
};

static void read_away(struct listener *l)
{
	char byte;

	(void)recv(l->fd, &byte, 1, MSG_DONTWAIT);
	INGEST_COUNT(l->in, datagrams_refused, 1);
}

static void read_sender(struct msghdr *msg, struct sender *from)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c != NULL; c = CMSG_NXTHDR(msg, c)) {
		struct ucred cred;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_CREDENTIALS)
			continue;
		memcpy(&cred, CMSG_DATA(c), sizeof cred);
		from->peer_uid = (int64_t)cred.uid;
		from->peer_pid = (int64_t)cred.pid;
	}
}

/* Reads the datagram of size bytes into its request. */
static bool receive(struct listener *l, struct request *r, size_t size)
{
	struct body *body = &r->job.body;
	union control control;
	struct iovec iov = {.iov_base = body->p, .iov_len = size};
	struct msghdr msg = {.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof control};
	ssize_t n = recvmsg(l->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n <= 0 || (msg.msg_flags & MSG_TRUNC) != 0)
		return false;
	body->n = (size_t)n;
	read_sender(&msg, &r->job.env->from);
	return guard_uid(&l->in->uids, r->job.env->from.peer_uid);
}

/* False: rest, or nothing more. */
static bool read_one(struct listener *l, size_t size)
{
	struct ingest *in = l->in;
	struct request *r = client_request_new(in, NULL, CHANNEL_DATAGRAM, size);
	struct err err;
	int rc;

	if (r == NULL) {
		listener_rest(l, "no memory");
		return false;
	}
	rc = body_reserve(&r->job.body, &err);
	if (rc == E_NOMEM)
		listener_rest(l, err.text);
	else if (rc != E_OK)
		read_away(l);
	if (rc != E_OK) {
		client_request_free(r);
		return rc != E_NOMEM;
	}
	l->troubled = false;
	if (!receive(l, r, size)) {
		INGEST_COUNT(in, datagrams_refused, 1);
		client_request_free(r);
		return true;
	}
	INGEST_COUNT(in, request_bytes, r->job.body.n);
	request_dispatch(r);
	return true;
}

void datagrams_read(struct listener *l)
{
	for (int i = 0; i < LISTENER_BURST && !l->closing; i++) {
		char byte;
		/* With MSG_TRUNC the kernel tells the whole size. */
		ssize_t n = recv(l->fd, &byte, 1, MSG_PEEK | MSG_TRUNC | MSG_DONTWAIT);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno != EAGAIN && errno != EWOULDBLOCK)
				listener_rest(l, strerror(errno));
			return;
		}
		if (n == 0)
			read_away(l);
		else if (!read_one(l, (size_t)n))
			return;
	}
}
