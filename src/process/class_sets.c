#include "process/class_sets.h"

static const struct {
	const char *name;
	const char *words;
} sets[] = {
	{"python-os", "OSError IOError EnvironmentError BlockingIOError ChildProcessError "
		      "ConnectionError "
		      "BrokenPipeError ConnectionAbortedError ConnectionRefusedError "
		      "ConnectionResetError FileExistsError FileNotFoundError InterruptedError "
		      "IsADirectoryError NotADirectoryError PermissionError ProcessLookupError "
		      "TimeoutError socket.error socket.timeout socket.gaierror socket.herror"},
	{"python-exit", "KeyboardInterrupt SystemExit GeneratorExit CancelledError "
			"asyncio.exceptions.CancelledError"},
	{"python-http", "requests.exceptions.ConnectionError requests.exceptions.ConnectTimeout "
			"requests.exceptions.ReadTimeout requests.exceptions.Timeout "
			"requests.exceptions.SSLError requests.exceptions.ProxyError "
			"requests.exceptions.ChunkedEncodingError urllib.error.URLError "
			"urllib3.exceptions.MaxRetryError urllib3.exceptions.ReadTimeoutError "
			"urllib3.exceptions.NewConnectionError urllib3.exceptions.ProtocolError "
			"httpx.ConnectError httpx.ConnectTimeout httpx.ReadTimeout httpx.ReadError "
			"httpx.RemoteProtocolError http.client.RemoteDisconnected "
			"http.client.IncompleteRead "
			"aiohttp.client_exceptions.ClientConnectorError "
			"aiohttp.client_exceptions.ServerDisconnectedError "
			"aiohttp.client_exceptions.ClientOSError"},
	{"java-io", "java.io.IOException java.io.EOFException java.io.FileNotFoundException "
		    "java.io.InterruptedIOException java.io.UncheckedIOException "
		    "java.net.SocketException java.net.ConnectException "
		    "java.net.SocketTimeoutException java.net.UnknownHostException "
		    "java.net.NoRouteToHostException java.net.BindException "
		    "java.net.http.HttpTimeoutException java.net.http.HttpConnectTimeoutException "
		    "java.nio.channels.ClosedChannelException javax.net.ssl.SSLException "
		    "javax.net.ssl.SSLHandshakeException "
		    "org.apache.catalina.connector.ClientAbortException"},
	{"django", "django.http.response.Http404 django.core.exceptions.PermissionDenied "
		   "django.core.exceptions.SuspiciousOperation "
		   "django.core.exceptions.DisallowedHost "
		   "django.core.exceptions.RequestDataTooBig "
		   "rest_framework.exceptions.APIException rest_framework.exceptions.ParseError "
		   "rest_framework.exceptions.ValidationError "
		   "rest_framework.exceptions.AuthenticationFailed "
		   "rest_framework.exceptions.NotAuthenticated "
		   "rest_framework.exceptions.PermissionDenied rest_framework.exceptions.NotFound "
		   "rest_framework.exceptions.MethodNotAllowed "
		   "rest_framework.exceptions.NotAcceptable "
		   "rest_framework.exceptions.UnsupportedMediaType "
		   "rest_framework.exceptions.Throttled"},
};

#define SET_COUNT (sizeof sets / sizeof sets[0])

const char *class_set_name(size_t i)
{
	return i < SET_COUNT ? sets[i].name : NULL;
}

const char *class_set_words(size_t i)
{
	return i < SET_COUNT ? sets[i].words : NULL;
}

static bool next_word(struct str *rest, struct str *word)
{
	size_t n = 0;

	while (rest->n > 0 && strchr(" \t,", rest->p[0]) != NULL)
		*rest = str_from(*rest, 1);
	while (n < rest->n && strchr(" \t,", rest->p[n]) == NULL)
		n++;
	*word = str_first(*rest, n);
	*rest = str_from(*rest, n);
	return n > 0;
}

int class_set_split(struct str words, struct arena *a, struct str_list *ret)
{
	struct str rest = words, word;
	size_t n = 0;

	while (next_word(&rest, &word))
		n++;
	*ret = (struct str_list){0, arena_calloc(a, n, sizeof *ret->v)};
	if (ret->v == NULL)
		return E_NOMEM;
	for (rest = words; next_word(&rest, &word); ret->n++) {
		ret->v[ret->n] = arena_cstr(a, word);
		if (ret->v[ret->n] == NULL)
			return E_NOMEM;
	}
	return E_OK;
}
