/* The least that a process linked like picketd can do: listen on a Unix socket.
 * What the dynamic linker needs for the libraries is in it; nothing else is.
 *
 *   bench_listen PATH          until it is killed
 */
#include <brotli/decode.h>
#include <curl/curl.h>
#include <ini.h>
#include <jansson.h>
#include <lmdb.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>
#include <zlib.h>
#include <zstd.h>

#include "base/sockets.h"

/* Referred to, so that the linker keeps every library. */
static const void *const volatile needed[] = {(const void *)(uintptr_t)curl_version,
	(const void *)(uintptr_t)uv_version, (const void *)(uintptr_t)json_object,
	(const void *)(uintptr_t)mdb_version, (const void *)(uintptr_t)ini_parse,
	(const void *)(uintptr_t)zlibVersion, (const void *)(uintptr_t)ZSTD_versionNumber,
	(const void *)(uintptr_t)BrotliDecoderVersion};

int main(int argc, char **argv)
{
	struct err err = {0};
	int fd;

	if (argc != 2 || needed[0] == NULL) {
		(void)fprintf(stderr, "usage: bench_listen PATH\n");
		return 2;
	}
	if (socket_listen_unix(argv[1], SOCK_STREAM, 0600, NULL, &fd, &err) != E_OK) {
		(void)fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (;;)
		(void)pause();
}
