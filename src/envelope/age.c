#include "envelope/age.h"

int64_t age_ms(const struct age_frame *f, const struct record *r, struct instant now)
{
	int64_t before_start = 0, age;

	if (r->boot_id != 0 && r->boot_id == f->boot_id) {
		age = now.mono_ms - r->received_mono_ms;
	} else {
		before_start = f->start.wall_ms - r->received_wall_ms;
		if (before_start < 0)
			before_start = 0;
		age = before_start + now.mono_ms - f->start.mono_ms;
	}
	return age > 0 ? age : 0;
}
