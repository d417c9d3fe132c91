/* Osmia for C. Made by `cargo xtask header`: change crates/capi/src/interface.rs instead. */

#ifndef OSMIA_H
#define OSMIA_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

/**
 * Whose fault a failure is.
 */
typedef enum {
  /**
   * The object, the program or the data.
   */
  OsmiaFaultInput,
  /**
   * The caller asked for something that makes no sense.
   */
  OsmiaFaultUsage,
  /**
   * Not possible here; the message says what is missing.
   */
  OsmiaFaultUnsupported,
  /**
   * A bug of Osmia's.
   */
  OsmiaFaultInternal,
} OsmiaFault;

/**
 * Why something could not be done.
 */
typedef struct OsmiaError OsmiaError;

/**
 * A map; it keeps its module alive.
 */
typedef struct OsmiaMap OsmiaMap;

/**
 * Programs and maps that were loaded together.
 */
typedef struct OsmiaModule OsmiaModule;

/**
 * A program; it keeps its module alive.
 */
typedef struct OsmiaProgram OsmiaProgram;

/**
 * A place programs are loaded and run.
 */
typedef struct OsmiaSandbox OsmiaSandbox;

/**
 * Ends a worker's runs from any thread.
 */
typedef struct OsmiaStop OsmiaStop;

/**
 * A CPU of a sandbox, for one thread at a time.
 */
typedef struct OsmiaWorker OsmiaWorker;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Makes a sandbox of so many CPUs; 0 for as many as the machine has. Null, and an error, if that fails.
 *
 * # Safety
 * `error` is null or room for a pointer; so in all functions.
 */
OsmiaSandbox *osmia_sandbox_new(uint32_t cpus,
                                OsmiaError **error);

/**
 * Frees a handle on a sandbox. What was loaded in it lives as long as there are handles on that.
 *
 * # Safety
 * `sandbox` is null or from `osmia_sandbox_new` and not used any more.
 */
void osmia_sandbox_free(OsmiaSandbox *sandbox);

/**
 * Links and verifies the programs of an object in memory, and loads nothing. `name` stands for its
 * file's name in errors. False, and an error with one diagnostic for each program that is rejected.
 *
 * # Safety
 * `object` has `len` bytes, `name` ends with a zero.
 */
bool osmia_verify(const OsmiaSandbox *sandbox,
                  const uint8_t *object,
                  uintptr_t len,
                  const char *name,
                  OsmiaError **error);

/**
 * Links, verifies and loads an object in memory. Null, and an error, if one of its programs is
 * rejected.
 *
 * # Safety
 * `object` has `len` bytes, `name` ends with a zero.
 */
OsmiaModule *osmia_load(const OsmiaSandbox *sandbox,
                        const uint8_t *object,
                        uintptr_t len,
                        const char *name,
                        OsmiaError **error);

/**
 * The same with an object file.
 *
 * # Safety
 * `path` ends with a zero.
 */
OsmiaModule *osmia_load_file(const OsmiaSandbox *sandbox, const char *path, OsmiaError **error);

/**
 * Frees a handle on a module. It lives as long as there are handles on its programs and maps.
 *
 * # Safety
 * `module` is null or from `osmia_load` or `osmia_load_file` and not used any more.
 */
void osmia_module_free(OsmiaModule *module);

/**
 * A program by name. Null, and an error, if there is none, or it can be called neither with a context
 * nor with packets.
 *
 * # Safety
 * `name` ends with a zero.
 */
OsmiaProgram *osmia_program(const OsmiaModule *module,
                            const char *name,
                            OsmiaError **error);

/**
 * Frees a handle on a program.
 *
 * # Safety
 * `program` is null or from `osmia_program` and not used any more.
 */
void osmia_program_free(OsmiaProgram *program);

/**
 * A CPU of a sandbox; a thread has its own. Null, and an error, if there are no more.
 *
 * # Safety
 * `sandbox` is from `osmia_sandbox_new`.
 */
OsmiaWorker *osmia_worker_new(const OsmiaSandbox *sandbox, OsmiaError **error);

/**
 * Frees a worker.
 *
 * # Safety
 * `worker` is null or from `osmia_worker_new` and not used any more.
 */
void osmia_worker_free(OsmiaWorker *worker);

/**
 * Ends this worker's runs that take longer than so many microseconds, each with an error (`vm-stopped`);
 * 0 for no limit. False without a worker.
 *
 * # Safety
 * `worker` is null or from `osmia_worker_new`, and no other thread uses it meanwhile.
 */
bool osmia_worker_limit(OsmiaWorker *worker,
                        uint64_t microseconds);

/**
 * A handle that ends a worker's runs from any thread. Null without a worker.
 *
 * # Safety
 * `worker` is null or from `osmia_worker_new`, and no other thread uses it meanwhile.
 */
OsmiaStop *osmia_worker_stop(const OsmiaWorker *worker);

/**
 * Ends the run that goes on and every later one (`asked` true), or lets runs go on again.
 *
 * # Safety
 * `stop` is null or from `osmia_worker_stop`; any thread may have it.
 */
void osmia_stop(const OsmiaStop *stop, bool asked);

/**
 * Frees a handle that ends runs; they go on as it left them.
 *
 * # Safety
 * `stop` is null or from `osmia_worker_stop` and not used any more.
 */
void osmia_stop_free(OsmiaStop *stop);

/**
 * Runs a program on `len` bytes: the context of a program in `SEC("syscall")`, which it may change, or
 * a packet, which stays as it is. What it returns is left in `value`, if that is not null. False, and
 * an error, if the run does not come to its end.
 *
 * # Safety
 * `data` has `len` bytes that nobody else touches meanwhile; `worker` is used by no other thread
 * meanwhile; `value` is null or room for a number.
 */
bool osmia_run(const OsmiaProgram *program,
               OsmiaWorker *worker,
               uint8_t *data,
               uintptr_t len,
               uint32_t *value,
               OsmiaError **error);

/**
 * A map by name. Null, and an error, if there is none.
 *
 * # Safety
 * `name` ends with a zero.
 */
OsmiaMap *osmia_map(const OsmiaModule *module, const char *name, OsmiaError **error);

/**
 * Frees a handle on a map.
 *
 * # Safety
 * `map` is null or from `osmia_map` and not used any more.
 */
void osmia_map_free(OsmiaMap *map);

/**
 * Bytes of a key of the map; 0 without a map.
 *
 * # Safety
 * `map` is null or from `osmia_map`.
 */
uintptr_t osmia_map_key_bytes(const OsmiaMap *map);

/**
 * Bytes of a value of the map, every CPU's for per-CPU maps; 0 without a map.
 *
 * # Safety
 * `map` is null or from `osmia_map`.
 */
uintptr_t osmia_map_value_bytes(const OsmiaMap *map);

/**
 * Copies the value of a key to `value`; false if there is none.
 *
 * # Safety
 * `key` has `osmia_map_key_bytes`, `value` room for `osmia_map_value_bytes`.
 */
bool osmia_map_get(const OsmiaMap *map, const uint8_t *key, uint8_t *value);

/**
 * Sets the value of a key. False, and an error, if the map does not take it.
 *
 * # Safety
 * `key` has `osmia_map_key_bytes`, `value` has `osmia_map_value_bytes`.
 */
bool osmia_map_set(const OsmiaMap *map,
                   const uint8_t *key,
                   const uint8_t *value,
                   OsmiaError **error);

/**
 * Removes a key; false if it was not there, or keys of this map cannot be removed.
 *
 * # Safety
 * `key` has `osmia_map_key_bytes`.
 */
bool osmia_map_remove(const OsmiaMap *map, const uint8_t *key);

/**
 * Copies the key after `key`, the first one for null, to `next`, which may be the same memory. False
 * after the last.
 *
 * # Safety
 * `key` is null or has `osmia_map_key_bytes`, `next` has room for as many.
 */
bool osmia_map_next_key(const OsmiaMap *map,
                        const uint8_t *key,
                        uint8_t *next);

/**
 * What went wrong, in one line. It lives as long as the error; so do the others.
 *
 * # Safety
 * `error` is from a function that failed, and not freed.
 */
const char *osmia_error_message(const OsmiaError *error);

/**
 * The stable code of it, which has a page under `docs/diagnostics`: `verify-null-pointer`.
 *
 * # Safety
 * As `osmia_error_message`.
 */
const char *osmia_error_code(const OsmiaError *error);

/**
 * Everything there is to say: place, listing, notes and help of each diagnostic.
 *
 * # Safety
 * As `osmia_error_message`.
 */
const char *osmia_error_text(const OsmiaError *error);

/**
 * Whose fault it is.
 *
 * # Safety
 * As `osmia_error_message`.
 */
OsmiaFault osmia_error_fault(const OsmiaError *error);

/**
 * Frees an error.
 *
 * # Safety
 * `error` is null or from a function that failed, and not used any more.
 */
void osmia_error_free(OsmiaError *error);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* OSMIA_H */
