// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Times a bench program that is compiled together with this file for the machine itself: the limit.
 *
 *     native_bench PACKET < COMMANDS
 *
 * Lines: how often the program is to run. Each is answered by a line: nanoseconds all runs took and
 * what the last one returned. Arrays are the only maps there are.
 */
#define _GNU_SOURCE
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <linux/bpf.h>

struct rmap {
	uint32_t type, key_size, value_size, max_entries, flags;
	const char *name;
	void *impl;
};

int bench(struct xdp_md *context);

void *bpf_map_lookup_elem(void *map, const void *key)
{
	struct rmap *array = map;
	uint32_t index = *(const uint32_t *)key;

	if (!array->impl)
		array->impl = calloc(array->max_entries, (array->value_size + 7) & ~7u);
	if (index >= array->max_entries || !array->impl)
		return NULL;
	return (char *)array->impl + (size_t)index * ((array->value_size + 7) & ~7u);
}

long bpf_map_update_elem(void *map, const void *key, const void *value, uint64_t flags)
{
	(void)map, (void)key, (void)value, (void)flags;
	return -1;
}

uint32_t bpf_get_prandom_u32(void)
{
	static uint64_t state = 0x9e3779b97f4a7c15;

	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1d) >> 32;
}

int main(int argc, char **argv)
{
	/* Contexts have 32-bit addresses. */
	char *packet = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	struct xdp_md context = { 0 };
	struct timespec start, end;
	unsigned long runs;
	FILE *file;
	int (*volatile program)(struct xdp_md *) = bench;

	if (argc != 2 || packet == MAP_FAILED)
		return 2;
	file = fopen(argv[1], "rb");
	if (!file)
		return 2;
	context.data = context.data_meta = (uintptr_t)packet;
	context.data_end = context.data + fread(packet, 1, 4096, file);
	fclose(file);
	while (scanf("%lu", &runs) == 1) {
		int returned = 0;

		clock_gettime(CLOCK_MONOTONIC, &start);
		for (unsigned long i = 0; i < runs; i++)
			returned = program(&context);
		clock_gettime(CLOCK_MONOTONIC, &end);
		printf("%llu %u\n",
		       (end.tv_sec - start.tv_sec) * 1000000000ull + end.tv_nsec - start.tv_nsec,
		       (unsigned)returned);
		fflush(stdout);
	}
	return 0;
}
