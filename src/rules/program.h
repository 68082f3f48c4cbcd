/* program.h - a condition as it is evaluated. For the files of src/rules.
 *
 * A row of tests; each says where to go on when it is true and when it is
 * false. "a and (b or not c)" is three tests and no tree, so that evaluating
 * takes no stack.
 *
 * Owns     nothing: arena memory of the fields.
 * Threads  read-only once compiled.
 */
#ifndef PICKET_RULES_PROGRAM_H
#define PICKET_RULES_PROGRAM_H

#include "rules/fields.h"
#include "rules/regex.h"
#include "rules/text.h"
#include "rules/value.h"

enum rule_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_IN,
	OP_NOT_IN,
	OP_CONTAINS,
	OP_STARTS,
	OP_ENDS,
	OP_GLOB,
	OP_MATCHES,
	OP_CIDR,
	OP_EXISTS,
	OP_MISSING,
	OP_COUNT
};

enum rule_quantifier { QUANT_ANY, QUANT_ALL, QUANT_NONE };
enum rule_function { FN_NONE, FN_LOWER, FN_LENGTH };

struct rule_operand {
	bool is_path;
	struct rule_path path;
	struct rule_value value; /* a literal */
	const struct rule_regex *regex;
	struct network network;
};

struct rule_test {
	enum rule_op op;
	bool any_case;
	enum rule_quantifier quantifier;
	enum rule_function function;
	struct rule_path left;
	bool has_constant; /* stands on the left in place of a path */
	struct rule_value constant;
	size_t right_n;
	struct rule_operand *right;
};

#define JUMP_TRUE  UINT32_MAX
#define JUMP_FALSE (UINT32_MAX - 1)

struct rule_instruction {
	struct rule_test test;
	uint32_t if_true, if_false;
};

struct condition {
	struct rule_fields *fields;
	bool owns_fields;
	uint32_t n, entry;
	struct rule_instruction *code;
	/* Without these bytes in the raw text the condition is false; "" for
	 * none. Holds nothing that JSON writes as anything but itself or \u. */
	struct str needle;
};

#endif
