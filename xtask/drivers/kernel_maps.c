// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * Times the programs of an object in the running kernel.
 *
 *     kernel_maps OBJECT [PACKET] < COMMANDS
 *
 * First come entries of maps: how many in 32 bits, then of each three 32-bit lengths, those of the
 * map's name, the key and the value, and the bytes of all three; values of per-CPU maps are given
 * for one CPU. Then lines: a program's name, how often it is to run, on how many CPUs at once. Each
 * is answered by a line: nanoseconds of one run, the slowest CPU's. Nothing is attached or pinned.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define CPUS_MAX 64

struct work {
	pthread_t thread;
	int fd, cpu, repeat, error;
	uint32_t duration;
};

static unsigned char *read_some(uint32_t length)
{
	unsigned char *bytes = calloc(1, length + 1);

	if (!bytes || fread(bytes, 1, length, stdin) != length)
		exit(2);
	return bytes;
}

static int fill(struct bpf_object *object)
{
	uint32_t count, *lengths;
	int cpus = libbpf_num_possible_cpus();

	count = *(uint32_t *)read_some(4);
	while (count--) {
		lengths = (uint32_t *)read_some(12);
		char *name = (char *)read_some(lengths[0]);
		unsigned char *key = read_some(lengths[1]), *value = read_some(lengths[2]);
		struct bpf_map *map = bpf_object__find_map_by_name(object, name);

		if (!map)
			return -ENOENT;
		if (bpf_map__type(map) == BPF_MAP_TYPE_PERCPU_HASH) {
			value = realloc(value, (size_t)lengths[2] * cpus);
			if (!value)
				return -ENOMEM;
			for (int cpu = 1; cpu < cpus; cpu++)
				memcpy(value + cpu * lengths[2], value, lengths[2]);
		}
		if (bpf_map_update_elem(bpf_map__fd(map), key, value, BPF_ANY))
			return -errno;
		free(name);
		free(key);
		free(value);
		free(lengths);
	}
	return 0;
}

static unsigned char packet[4096];
static uint32_t packet_size = 64;

static void *run(void *argument)
{
	struct work *work = argument;
	LIBBPF_OPTS(bpf_test_run_opts, options, .data_in = packet, .data_size_in = packet_size,
		    .repeat = work->repeat);
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(work->cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	work->error = bpf_prog_test_run_opts(work->fd, &options) ? -errno : 0;
	work->duration = options.duration;
	return NULL;
}

int main(int argc, char **argv)
{
	struct work works[CPUS_MAX];
	struct bpf_object *object;
	int error, repeat, cpus;
	char name[64];

	if (argc != 2 && argc != 3)
		return 2;
	if (argc == 3) {
		FILE *file = fopen(argv[2], "rb");

		if (!file)
			return 2;
		packet_size = fread(packet, 1, sizeof(packet), file);
		fclose(file);
	}
	libbpf_set_print(NULL);
	object = bpf_object__open_file(argv[1], NULL);
	error = object ? bpf_object__load(object) : -errno;
	if (!error)
		error = fill(object);
	if (error) {
		fprintf(stderr, "the kernel does not take the maps or programs: %s\n", strerror(-error));
		return 1;
	}
	puts("ready");
	fflush(stdout);
	while (scanf("%63s %d %d", name, &repeat, &cpus) == 3 && cpus <= CPUS_MAX) {
		struct bpf_program *program = bpf_object__find_program_by_name(object, name);
		uint32_t slowest = 0;

		for (int i = 0; i < cpus; i++) {
			works[i] = (struct work){ .fd = bpf_program__fd(program), .cpu = i, .repeat = repeat };
			if (pthread_create(&works[i].thread, NULL, run, &works[i]))
				return 1;
		}
		for (int i = 0; i < cpus; i++) {
			pthread_join(works[i].thread, NULL);
			if (works[i].error)
				return 1;
			if (works[i].duration > slowest)
				slowest = works[i].duration;
		}
		printf("%u\n", slowest);
		fflush(stdout);
	}
	bpf_object__close(object);
	return 0;
}
