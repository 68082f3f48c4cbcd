/* records.h - what listings of stored envelopes and dead letters share.
 *
 * Owns     nothing.
 * Threads  one.
 */
#ifndef PICKET_CLI_RECORDS_H
#define PICKET_CLI_RECORDS_H

#include <jansson.h>

#include "cli/cli.h"

/* --max and --class into a request. EX_OK or the exit code. */
extern const struct opt records_ls_opts[], records_show_opts[];
int records_ls(struct cli *c, const char *cmd, void (*print)(void *arg, const json_t *line));
/* SEQ and --raw: asks for one envelope and prints it. */
int records_show(struct cli *c, const char *cmd);

/* "error 1, attachment 120" of the member "items". */
void records_print_items(FILE *to, const json_t *line);

#endif
