#include "scrub/scratch.h"

#include <pthread.h>
#include <stdlib.h>

struct scratch_pool {
	pthread_mutex_t lock;
	struct scratch *idle;
	const struct piiconf *confs[SCRATCH_PASSES];
	struct names *names;
	uint32_t match_limit;
};

static void scratch_free(struct scratch *s)
{
	matcher_free(s->matcher);
	for (size_t i = 0; i < SCRATCH_PASSES; i++)
		places_free(s->places[i]);
	free(s);
}

static struct scratch *scratch_new(const struct scratch_pool *p)
{
	struct scratch *s = calloc(1, sizeof *s);
	int rc;

	if (s == NULL)
		return NULL;
	rc = matcher_new(&s->matcher, p->match_limit);
	for (size_t i = 0; rc == E_OK && i < SCRATCH_PASSES; i++)
		if (p->confs[i] != NULL)
			rc = places_new(&s->places[i], p->confs[i], p->names);
	if (rc == E_OK)
		return s;
	scratch_free(s);
	return NULL;
}

int scratch_pool_new(struct scratch_pool **ret, const struct piiconf *const confs[SCRATCH_PASSES],
	uint32_t match_limit)
{
	struct scratch_pool *p = calloc(1, sizeof *p);

	*ret = NULL;
	if (p == NULL || pthread_mutex_init(&p->lock, NULL) != 0) {
		free(p);
		return E_NOMEM;
	}
	memcpy(p->confs, confs, sizeof p->confs);
	p->match_limit = match_limit;
	if (names_new(&p->names, confs, SCRATCH_PASSES) != E_OK) {
		scratch_pool_free(p);
		return E_NOMEM;
	}
	*ret = p;
	return E_OK;
}

void scratch_pool_trim(struct scratch_pool *p)
{
	struct scratch *s, *next;

	(void)pthread_mutex_lock(&p->lock);
	s = p->idle;
	p->idle = NULL;
	(void)pthread_mutex_unlock(&p->lock);
	for (; s != NULL; s = next) {
		next = s->next;
		scratch_free(s);
	}
}

void scratch_pool_free(struct scratch_pool *p)
{
	if (p == NULL)
		return;
	scratch_pool_trim(p);
	names_free(p->names);
	(void)pthread_mutex_destroy(&p->lock);
	free(p);
}

struct scratch *scratch_take(struct scratch_pool *p)
{
	struct scratch *s;

	(void)pthread_mutex_lock(&p->lock);
	s = p->idle;
	if (s != NULL)
		p->idle = s->next;
	(void)pthread_mutex_unlock(&p->lock);
	if (s == NULL)
		return scratch_new(p);
	matcher_reset(s->matcher);
	for (size_t i = 0; i < SCRATCH_PASSES; i++)
		if (s->places[i] != NULL)
			places_tidy(s->places[i]);
	return s;
}

void scratch_give(struct scratch_pool *p, struct scratch *s)
{
	if (s == NULL)
		return;
	(void)pthread_mutex_lock(&p->lock);
	s->next = p->idle;
	p->idle = s;
	(void)pthread_mutex_unlock(&p->lock);
}
