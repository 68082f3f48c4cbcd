#include "config/quote.h"
#include "config/settings.h"
#include "config/table.h"
#include "config/value.h"

/* "key =" alone when there is no value: no blank at the end of a line. */
static void dump_text(struct buf *out, const char *key, const char *text)
{
	buf_printf(out, *text != '\0' ? "%s = %s\n" : "%s =\n", key, text);
}

static void dump_project(const struct project *p, bool secrets, struct buf *out)
{
	buf_printf(out, "\n[project %s]\n", p->name);
	dump_text(out, "key", secrets ? p->key : "****");
	dump_text(out, "id", p->id);
	if (secrets) {
		dump_text(out, "dsn", p->dsn);
		return;
	}
	buf_cstr(out, "dsn = ");
	mask_url(out, str_of(p->dsn), true);
	buf_char(out, '\n');
}

static void dump_pairs(const char *section, const struct setting_pairs *p, struct buf *out)
{
	if (p->n > 0)
		buf_printf(out, "\n[%s]\n", section);
	for (size_t i = 0; i < p->n; i++) {
		buf_printf(out, "%s = ", p->v[i].name);
		value_format_text(out, str_of(p->v[i].value));
		buf_char(out, '\n');
	}
}

/* Each line on one of its own, as it may have been. */
static void dump_setting_text(
	const char *key, const struct setting_text *t, bool secrets, struct buf *out)
{
	struct str rest = str_of(t->text), line;

	if (t->text == NULL)
		return;
	buf_printf(out, "%s =", key);
	if (t->is_secret && !secrets) {
		buf_cstr(out, " ****\n");
		return;
	}
	buf_cstr(out, str_find_char(rest, '\n') < rest.n ? "\n\t" : " ");
	while (str_cut(&rest, '\n', &line)) {
		value_format_text(out, line);
		buf_cstr(out, rest.p != NULL ? "\n\t" : "\n");
	}
}

static void dump_sample(const struct sample_setting *s, bool secrets, struct buf *out)
{
	buf_printf(out, "\n[sample %s]\n", s->name);
	dump_setting_text("on", &s->on, secrets, out);
	dump_setting_text("when", &s->when, secrets, out);
	dump_setting_text("rate", &s->rate, secrets, out);
	dump_setting_text("scope", &s->scope, secrets, out);
}

static void dump_rule(const struct rule_setting *r, bool secrets, struct buf *out)
{
	buf_printf(out, "\n[rule %s]\n", r->name);
	dump_setting_text("on", &r->on, secrets, out);
	dump_setting_text("when", &r->when, secrets, out);
	dump_setting_text("then", &r->then, secrets, out);
}

void settings_dump(const struct settings *s, bool secrets, struct buf *out)
{
	size_t n;
	const struct setting_info *table = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (i == 0 || strcmp(table[i].section, table[i - 1].section) != 0)
			buf_printf(out, "%s[%s]\n", i > 0 ? "\n" : "", table[i].section);
		buf_printf(out, "%s =", table[i].key);
		value_format(&table[i], setting_field_const(s, &table[i]), secrets, out);
		buf_char(out, '\n');
	}
	for (size_t i = 0; i < s->sample_count; i++)
		dump_sample(&s->samples[i], secrets, out);
	dump_pairs("tags", &s->tags, out);
	dump_pairs("class_set", &s->class_sets, out);
	for (size_t i = 0; i < s->project_count; i++)
		dump_project(&s->projects[i], secrets, out);
	for (size_t i = 0; i < s->rule_count; i++)
		dump_rule(&s->rules[i], secrets, out);
}

void settings_changed_fixed(
	const struct settings *old, const struct settings *new, struct buf *names)
{
	size_t n;
	const struct setting_info *table = settings_table(&n);

	for (size_t i = 0; i < n; i++) {
		if (table[i].reload || value_eq(&table[i], setting_field_const(old, &table[i]),
					       setting_field_const(new, &table[i])))
			continue;
		if (names->n > 0)
			buf_char(names, ' ');
		buf_printf(names, "%s.%s", table[i].section, table[i].key);
	}
}
