#include "cli/args.h"

#include <string.h>

void args_init(struct args *a, int argc, char **argv)
{
	*a = (struct args){.argc = argc, .argv = argv};
}

static int bad(struct args *a, const char *what, const char *which, size_t n)
{
	(void)err_set(&a->err, E_INVAL, what, (int)n, which);
	return ARG_BAD;
}

/* The option's value: what is left of this argument, else the next one. */
static int take_value(
	struct args *a, const struct opt *o, int index, const char *rest, const char **value)
{
	if (rest != NULL) {
		*value = rest;
	} else if (a->at < a->argc) {
		*value = a->argv[a->at++];
	} else {
		return bad(a, "option --%.*s needs a value", o->name, strlen(o->name));
	}
	return index;
}

static int long_option(struct args *a, const struct opt *opts, const char *text, const char **value)
{
	const char *eq = strchr(text, '=');
	size_t n = eq != NULL ? (size_t)(eq - text) : strlen(text);

	for (int i = 0; opts[i].help != NULL; i++) {
		if (strlen(opts[i].name) != n || strncmp(opts[i].name, text, n) != 0)
			continue;
		if (opts[i].value != NULL)
			return take_value(a, &opts[i], i, eq != NULL ? eq + 1 : NULL, value);
		if (eq != NULL)
			return bad(a, "option --%.*s takes no value", text, n);
		return i;
	}
	return bad(a, "there is no option --%.*s", text, n);
}

static int short_option(struct args *a, const struct opt *opts, const char **value)
{
	const char *letter = a->bundle;

	a->bundle = letter[1] != '\0' ? letter + 1 : NULL;
	for (int i = 0; opts[i].help != NULL; i++) {
		if (opts[i].letter != *letter)
			continue;
		if (opts[i].value != NULL) {
			const char *rest = a->bundle;

			a->bundle = NULL;
			return take_value(a, &opts[i], i, rest, value);
		}
		return i;
	}
	return bad(a, "there is no option -%.*s", letter, 1);
}

int args_next(struct args *a, const struct opt *opts, const char **value)
{
	const char *arg;

	*value = NULL;
	if (a->bundle != NULL)
		return short_option(a, opts, value);
	if (a->at >= a->argc)
		return ARG_END;
	arg = a->argv[a->at++];
	if (!a->is_literal && strcmp(arg, "--") == 0) {
		a->is_literal = true;
		return args_next(a, opts, value);
	}
	if (a->is_literal || arg[0] != '-' || arg[1] == '\0') {
		*value = arg;
		return ARG_OPERAND;
	}
	if (arg[1] == '-')
		return long_option(a, opts, arg + 2, value);
	a->bundle = arg + 1;
	return short_option(a, opts, value);
}
