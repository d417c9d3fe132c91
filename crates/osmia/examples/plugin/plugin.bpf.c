// SPDX-License-Identifier: MIT OR Apache-2.0
// Two plug-ins that choose a colour for a tile: one is quick, the other one takes its time.
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct tile {
	__u32 x, y;
	__u32 colour;
};

SEC("syscall")
int stripes(struct tile *t)
{
	t->colour = (t->x + t->y) % 3;
	return 0;
}

struct point {
	__s64 x, y, a, b;
	__u32 steps;
};

/* One step towards infinity, or not. Numbers have 16 bits behind the point. */
static long step(__u32 i, struct point *p)
{
	__s64 a = p->a * p->a >> 16, b = p->b * p->b >> 16;

	if (a + b > 4 << 16)
		return 1;
	p->b = (2 * p->a * p->b >> 16) + p->y;
	p->a = a - b + p->x;
	p->steps = i;
	return 0;
}

/* The verifier knows that it ends, not how long that takes. */
SEC("syscall")
int mandelbrot(struct tile *t)
{
	struct point p = { .x = ((__s64)t->x << 9) - (2 << 16), .y = ((__s64)t->y << 9) - (1 << 16) };

	bpf_loop(1 << 23, step, &p, 0);
	t->colour = p.steps;
	return 0;
}

char _license[] SEC("license") = "Dual MIT/GPL";
