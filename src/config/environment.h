/* environment.h - settings from the environment.
 *
 * PICKET_<SECTION>_<KEY> wins over every file. A variable of a known section
 * with an unknown key is refused: it is a typing error that would otherwise do
 * nothing. Other PICKET_ variables belong to somebody else.
 *
 * Owns     nothing.
 * Threads  one at a time.
 * Fails    as apply_setting(); sentences name the variable
 */
#ifndef PICKET_CONFIG_ENVIRONMENT_H
#define PICKET_CONFIG_ENVIRONMENT_H

#include "config/loader.h"

int load_env(struct loader *l);

#endif
