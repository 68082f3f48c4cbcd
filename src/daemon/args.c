#include "daemon/args.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

static const char usage[] =
	"usage: picketd [-c FILE] [--dev] [--check | --dump-config [--secrets]]\n"
	"\n"
	"A local relay for Sentry: takes envelopes over a Unix socket or localhost HTTP,\n"
	"keeps them on disk until they are delivered, and forwards them.\n"
	"\n"
	"  -c, --config FILE  read FILE instead of /etc/picket/picket.conf and conf.d/\n"
	"                     (PICKET_CONFIG is the default)\n"
	"      --dev          no upstream needed: envelopes end in the local view, on the\n"
	"                     terminal and the dashboard\n"
	"      --check        read the settings, say what is wrong with them, and exit\n"
	"                     (78 when they cannot be used)\n"
	"      --dump-config  print every setting as it is in force, and exit\n"
	"      --secrets      with --dump-config: print DSNs with their keys\n"
	"  -V, --version      print the version, and exit\n"
	"  -h, --help         print this, and exit\n"
	"\n"
	"Signals: TERM and INT end the daemon after what is under way (a second one ends\n"
	"it at once), HUP reads the settings again.\n"
	"With SENTRY_DSN set and no file at all, picketd runs with its defaults.\n"
	"Settings: picket.conf(5). The command line to look inside: picket(1).\n";

enum { OPT_DEV = 256, OPT_CHECK, OPT_DUMP, OPT_SECRETS };

static const struct option options[] = {
	{"config", required_argument, NULL, 'c'},
	{"dev", no_argument, NULL, OPT_DEV},
	{"check", no_argument, NULL, OPT_CHECK},
	{"dump-config", no_argument, NULL, OPT_DUMP},
	{"secrets", no_argument, NULL, OPT_SECRETS},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static int args_check(const struct args *a, int argc, char **argv, int next)
{
	if (next < argc) {
		(void)fprintf(stderr,
			"picketd: unexpected argument \"%s\" (picketd --help tells more)\n",
			argv[next]);
		return EX_USAGE;
	}
	if (a->secrets && !a->dump) {
		(void)fprintf(stderr, "picketd: --secrets goes with --dump-config\n");
		return EX_USAGE;
	}
	return -1;
}

int args_parse(struct args *a, int argc, char **argv)
{
	int c;

	*a = (struct args){.file = getenv("PICKET_CONFIG")};
	if (a->file != NULL && a->file[0] == '\0')
		a->file = NULL;
	while ((c = getopt_long(argc, argv, "c:Vh", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			a->file = optarg;
			break;
		case OPT_DEV:
			a->dev = true;
			break;
		case OPT_CHECK:
			a->check = true;
			break;
		case OPT_DUMP:
			a->dump = true;
			break;
		case OPT_SECRETS:
			a->secrets = true;
			break;
		case 'V':
			(void)printf("picketd %s\n", PICKET_VERSION);
			return 0;
		case 'h':
			(void)fputs(usage, stdout);
			return 0;
		default:
			(void)fprintf(stderr, "picketd --help tells more\n");
			return EX_USAGE;
		}
	}
	return args_check(a, argc, argv, optind);
}
