/* SPDX-License-Identifier: MIT OR Apache-2.0
 * Rules about payments, from C: loads an object, sets a limit, judges payments, tells what maps hold.
 *
 *     cc rules.c -I../include -losmia_capi -o rules && ./rules rules.bpf.o
 */
#include <stdio.h>
#include <string.h>

#include <osmia.h>

/* The record, as rules.bpf.c declares it. */
struct payment {
	uint32_t account, country;
	uint64_t cents;
	uint32_t score, reason;
};

static int failed(OsmiaError *error)
{
	fprintf(stderr, "%s\n", osmia_error_text(error));
	osmia_error_free(error);
	return 1;
}

static int judge(OsmiaModule *module, OsmiaWorker *worker)
{
	const struct payment payments[] = {
		{ .account = 7, .country = 49, .cents = 12000 },
		{ .account = 7, .country = 49, .cents = 80000 },
		{ .account = 8, .country = 81, .cents = 900 },
	};
	OsmiaError *error = NULL;
	OsmiaProgram *large = osmia_program(module, "large", &error);
	OsmiaMap *limits = large ? osmia_map(module, "limits", &error) : NULL;
	uint32_t account = 7, value;
	uint64_t limit = 50000;

	if (limits)
		osmia_map_set(limits, (uint8_t *)&account, (uint8_t *)&limit, &error);
	for (int i = 0; !error && i < 3; i++) {
		struct payment payment = payments[i];

		if (osmia_run(large, worker, (uint8_t *)&payment, sizeof(payment), &value, &error))
			printf("account %u pays %lu: %s, score %u\n", payment.account,
			       (unsigned long)payment.cents, value ? "large" : "as ever", payment.score);
	}
	if (!error && osmia_map_next_key(limits, NULL, (uint8_t *)&account) &&
	    osmia_map_get(limits, (uint8_t *)&account, (uint8_t *)&limit))
		printf("limit of account %u: %lu\n", account, (unsigned long)limit);
	osmia_map_free(limits);
	osmia_program_free(large);
	return error ? failed(error) : 0;
}

int main(int argc, char **argv)
{
	OsmiaError *error = NULL;
	OsmiaSandbox *sandbox = osmia_sandbox_new(1, &error);
	OsmiaModule *module = NULL;
	OsmiaWorker *worker = NULL;
	int result;

	if (sandbox)
		module = osmia_load_file(sandbox, argc > 1 ? argv[1] : "rules.bpf.o", &error);
	if (module)
		worker = osmia_worker_new(sandbox, &error);
	/* Whoever wrote the rules, no payment waits longer than a second. */
	osmia_worker_limit(worker, 1000000);
	result = worker ? judge(module, worker) : failed(error);

	/* Errors are values: this is no object. */
	error = NULL;
	if (!result && !osmia_verify(sandbox, (const uint8_t *)"no", 2, "no.o", &error)) {
		printf("%s: %s\n", osmia_error_code(error), osmia_error_message(error));
		osmia_error_free(error);
	}
	osmia_worker_free(worker);
	osmia_module_free(module);
	osmia_sandbox_free(sandbox);
	return result;
}
