// SPDX-License-Identifier: MIT OR Apache-2.0
/* Loads each program of each object by itself, so many times, and prints what the kernel's verifier says
 * of its work; nothing is attached. One line a program: object, program, error number, least microseconds
 * of verification, instructions processed, states kept; separated by tabs. */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* BPF_LOG_STATS: the numbers at the end alone */
#define STATISTICS 4

struct work {
	unsigned long micros, processed, states;
};

static int silent(enum libbpf_print_level level, const char *format, va_list rest)
{
	(void)level, (void)format, (void)rest;
	return 0;
}

static unsigned long number_after(const char *log, const char *words)
{
	const char *at = strstr(log, words);

	return at ? strtoul(at + strlen(words), NULL, 10) : 0;
}

/* Maps whose size is left to the tool that loads them have one entry, or page. */
static void give_size(struct bpf_map *map)
{
	if (bpf_map__max_entries(map) || bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
		return;
	bpf_map__set_max_entries(map, bpf_map__type(map) == BPF_MAP_TYPE_RINGBUF ? 4096 : 1);
}

static int load(const char *path, const char *name, struct work *work)
{
	static char log[1 << 16];
	struct bpf_object *object = bpf_object__open(path);
	struct bpf_program *program;
	struct bpf_map *map;
	int error;

	if (!object)
		return 1;
	log[0] = 0;
	bpf_object__for_each_map(map, object)
		give_size(map);
	bpf_object__for_each_program(program, object) {
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
		bpf_program__set_log_buf(program, log, sizeof(log));
		bpf_program__set_log_level(program, STATISTICS);
	}
	error = bpf_object__load(object);
	bpf_object__close(object);
	work->micros = number_after(log, "verification time ");
	work->processed = number_after(log, "processed ");
	work->states = number_after(log, "total_states ");
	return error < 0 ? -error : 0;
}

static void measure(const char *path, const char *name, int rounds)
{
	struct work work, least = { .micros = -1UL };
	int error = 0;

	for (int round = 0; round < rounds && !error; round++) {
		error = load(path, name, &work);
		if (work.micros < least.micros)
			least = work;
	}
	printf("%s\t%s\t%d\t%lu\t%lu\t%lu\n", path, name, error, least.micros, least.processed,
	       least.states);
}

int main(int count, char **arguments)
{
	int rounds = count > 1 ? atoi(arguments[1]) : 1;

	libbpf_set_print(silent);
	for (int at = 2; at < count; at++) {
		struct bpf_object *object = bpf_object__open(arguments[at]);
		struct bpf_program *program;

		if (!object)
			continue;
		bpf_object__for_each_program(program, object)
			measure(arguments[at], bpf_program__name(program), rounds);
		bpf_object__close(object);
	}
	return 0;
}
