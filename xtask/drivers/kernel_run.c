// SPDX-License-Identifier: MIT OR Apache-2.0
/*
 * What the running kernel makes of one program on a list of inputs, as one JSON object on standard
 * output.
 *
 *     kernel_run OBJECT PROGRAM < INPUTS
 *
 * First come entries of maps: how many in 32 bits, then of each three 32-bit lengths, those of the map's
 * name, the key and the value, and the bytes of all three. An input is two 32-bit lengths, the packet's
 * and the context's, and the bytes of both. The object is
 * loaded by libbpf with all its programs, the named one is run on each input with BPF_PROG_TEST_RUN
 * on CPU 0, then every map is read. Nothing is attached or pinned; all of it is gone when this ends.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/bpf.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#define OUT_BYTES (1 << 17)
#define ENTRIES_MAX (1 << 17)

static char message[1024];
static unsigned char data_out[OUT_BYTES], context_out[65536];

static void hex(const void *bytes, size_t length)
{
	const unsigned char *b = bytes;

	putchar('"');
	for (size_t i = 0; i < length; i++)
		printf("%02x", b[i]);
	putchar('"');
}

static void quoted(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		unsigned char c = *s;

		if (c == '"' || c == '\\')
			printf("\\%c", c);
		else if (c < 0x20 || c >= 0x7f)
			printf("\\u%04x", c);
		else
			putchar(c);
	}
	putchar('"');
}

/* The last words of the verifier are the ones with the reason. */
static int keep(enum libbpf_print_level level, const char *format, va_list list)
{
	char *line, *end;

	if (level != LIBBPF_WARN || vasprintf(&line, format, list) < 0)
		return 0;
	end = strstr(line, "\n-- END PROG LOAD LOG");
	if (end) {
		size_t length = end - line, start = length > 300 ? length - 300 : 0;

		*end = 0;
		snprintf(message, sizeof(message), "%s", line + start);
	} else if (!message[0]) {
		snprintf(message, sizeof(message), "%s", line);
	}
	free(line);
	return 0;
}

static bool is_percpu(enum bpf_map_type type)
{
	return type == BPF_MAP_TYPE_PERCPU_ARRAY || type == BPF_MAP_TYPE_PERCPU_HASH ||
	       type == BPF_MAP_TYPE_LRU_PERCPU_HASH;
}

static bool has_elements(enum bpf_map_type type)
{
	return is_percpu(type) || type == BPF_MAP_TYPE_ARRAY || type == BPF_MAP_TYPE_HASH ||
	       type == BPF_MAP_TYPE_LRU_HASH;
}

static void print_globals(struct bpf_object *object)
{
	struct bpf_map *map;
	bool first = true;

	printf("\"globals\":{");
	bpf_object__for_each_map(map, object) {
		unsigned int zero = 0;
		size_t size = bpf_map__value_size(map);
		unsigned char *value;

		if (!bpf_map__is_internal(map) || !strstr(bpf_map__name(map), ".bss"))
			continue;
		value = malloc(size);
		if (value && !bpf_map_lookup_elem(bpf_map__fd(map), &zero, value)) {
			if (!first)
				putchar(',');
			first = false;
			quoted(bpf_map__name(map));
			putchar(':');
			hex(value, size);
		}
		free(value);
	}
	putchar('}');
}

static int record(void *first, void *bytes, size_t size)
{
	if (!*(bool *)first)
		putchar(',');
	*(bool *)first = false;
	hex(bytes, size);
	return 0;
}

static void sample(void *first, int cpu, void *bytes, unsigned int size)
{
	(void)cpu;
	record(first, bytes, size);
}

static void print_map(struct bpf_map *map, struct perf_buffer *events, bool *records_first)
{
	enum bpf_map_type type = bpf_map__type(map);
	int fd = bpf_map__fd(map), count = 0;
	bool first = true;

	printf("{\"name\":");
	quoted(bpf_map__name(map));
	printf(",\"type\":%d", type);
	if (has_elements(type)) {
		size_t size = bpf_map__value_size(map);
		unsigned char *key = malloc(bpf_map__key_size(map)), *value, *previous = NULL;

		if (is_percpu(type))
			size = (size + 7) / 8 * 8 * libbpf_num_possible_cpus();
		value = malloc(size);
		printf(",\"entries\":[");
		while (count++ < ENTRIES_MAX && !bpf_map_get_next_key(fd, previous, key)) {
			if (!bpf_map_lookup_elem(fd, key, value)) {
				printf(first ? "[" : ",[");
				first = false;
				hex(key, bpf_map__key_size(map));
				putchar(',');
				hex(value, size);
				putchar(']');
			}
			previous = key;
		}
		putchar(']');
		free(key);
		free(value);
	} else if (type == BPF_MAP_TYPE_RINGBUF) {
		struct ring_buffer *ring = ring_buffer__new(fd, record, &first, NULL);

		if (ring) {
			printf(",\"records\":[");
			ring_buffer__consume(ring);
			putchar(']');
			ring_buffer__free(ring);
		}
	} else if (events) {
		printf(",\"records\":[");
		*records_first = true;
		perf_buffer__consume(events);
		putchar(']');
	}
	putchar('}');
}

static bool read_exactly(void *bytes, size_t length)
{
	return fread(bytes, 1, length, stdin) == length;
}

static unsigned char *read_some(uint32_t length)
{
	unsigned char *bytes = calloc(1, length + 1);

	if (!bytes || !read_exactly(bytes, length))
		exit(2);
	return bytes;
}

/* Puts what the maps are to hold into them. */
static int fill_maps(struct bpf_object *object)
{
	uint32_t count = 0, lengths[3];
	int error = 0;

	if (!read_exactly(&count, sizeof(count)))
		exit(2);
	while (count--) {
		if (!read_exactly(lengths, sizeof(lengths)))
			exit(2);
		char *name = (char *)read_some(lengths[0]);
		unsigned char *key = read_some(lengths[1]), *value = read_some(lengths[2]);
		int fd = object ? bpf_object__find_map_fd_by_name(object, name) : -ENOENT;

		if (!error)
			error = fd < 0 ? fd : bpf_map_update_elem(fd, key, value, BPF_ANY);
		free(name);
		free(key);
		free(value);
	}
	return error;
}

static void run_all(struct bpf_object *object, int fd)
{
	uint32_t lengths[2];
	bool first = true;

	printf("\"runs\":[");
	while (read_exactly(lengths, sizeof(lengths))) {
		unsigned char *data = read_some(lengths[0]), *context = read_some(lengths[1]);
		LIBBPF_OPTS(bpf_test_run_opts, options);
		int error;

		if (lengths[0]) {
			options.data_in = data;
			options.data_size_in = lengths[0];
			options.data_out = data_out;
			options.data_size_out = sizeof(data_out);
		}
		if (lengths[1]) {
			options.ctx_in = context;
			options.ctx_size_in = lengths[1];
			if (lengths[0]) {
				options.ctx_out = context_out;
				options.ctx_size_out = sizeof(context_out);
			}
		}
		error = bpf_prog_test_run_opts(fd, &options) ? errno : 0;
		printf("%s{\"error\":%d,\"retval\":%u,\"data\":", first ? "" : ",", error, options.retval);
		hex(data_out, lengths[0] && !error ? options.data_size_out : 0);
		printf(",\"ctx\":");
		hex(context_out, options.ctx_out && !error ? options.ctx_size_out : 0);
		putchar(',');
		print_globals(object);
		putchar('}');
		first = false;
		free(data);
		free(context);
	}
	putchar(']');
}

/* Opens and loads an object, all of it or one program. */
static int load(const char *path, const char *only, struct bpf_object **object)
{
	struct bpf_program *program;

	message[0] = 0;
	*object = bpf_object__open_file(path, NULL);
	if (!*object)
		return -errno;
	if (only)
		bpf_object__for_each_program(program, *object)
			bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), only));
	return bpf_object__load(*object);
}

int main(int argc, char **argv)
{
	struct bpf_object *object;
	struct bpf_program *program;
	struct perf_buffer *events = NULL;
	struct bpf_map *map, *events_map = NULL;
	bool first = true, records_first = true;
	cpu_set_t cpus;
	int error;

	if (argc != 3)
		return 2;
	/* Programs ask which CPU they run on, and each CPU has its own values. */
	CPU_ZERO(&cpus);
	CPU_SET(0, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	libbpf_set_print(keep);
	error = load(argv[1], NULL, &object);
	if (error)
		/* One that is refused must not hide the others. */
		error = load(argv[1], argv[2], &object);
	program = object ? bpf_object__find_program_by_name(object, argv[2]) : NULL;
	if (error || !program) {
		printf("{\"error\":%d,\"message\":", error ? -error : ENOENT);
		quoted(message);
		puts("}");
		return 0;
	}
	error = fill_maps(object);
	if (error) {
		printf("{\"error\":%d,\"message\":\"a map cannot be filled\"}", -error);
		return 0;
	}
	bpf_object__for_each_map(map, object)
		if (bpf_map__type(map) == BPF_MAP_TYPE_PERF_EVENT_ARRAY)
			events_map = map;
	if (events_map)
		events = perf_buffer__new(bpf_map__fd(events_map), 64, sample, NULL, &records_first, NULL);
	printf("{\"error\":0,");
	run_all(object, bpf_program__fd(program));
	printf(",\"maps\":[");
	bpf_object__for_each_map(map, object) {
		if (!first)
			putchar(',');
		first = false;
		print_map(map, map == events_map ? events : NULL, &records_first);
	}
	puts("]}");
	perf_buffer__free(events);
	bpf_object__close(object);
	return 0;
}
